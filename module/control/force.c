/* control: the forced end: what a deadline has left over is ended by root.  Under an order, and past its
 * deadline; signals nobody whom members_pin, or the table, does not vouch for. */
#include "control/force.h"

#include "control/idle.h"
#include "util/clock.h"

#include <signal.h>

static const uint64_t tick_ns = 50 * NS_PER_MS;

static bool has_sessions(struct members_reader *reader)
{
	struct member member;

	members_rewind(reader);
	return members_next(reader, &member) == 1;
}

static uint64_t end_sessions(struct force *force, struct members_reader *reader, uint64_t now_ns)
{
	if (force->asked_ns == 0) {
		(void)members_terminate(reader);
		force->asked_ns = now_ns;
	}
	if (now_ns - force->asked_ns < LATE_SIGNAL_NS)
		return force->asked_ns + LATE_SIGNAL_NS;
	/* Not the guard, which is to end the connection now. */
	(void)members_signal_sessions(reader, SIGKILL);
	force->killed_ns = now_ns;
	return UINT64_MAX;
}

/* A session that was stopped when the order came has not made a guard.  What sshd has besides its sessions (a
 * shell, or for a moment the one that a session was started by) keeps the connection. */
static uint64_t end_connection(
    struct force *force, const struct connection *connection, uint64_t now_ns)
{
	if (force->gone_ns == 0)
		force->gone_ns = now_ns;
	if (force->ended_ns == 0) {
		if (idle_end_connection(connection, SIGTERM))
			force->ended_ns = now_ns;
	} else if (now_ns - force->ended_ns >= LATE_SIGNAL_NS) {
		(void)idle_end_connection(connection, SIGKILL);
	}
	return force_is_ending(force, now_ns) ? now_ns + tick_ns : UINT64_MAX;
}

bool force_is_ending(const struct force *force, uint64_t now_ns)
{
	if (force->ended_ns != 0)
		return now_ns - force->ended_ns < 2 * LATE_SIGNAL_NS;
	return force->gone_ns != 0 && now_ns - force->gone_ns < LATE_SIGNAL_NS;
}

uint64_t force_step(struct force *force, const struct connection *connection, bool advisory,
    struct members_reader *reader, const struct drain_plan *plan, uint64_t now_ns)
{
	uint64_t due_ns = plan->deadline_ns + FORCE_GRACE_NS;

	if (plan->drain == POLICY_DRAIN_UNSET || now_ns < due_ns) {
		*force = (struct force){.asked_ns = 0};
		return plan->drain == POLICY_DRAIN_UNSET ? UINT64_MAX : due_ns;
	}
	if (reader->fd < 0)
		return UINT64_MAX;
	if (has_sessions(reader))
		return end_sessions(force, reader, now_ns);
	/* Who comes later has his own time. */
	force->asked_ns = 0;
	if (force->killed_ns == 0 || advisory || members_any(reader) || members_is_guarded(reader))
		return UINT64_MAX;
	return end_connection(force, connection, now_ns);
}
