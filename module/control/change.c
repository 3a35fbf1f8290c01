/* control: giving orders and taking them back, wherever the target's order stands. */
#include "control/change.h"

#include <errno.h>

enum scope_mode change_scope_mode(const struct target *target, bool create)
{
	switch (target->kind) {
	case TARGET_ADVISORY:
		return SCOPE_READ; /* its order stands in its members file */
	case TARGET_CONNECTION:
		return SCOPE_WRITE; /* without a table there is no such connection */
	default:
		return create ? SCOPE_CREATE : SCOPE_WRITE;
	}
}

static int found_one(const struct scope *scope, struct scope_connection *connection, void *context)
{
	(void)scope;
	(void)connection;
	(void)context;
	return 1;
}

/* An advisory connection has an order only while somebody is on it.  change NULL takes it back. */
static int change_advisory(
    struct scope *scope, const struct order_change *change, struct order *now_in_force)
{
	const struct target *target = &scope->target;
	int rc = scope_walk(scope, found_one, NULL);

	if (rc != 1)
		return rc == 0 ? -ENOENT : rc;
	return members_change_advisory_order(
	    scope->shmdir, target->uid, target->name, change, now_in_force);
}

int change_give(struct scope *scope, const struct order_change *change, struct order *now_in_force)
{
	const struct order_target target = target_of_order(&scope->target);
	int rc;

	if (scope->target.kind == TARGET_ADVISORY)
		return change_advisory(scope, change, now_in_force);
	if (!scope->has_table)
		return -ENOENT;
	rc = table_order(&scope->table, &target, change);
	return rc == 0 ? table_read_order(&scope->table, &target, now_in_force, NULL) : rc;
}

int change_take_back(struct scope *scope)
{
	const struct order_target target = target_of_order(&scope->target);
	struct order none;

	if (scope->target.kind == TARGET_ADVISORY)
		return change_advisory(scope, NULL, &none);
	if (!scope->has_table)
		return scope->target.kind == TARGET_CONNECTION ? -ENOENT : 0;
	return table_reopen(&scope->table, &target);
}

enum control_status change_error(const struct control *control, const char *verb, int rc)
{
	char target[TARGET_TEXT_MAX];
	const char *why = control_table_reason(rc);

	if (rc == -ENOENT)
		why = "no such connection";
	else if (rc == -ENOSPC)
		why = "too many users have an order already";
	control_error(control, "%s: %s: %s", verb, target_format(&control->target, target), why);
	return STATUS_ERROR;
}
