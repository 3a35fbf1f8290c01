/* control: one connection that is being waited for, and the processes that its end depends on. */
#ifndef SD_CONTROL_WATCHED_H
#define SD_CONTROL_WATCHED_H

#include "control/force.h"
#include "control/scope.h"
#include "util/clock.h"

#include <stdio.h>

/* How long the end of a connection's monitor may take after the end of its entry. */
#define WATCHED_ENDING_NS (5 * NS_PER_S)

/* How long a connection's guard may take to begin its work after the end of the last session. */
#define WATCHED_GUARD_NS (500 * NS_PER_MS)

/* A session's process, held by pidfd. */
struct watched_pin {
	uint32_t row;
	struct proc_id id;
	int fd;
};

/* What all watched connections share. */
struct watch_fds {
	size_t pins, pins_max; /* pidfds held, and how many may be */
	size_t loose;          /* of the last scan: what is live and not held by a pidfd */
};

struct watched {
	char id[SCOPE_ID_MAX]; /* first: the tree compares it */
	bool advisory;
	struct connection connection; /* as last seen */
	bool found;                   /* by the last scan */
	struct members_reader reader; /* fd -1: there was no file */
	int reader_error;             /* why not, 0 or -ENOENT apart */
	struct members_ended first;   /* when it was first seen */
	struct watched_pin *pins;     /* owned */
	size_t pin_count, pin_space;
	int monitor_fd; /* -1: not held */
	bool monitor_ended;
	bool abandoned; /* its monitor ended before the table let go of it: it was not released */
	bool live, was_live;
	uint64_t ending_ns; /* since when nobody has been a member; 0: somebody is */
	struct force force;
};

/* Makes one of what the walk came to, taking its reader over.  Sessions that ended before since_ns
 * (CLOCK_BOOTTIME) do not count, as far as can be told.  Returns 0 and *out, which watched_free
 * releases, -EACCES, or another negative errno. */
int watched_new(const struct scope *scope, struct scope_connection *found, uint64_t since_ns,
    struct watched **out);
void watched_free(struct watched *watched, struct watch_fds *fds);

/* Whether it is what the walk came to: an advisory connection that all have left gets another members file
 * with the next session. */
bool watched_is(const struct watched *watched, const struct scope_connection *found);

/* Takes over what the walk found of it this time. */
void watched_update(
    struct watched *watched, const struct scope *scope, struct scope_connection *found);

/* How sessions ended since the waiting began, and before it those that had seen the order of that scope
 * which was issued at issued_ns (0: none; of a connection the order in force on it).  Left out is what
 * stands in the order's own tally already. */
void watched_read_ended(const struct watched *watched, enum order_scope scope, uint64_t issued_ns,
    struct members_ended *out);

/* Writes a line for each session that is there, or one for the monitor. */
void watched_print(struct watched *watched, FILE *out);

/* Asks the kernel anew: sets live, pins what can be pinned, lets go of what has ended.  Returns 0
 * or -ENOMEM. */
int watched_refresh(struct watched *watched, struct watch_fds *fds, uint64_t now_ns);

#endif
