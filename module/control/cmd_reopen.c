/* control: "reopen".  Takes an order back and wakes the sessions, so that those that have not ended
 * go on. */
#include "control/control.h"

#include "control/change.h"

/* What killed monitors have left behind.  A login that comes upon it frees it too, but that may be late; here
 * nobody counts any more how their sessions ended. */
static void reap(struct scope *scope)
{
	if (!scope->has_table || scope->target.kind == TARGET_ADVISORY)
		return;
	for (uint32_t slot = 0; slot < scope->table.header->capacity; slot++)
		(void)table_reap(&scope->table, scope->shmdir, slot);
}

static enum control_status take_back(struct control *control, struct scope *scope)
{
	char target[TARGET_TEXT_MAX];
	struct scope_count count;
	int rc = change_take_back(scope);

	if (rc == 0)
		rc = scope_wake(scope, &count);
	if (rc != 0)
		return change_error(control, "reopen", rc);
	reap(scope);
	if ((control->options.given & OPTION_BIT(OPTION_QUIET)) == 0)
		fprintf(control->out, "%s reopened; sessions: %zu, connections: %zu\n",
		    target_format(&control->target, target), count.sessions, count.connections);
	return STATUS_DONE;
}

enum control_status cmd_reopen(struct control *control)
{
	const struct options *options = &control->options;
	enum scope_mode mode = change_scope_mode(&control->target, false);
	enum control_status status;
	struct scope scope;
	int rc;

	rc = scope_open(&scope, options, &control->target, mode);
	if (rc != 0)
		return control_table_error(control, "reopen", rc);
	status = take_back(control, &scope);
	scope_close(&scope);
	return status;
}
