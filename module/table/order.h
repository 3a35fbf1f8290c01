/* table: orders to drain: what they say, how they are kept in shared memory, how several combine.
 *
 * An order lives in an order_cell: two slots and a version.  The version's low bit names the slot
 * that is valid.  Writers are root (or, for an advisory connection, its owner), one at a time under
 * the writers' lock of the file that the cell is in:
 *     1. the new order is written into the other slot,
 *     2. the version is raised by one (release).
 * A writer that dies before step 2 has changed nothing; no reader ever waits for a writer.  Readers
 * copy the valid slot between two acquire loads of the version and retry when it moved.  (An
 * even/odd counter would leave an odd cell, without a readable order, behind a writer that dies.)
 */
#ifndef SD_TABLE_ORDER_H
#define SD_TABLE_ORDER_H

#include "policy/policy.h"
#include "util/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDER_MESSAGE_MAX 192

/* What may still come once a deadline has passed, one after the other: the client takes a session's
 * last replies; it takes what sshd has still to send; sshd ends, at each of two signals.  Whoever
 * waits for an end that a deadline forces waits for all of them, and a margin. */
#define LATE_REPLIES_NS (5 * NS_PER_S)
#define LATE_SENDING_NS (5 * NS_PER_S)
#define LATE_SIGNAL_NS (2 * NS_PER_S)
#define LATE_ALL_NS (LATE_REPLIES_NS + LATE_SENDING_NS + 2 * LATE_SIGNAL_NS)

/* Whom an order is for. */
enum order_scope {
	SCOPE_HOST,
	SCOPE_USER,
	SCOPE_CONNECTION,
};
#define ORDER_SCOPES 3

struct order {
	uint32_t active;      /* 0: there is no order */
	uint32_t drain;       /* enum policy_drain; POLICY_DRAIN_UNSET: as each policy says */
	uint64_t issued_ns;   /* CLOCK_BOOTTIME */
	uint64_t deadline_ns; /* CLOCK_BOOTTIME; 0: issued_ns plus each policy's deadline */
	uint64_t
	    generation; /* of the connection it is for, lest it reach the entry's next tenant; else 0 */
	char message[ORDER_MESSAGE_MAX]; /* for the client, NUL-terminated; may be empty */
};

struct order_cell {
	_Atomic uint64_t version;
	struct order slots[2];
};

/* What the orders on a connection come to. */
struct drain_plan {
	enum policy_drain drain; /* POLICY_DRAIN_UNSET: nothing is ordered */
	uint64_t deadline_ns;
	uint64_t issued_ns[ORDER_SCOPES]; /* which orders they are; 0: none in that scope */
	char message[ORDER_MESSAGE_MAX];  /* of the first order given that has one */
};

/* Copies the valid order out of a cell.  Returns 0, or -EAGAIN when it changed all the time for a
 * bounded number of tries. */
int order_read(const struct order_cell *cell, struct order *out);

/* Makes order the valid one.  The caller holds the writers' lock. */
void order_write(struct order_cell *cell, const struct order *order);

/* Adds the order of a scope to a plan, which starts zeroed: the strongest drain wins, the earliest
 * deadline wins.  What the order leaves open comes from policy.  Does nothing for an order that is not
 * active. */
void order_add_to_plan(const struct order *order, enum order_scope scope,
    const struct policy *policy, struct drain_plan *plan);

/* What to change in an order. */
struct order_change {
	enum policy_drain drain; /* POLICY_DRAIN_UNSET: leave it as it is */
	bool set_deadline;
	uint64_t deadline_ns; /* from now; with set_deadline.  0: one that has passed stays */
	const char *message;  /* NULL: leave it as it is */
	bool anew;            /* issued now, also where one is in force */
};

/* Changes an order, or begins one at now_ns where none is active.  The time of issue of one in force
 * stays, and so does what change leaves alone: giving an order twice is giving it once.  Not so anew: then
 * it is an order of now_ns, of which what change leaves alone is as it was. */
void order_apply_change(struct order *order, const struct order_change *change, uint64_t now_ns);

/* Makes hostile or torn content harmless: a known drain, a terminated message. */
void order_sanitize(struct order *order);

#endif
