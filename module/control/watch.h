/* control: waiting until nothing in a scope is live.  Changes nothing; signals nobody, but through force.h. */
#ifndef SD_CONTROL_WATCH_H
#define SD_CONTROL_WATCH_H

#include "control/orders.h"
#include "control/scope.h"
#include "control/watched.h"

#define WATCH_PROBLEM_MAX 512

struct watch {
	struct scope *scope; /* borrowed */
	bool forces;         /* what a deadline has left over is ended */
	struct orders orders;
	struct watch_fds fds;
	struct watched **connections; /* every one that was ever seen; owned */
	size_t count, space;
	void *by_id; /* the same, as a tree of tsearch(3) */
	uint64_t started_ns, scanned_ns;
	uint64_t force_ns;               /* when the next step of it is due; UINT64_MAX: never */
	size_t live;                     /* connections that were live at the last scan */
	bool ordered;                    /* an order applied to a live one */
	uint64_t deadline_ns;            /* the latest one's; with ordered */
	char problem[WATCH_PROBLEM_MAX]; /* what a negative result was about; safe to print */
};

/* Begins to watch a scope: whatever ends from here on is counted.  With forces, watch_run also ends what an
 * order's deadline has left over (force.h); that takes root, but for one's own.  Raises the limit on open
 * files, for each session and connection takes one.  scope must live until watch_end.  Returns 0, -EACCES
 * when the caller may not see every session of the scope, or another negative errno; the caller
 * calls watch_end in any case. */
int watch_begin(struct watch *watch, struct scope *scope, bool forces);

/* Whether something was live at the last look that no order applied to. */
bool watch_passes_over(const struct watch *watch);

/* Returns 0 once nothing in the scope is live, -ETIMEDOUT after timeout_ns, or as watch_begin.
 * timeout_ns NULL: twenty seconds past the latest deadline that is in force on what is live, or five
 * minutes where none is. */
int watch_run(struct watch *watch, const uint64_t *timeout_ns);

/* How the sessions ended that have ended since watch_begin; for a host or a user with an order in
 * force, since that order was given. */
struct watch_ended {
	uint64_t clean;
	uint64_t forced;
};
struct watch_ended watch_read_ended(const struct watch *watch);

/* Writes a line for each session, or connection without one, that is still live. */
void watch_print_live(const struct watch *watch, FILE *out);

void watch_end(struct watch *watch);

#endif
