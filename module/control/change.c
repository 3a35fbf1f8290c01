/* control: giving orders and taking them back, wherever the target's order stands. */
#include "control/change.h"

#include "util/clock.h"

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

static int take_order(const struct scope *scope, struct scope_connection *connection, void *context)
{
	struct order *order = context;

	(void)scope;
	*order = connection->connection.order;
	return 1;
}

/* The order in an advisory connection's members file; -ENOENT when nobody is on the connection. */
static int read_advisory(struct scope *scope, struct order *order)
{
	int rc = scope_walk(scope, take_order, order);

	return rc == 0 ? -ENOENT : rc > 0 ? 0 : rc;
}

static int write_advisory(const struct scope *scope, const struct order *order)
{
	const struct target *target = &scope->target;

	return members_write_advisory_order(scope->shmdir, target->uid, target->name, order);
}

/* As table_order does it: an order in force keeps its time of issue and what is not given anew. */
static int give_advisory(
    struct scope *scope, const struct order_change *change, struct order *now_in_force)
{
	struct order order;
	int rc = read_advisory(scope, &order);

	if (rc != 0)
		return rc;
	order_apply_change(&order, change, clock_now_ns());
	*now_in_force = order;
	return write_advisory(scope, &order);
}

int change_give(struct scope *scope, const struct order_change *change, struct order *now_in_force)
{
	const struct order_target target = target_of_order(&scope->target);
	int rc;

	if (scope->target.kind == TARGET_ADVISORY)
		return give_advisory(scope, change, now_in_force);
	if (!scope->has_table)
		return -ENOENT;
	rc = table_order(&scope->table, &target, change);
	return rc == 0 ? table_read_order(&scope->table, &target, now_in_force, NULL) : rc;
}

int change_take_back(struct scope *scope)
{
	const struct order_target target = target_of_order(&scope->target);
	struct order order;
	int rc;

	if (scope->target.kind == TARGET_ADVISORY) {
		rc = read_advisory(scope, &order);
		order = (struct order){.active = 0};
		return rc == 0 ? write_advisory(scope, &order) : rc;
	}
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
