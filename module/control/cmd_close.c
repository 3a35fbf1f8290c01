/* control: "close".  Gives the order and wakes the sessions, which carry it out; ends itself only
 * connections that no session is left on. */
#include "control/control.h"

#include "control/change.h"
#include "control/cmd_wait.h"
#include "control/idle.h"
#include "control/orders.h"
#include "util/clock.h"

/* One line: what is in force now, and whom it concerns. */
static void say(
    const struct control *control, const struct order *order, struct scope_count count, size_t idle)
{
	char target[TARGET_TEXT_MAX];

	if ((control->options.given & OPTION_BIT(OPTION_QUIET)) != 0)
		return;
	fprintf(control->out, "%s draining: ", target_format(&control->target, target));
	orders_describe(control->out, order, clock_now_ns());
	fprintf(
	    control->out, "; sessions: %zu, connections: %zu", count.sessions, count.connections);
	if (idle > 0)
		fprintf(control->out, "; without a session and ended: %zu", idle);
	fputc('\n', control->out);
}

static enum control_status give_order(struct control *control, struct scope *scope)
{
	const struct options *options = &control->options;
	struct order_change change = {
	    .drain = options->drain,
	    .set_deadline = (options->given & OPTION_BIT(OPTION_DEADLINE)) != 0,
	    .deadline_ns = options->deadline_ns,
	    .message = options->message,
	};
	struct scope_count count;
	struct order order;
	size_t idle;
	int idle_rc, rc = change_give(scope, &change, &order);

	if (rc != 0)
		return change_error(control, "close", rc);
	/* First: what a woken session leaves behind is its own business. */
	idle_rc = idle_end(scope, &idle);
	rc = scope_wake(scope, &count);
	if (rc == 0)
		rc = idle_rc;
	if (rc != 0)
		return change_error(control, "close", rc);
	say(control, &order, count, idle);
	return STATUS_DONE;
}

enum control_status cmd_close(struct control *control)
{
	const struct options *options = &control->options;
	bool wait = (options->given & OPTION_BIT(OPTION_WAIT)) != 0;
	enum scope_mode mode = change_scope_mode(&control->target, true);
	enum control_status status;
	struct watch watch;
	struct scope scope;
	int rc;

	rc = scope_open(&scope, options, &control->target, mode);
	if (rc != 0)
		return control_table_error(control, "close", rc);
	/* The watch comes first: sessions that end at once must be counted too. */
	rc = wait ? watch_begin(&watch, &scope) : 0;
	status = give_order(control, &scope);
	if (wait && status == STATUS_DONE)
		status = wait_finish(control, &watch, rc);
	else if (wait)
		watch_end(&watch);
	scope_close(&scope);
	return status;
}
