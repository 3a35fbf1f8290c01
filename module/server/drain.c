/* server: when a session has to end by itself.  Pure: no I/O, no clock. */
#include "server/drain.h"

#include "util/clock.h"

static const uint64_t refused_limit_ns = 10 * NS_PER_S;
static const uint64_t told_limit_ns = NS_PER_S;
static const uint64_t flush_limit_ns = 60 * NS_PER_S;

static struct drain_due due_after_transfers(const struct drain_view *view)
{
	uint64_t deadline = view->plan->deadline_ns;
	uint64_t idle = view->last_close_ns == 0 ? 0 : view->last_close_ns + view->linger_ns;

	if (view->open_handles > 0)
		idle = deadline;
	return (struct drain_due){.at_ns = idle < deadline ? idle : deadline};
}

static struct drain_due due_after_refusal(const struct drain_view *view)
{
	uint64_t limit = view->started_ns + refused_limit_ns;
	uint64_t told = view->refused_ns + told_limit_ns;

	return (struct drain_due){.at_ns = view->refused_ns != 0 && told < limit ? told : limit};
}

static struct drain_due due_by_order(const struct drain_view *view)
{
	switch (view->plan->drain) {
	case POLICY_DRAIN_UNSET:
		break;
	case POLICY_DRAIN_SESSION:
		return (struct drain_due){.at_ns = view->plan->deadline_ns, .forced = true};
	case POLICY_DRAIN_TRANSFER:
		return due_after_transfers(view);
	case POLICY_DRAIN_NOW:
		return (struct drain_due){.at_ns = 0};
	}
	return (struct drain_due){.at_ns = UINT64_MAX};
}

static struct drain_due earlier(struct drain_due one, struct drain_due other)
{
	return other.at_ns < one.at_ns ? other : one;
}

/* The policy's own limits.  Who is cut short by idle_timeout is cut short in what he has open only. */
static struct drain_due due_by_policy(const struct drain_view *view)
{
	struct drain_due due = {.at_ns = UINT64_MAX};

	if (view->idle_timeout_ns != 0)
		due = earlier(
		    due, (struct drain_due){.at_ns = view->active_ns + view->idle_timeout_ns,
			     .why = "idle_timeout"});
	if (view->session_timeout_ns != 0)
		due = earlier(
		    due, (struct drain_due){.at_ns = view->started_ns + view->session_timeout_ns,
			     .forced = true,
			     .why = "session_timeout"});
	return due;
}

struct drain_due drain_due_at(const struct drain_view *view)
{
	if (view->connection_ends)
		return (struct drain_due){.at_ns = 0};
	if (view->refused)
		return due_after_refusal(view);
	return earlier(due_by_order(view), due_by_policy(view));
}

uint64_t drain_flush_until(const struct drain_plan *plan, uint64_t ending_ns)
{
	uint64_t until = ending_ns + flush_limit_ns;
	uint64_t late = plan->deadline_ns > ending_ns ? plan->deadline_ns : ending_ns;

	late += LATE_REPLIES_NS;
	return plan->drain != POLICY_DRAIN_UNSET && late < until ? late : until;
}
