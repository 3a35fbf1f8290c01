/* control: "abort".  The hard end: an order whose deadline is now, and what that leaves over ended by force;
 * also for those whom an earlier order passes over, because the policy has admitted them since.
 * Interrupted, it leaves the order in force; given again, it goes on. */
#include "control/cmd_close.h"

enum control_status cmd_abort(struct control *control)
{
	const struct order_change change = {
	    .drain = POLICY_DRAIN_NOW,
	    .set_deadline = true,
	    .anew = true,
	    .message = control->options.message,
	};

	return close_target(control, "abort", &change, true, true);
}
