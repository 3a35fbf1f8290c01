/* control: "close".  Gives the order and wakes the sessions, which carry it out; ends itself only
 * connections that no session is left on. */
#include "control/cmd_close.h"

#include "control/change.h"
#include "control/cmd_wait.h"
#include "control/idle.h"
#include "control/orders.h"
#include "util/clock.h"

#include <unistd.h>

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

static enum control_status give_order(struct control *control, const char *verb,
    const struct order_change *change, struct scope *scope)
{
	struct scope_count count;
	struct order order;
	size_t idle;
	int idle_rc, rc = change_give(scope, change, &order);

	if (rc != 0)
		return change_error(control, verb, rc);
	/* First: what a woken session leaves behind is its own business. */
	idle_rc = idle_end(scope, &idle);
	rc = scope_wake(scope, &count);
	if (rc == 0)
		rc = idle_rc;
	if (rc != 0)
		return change_error(control, verb, rc);
	say(control, &order, count, idle);
	return STATUS_DONE;
}

enum control_status close_target(struct control *control, const char *verb,
    const struct order_change *change, bool wait, bool forces)
{
	enum scope_mode mode = change_scope_mode(&control->target, true);
	struct order_change own = *change;
	enum control_status status;
	struct watch watch;
	struct scope scope;
	int rc;

	rc = scope_open(&scope, &control->options, &control->target, mode);
	if (rc != 0)
		return control_table_error(control, verb, rc);
	/* The watch comes first: sessions that end at once must be counted too. */
	rc = wait ? watch_begin(&watch, &scope, forces) : 0;
	own.anew = change->anew && watch_passes_over(&watch);
	status = give_order(control, verb, &own, &scope);
	if (wait && status == STATUS_DONE)
		status = wait_finish(control, &watch, rc);
	else if (wait)
		watch_end(&watch);
	scope_close(&scope);
	return status;
}

enum control_status cmd_close(struct control *control)
{
	const struct options *options = &control->options;
	const struct order_change change = {
	    .drain = options->drain,
	    .set_deadline = (options->given & OPTION_BIT(OPTION_DEADLINE)) != 0,
	    .deadline_ns = options->deadline_ns,
	    .message = options->message,
	};
	bool wait = (options->given & OPTION_BIT(OPTION_WAIT)) != 0;

	return close_target(control, "close", &change, wait, geteuid() == 0);
}
