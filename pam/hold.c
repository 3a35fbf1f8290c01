/* pam: holding the end of a connection until its sessions are gone. */
#include "hold.h"

#include "util/clock.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

static const uint64_t step_ns = 2 * NS_PER_S;
/* Members that cannot be pinned (joining at this moment, or a closer, which has no row) are asked
 * for again after this time; so is a row that lies. */
static const int tick_ms = 20;

/* Waits until one of the members that can be pinned ends, or for a tick.  More than one at a time
 * is not needed: all must end, in whatever order. */
static void wait_for_one(struct members_reader *reader, uint64_t limit_ns)
{
	struct pollfd pin = {.fd = -1, .events = POLLIN};
	struct member member;
	uint64_t timeout = tick_ms;

	members_rewind(reader);
	while (pin.fd < 0 && members_next(reader, &member) == 1) {
		if (members_pin(reader, &member, &pin.fd) != 0)
			pin.fd = -1;
	}
	if (pin.fd >= 0)
		timeout = limit_ns / NS_PER_MS + 1;
	(void)poll(&pin, 1, timeout > 1000 ? 1000 : (int)timeout);
	if (pin.fd >= 0)
		close(pin.fd);
}

/* Returns whether all were gone within limit_ns. */
static bool wait_step(struct members_reader *reader, uint64_t limit_ns)
{
	uint64_t start = clock_now_ns();
	uint64_t passed;

	while (members_any(reader)) {
		passed = clock_now_ns() - start;
		if (passed >= limit_ns)
			return false;
		wait_for_one(reader, limit_ns - passed);
	}
	return true;
}

enum hold_result hold_until_gone(struct members_reader *reader, uint64_t limit_ns)
{
	(void)members_signal_all(reader, SIGURG);
	if (wait_step(reader, limit_ns))
		return HOLD_CLEAN;
	(void)members_terminate(reader);
	if (wait_step(reader, step_ns))
		return HOLD_FORCED;
	(void)members_signal_all(reader, SIGKILL);
	return wait_step(reader, step_ns) ? HOLD_FORCED : HOLD_GIVEN_UP;
}
