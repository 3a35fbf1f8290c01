/* control: what a target covers, and the walk over it.  Reaps nothing; changes nothing. */
#ifndef SD_CONTROL_SCOPE_H
#define SD_CONTROL_SCOPE_H

#include "control/options.h"
#include "control/target.h"
#include "table/members_read.h"
#include "table/table.h"

/* Advisory members files that are looked at for one user: their number is the user's choice. */
#define SCOPE_FILES_MAX 256

/* "UID/PID.START" is the longest. */
#define SCOPE_ID_MAX 64

struct scope {
	const char *rundir, *shmdir, *config; /* borrowed */
	struct target target;
	bool has_table; /* without one there are advisory connections at most */
	struct table table;
	/* Of the last walk: users whose advisory connections the caller may not see, and one of
	 * them. */
	size_t hidden;
	uid_t hidden_uid;
};

enum scope_mode {
	SCOPE_READ,   /* the table read-only, if there is one */
	SCOPE_WRITE,  /* the table writable, if there is one */
	SCOPE_CREATE, /* the table writable; made when it is missing */
};

/* A connection that the walk came to. */
struct scope_connection {
	char id[SCOPE_ID_MAX]; /* as list shows it and targets take it */
	bool advisory;
	struct connection connection;
	struct members_reader reader; /* fd -1 until scope_open_reader */
};

/* Opens the table for a target.  Returns 0, also when there is no table and none is to be made, or
 * a negative errno of table_open.  scope_close releases what is opened; the options' directories and
 * configuration file are borrowed until then. */
int scope_open(struct scope *scope, const struct options *options, const struct target *target,
    enum scope_mode mode);
void scope_close(struct scope *scope);

/* Opens connection->reader unless it is open.  The walk closes it; who wants to keep it takes it
 * away by setting connection->reader.fd to -1.  Returns as members_reader_open. */
int scope_open_reader(const struct scope *scope, struct scope_connection *connection);

/* Called for each connection; a return value other than 0 ends the walk and is its result. */
typedef int scope_visitor(
    const struct scope *scope, struct scope_connection *connection, void *context);

/* Walks over the connections of the target, registered ones first.  Advisory ones are those that
 * somebody is a member of, or a guard stays with, and whose file makes sense.  Returns 0, what the visitor returned,
 * -EAGAIN when an entry changed all the time, or another negative errno. */
int scope_walk(struct scope *scope, scope_visitor *visit, void *context);

/* The walk's second half (scope_advisory.c): the advisory connections alone. */
int scope_walk_advisory(struct scope *scope, scope_visitor *visit, void *context);

/* Wakes every session of the target, so that it looks at its orders.  Fills in how many sessions
 * there are and on how many connections; connections that cannot be looked into count for none.
 * Returns as scope_walk. */
struct scope_count {
	size_t sessions;
	size_t connections;
};
int scope_wake(struct scope *scope, struct scope_count *count);

#endif
