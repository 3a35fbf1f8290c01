/* server: when a session has to end by itself.  Pure: no I/O, no clock. */
#ifndef SD_SERVER_DRAIN_H
#define SD_SERVER_DRAIN_H

#include "table/order.h"

#include <stdbool.h>
#include <stdint.h>

/* What the decision rests on.  Times are CLOCK_BOOTTIME nanoseconds. */
struct drain_view {
	const struct drain_plan *plan;
	uint64_t linger_ns;
	uint64_t started_ns;
	uint64_t last_close_ns; /* when the last handle was closed; 0: none ever was */
	uint32_t open_handles;
	uint64_t active_ns;          /* when something moved last: a request, data, a reply */
	uint64_t idle_timeout_ns;    /* 0: none */
	uint64_t session_timeout_ns; /* 0: none */
	bool connection_ends;        /* sshd has begun to close the connection */
	bool refused;                /* the session was not admitted and only tells the client so */
	uint64_t refused_ns;         /* when it told last; 0: not yet */
};

/* A time, and whether ending then cuts the client short though it has nothing open.  (Whether it has
 * is known only at the very end, when all that was received has been carried out.) */
struct drain_due {
	uint64_t at_ns; /* 0: at once; UINT64_MAX: not by itself */
	bool forced;
	const char *why; /* for the log, when it is neither an order nor sshd; else NULL */
};

/* When a session in that situation ends by itself, unless the situation changes:
 *   - drain "session": at the deadline;
 *   - drain "transfer": when no handle has been open for linger, at the latest at the deadline;
 *     at once when nothing ever was open;
 *   - drain "now": at once;
 *   - in any case when nothing has moved for idle_timeout, or session_timeout after the start;
 *   - refused, whatever else: a second after the client was told last, at the latest ten seconds after the start. */
struct drain_due drain_due_at(const struct drain_view *view);

/* Replies of which the client takes none for so long are given up, once the end has begun. */
#define DRAIN_STALLED_NS (5 * NS_PER_S)

/* Until when a session whose end began at ending_ns waits for a client that goes on taking its
 * replies: for a minute, but once plan's deadline has passed for LATE_REPLIES_NS only. */
uint64_t drain_flush_until(const struct drain_plan *plan, uint64_t ending_ns);

#endif
