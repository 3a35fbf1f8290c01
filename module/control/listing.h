/* control: what list shows of one connection, gathered before it is rendered.  Prints nothing. */
#ifndef SD_CONTROL_LISTING_H
#define SD_CONTROL_LISTING_H

#include "control/orders.h"
#include "control/scope.h"

/* One connection and its sessions, good until the next is read. */
struct listing {
	uint64_t now_ns;
	struct orders orders;
	const struct scope_connection *connection;
	struct drain_plan plan;
	const char *state; /* "open", "draining" or "closing" */
	bool readable;     /* the caller may see the sessions */
	size_t member_count;
	struct member members[MEMBERS_ROWS];
};

/* Copies the orders and takes the time.  Returns as orders_read. */
int listing_start(struct listing *listing, const struct scope *scope);

/* Reads a connection into the listing.  Returns 1, 0 when it is none any more (its monitor was
 * killed, and nobody is left on it), or a negative errno. */
int listing_read(
    struct listing *listing, const struct scope *scope, struct scope_connection *connection);

/* A session's state as a word; a constant string. */
const char *listing_member_state(enum member_state state);

/* How long ago the session's last request was, in nanoseconds. */
uint64_t listing_idle_ns(const struct listing *listing, const struct member *member);

#endif
