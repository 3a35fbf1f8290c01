/* control: the forced end: what a deadline has left over is ended by root.  Under an order, and past its
 * deadline; signals nobody whom members_pin, or the table, does not vouch for. */
#ifndef SD_CONTROL_FORCE_H
#define SD_CONTROL_FORCE_H

#include "table/members_read.h"

/* How long after the deadline a session still ends by itself. */
#define FORCE_GRACE_NS (LATE_REPLIES_NS + NS_PER_S)

/* How far it has come with one connection.  Starts zeroed; 0: not yet. */
struct force {
	uint64_t asked_ns;  /* sessions were sent SIGTERM */
	uint64_t killed_ns; /* SIGKILL, last */
	uint64_t gone_ns;   /* that had left none, and no guard */
	uint64_t ended_ns;  /* sshd was sent SIGTERM */
};

/* Takes the step that is due at now_ns, if any: past the deadline of the plan and FORCE_GRACE_NS SIGTERM to
 * its sessions, LATE_SIGNAL_NS later SIGKILL; and where that has left a registered connection with nobody
 * to see to its end, the end of its sshd.  reader's fd is -1 where there is no members file.  An order
 * that is taken back, or whose deadline is put off, calls it off.  Returns when the next step is due;
 * UINT64_MAX: not before something changes. */
uint64_t force_step(struct force *force, const struct connection *connection, bool advisory,
    struct members_reader *reader, const struct drain_plan *plan, uint64_t now_ns);

/* Whether the connection is still to end by it, as far as can be told. */
bool force_is_ending(const struct force *force, uint64_t now_ns);

#endif
