/* control: "wait".  Changes no order, so that it can be interrupted and run again at any time; what it ends
 * by force is what an order has given up already. */
#include "control/cmd_wait.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

static enum control_status report(struct control *control, const struct watch *watch)
{
	struct watch_ended ended = watch_read_ended(watch);
	char target[TARGET_TEXT_MAX];

	if ((control->options.given & OPTION_BIT(OPTION_QUIET)) == 0)
		fprintf(control->out,
		    "%s: no session left; ended: %" PRIu64 " clean, %" PRIu64 " by force\n",
		    target_format(&control->target, target), ended.clean, ended.forced);
	return ended.forced > 0 ? STATUS_FORCED : STATUS_DONE;
}

enum control_status wait_finish(struct control *control, struct watch *watch, int begun)
{
	const struct options *options = &control->options;
	bool limited = (options->given & OPTION_BIT(OPTION_TIMEOUT)) != 0;
	enum control_status status = STATUS_ERROR;
	int rc = begun;

	/* What was said so far must not wait too. */
	fflush(control->out);
	if (rc == 0)
		rc = watch_run(watch, limited ? &options->timeout_ns : NULL);
	if (rc == 0) {
		status = report(control, watch);
	} else if (rc == -ETIMEDOUT) {
		control_error(control, "wait: timed out");
		watch_print_live(watch, control->err);
		status = STATUS_TIMED_OUT;
	} else {
		control_error(control, "wait: %s", watch->problem);
	}
	watch_end(watch);
	return status;
}

enum control_status cmd_wait(struct control *control)
{
	const struct options *options = &control->options;
	enum control_status status;
	struct watch watch;
	struct scope scope;
	int rc;

	rc = scope_open(&scope, options, &control->target, SCOPE_READ);
	if (rc != 0)
		return control_table_error(control, "wait", rc);
	rc = watch_begin(&watch, &scope, geteuid() == 0);
	status = wait_finish(control, &watch, rc);
	scope_close(&scope);
	return status;
}
