/* table: a session's side of its connection's members file: joining, leaving, its row.
 * Never logs or exits; never run by root on another user's file (that is members_read).
 * The protocol is written in table_format.h. */
#ifndef SD_TABLE_MEMBERS_H
#define SD_TABLE_MEMBERS_H

#include "table/members_file.h"
#include "table/table_format.h"

/* One session's hold on its members file. */
struct membership {
	int fd;
	int row_index; /* -1: no row */
	bool joined;   /* by members_join, with or without a row: members_leave is due */
	uint32_t
	    rows_max; /* what members_join may take: fewer siblings than rows.  0: no such limit */
	struct members_header *header;
	struct member_row *rows;
};

/* Opens the members file of ref as its user.  Returns 0 and fills *out, which members_close
 * releases, or: -ENOENT, -EPERM not the user's own or not private, -EPROTO another build, or
 * another negative errno. */
int members_open(const char *shmdir, struct connection_ref ref, struct membership *out);

/* Opens, or makes, the members file of the sshd process in the caller's own SHMDIR-UID (0700).
 * Returns as members_open. */
int members_open_advisory(
    const char *shmdir, const struct advisory_connection *connection, struct membership *out);

/* Becomes a member: the read lock, the gate, a row, in this order.  Returns 0, -ESHUTDOWN the
 * connection is being closed by its last one out, -ETIMEDOUT somebody held the lock for two seconds
 * without closing, -ESTALE the file has lost its name (open it again: it is another now); or, of the
 * row, -ENOSPC every one that it may take is held, -ENOMEM there is no memory for it; or another
 * negative errno.  Who gets no row has joined all the same, and must leave as a member does: a sibling
 * that has left meanwhile was not the last one out because of it.  The caller then reads the entry's
 * state and the orders, and leaves again when they refuse it. */
int members_join(struct membership *membership);

/* How a session ended. */
enum member_end {
	END_CLEAN,
	END_FORCED,
	END_REFUSED, /* it was not admitted, so it is not counted */
};

enum members_left {
	LEFT_OTHERS, /* a sibling is still there; nothing is held any more */
	LEFT_LAST,   /* the caller is the last one out and holds the write lock: nobody can join */
};

/* Leaves.  Marks the row gone and counts the end.  After LEFT_LAST the caller
 * either closes the connection (members_begin_closing, then members_close when it has ended), or
 * lets go with members_close, or is a member again through members_resume. */
enum members_left members_leave(struct membership *membership, enum member_end end);

/* Shows, until the description is closed, that a session which was not admitted still has to tell its
 * client so; and whether any does (the caller's own description not counted). */
void members_show_refused(struct membership *membership);
bool members_any_refused(const struct membership *membership);

/* With the write lock held: says that the connection is being closed, so that newcomers are refused
 * rather than kept waiting. */
void members_begin_closing(struct membership *membership);

/* With the write lock held: opens the gate and turns the lock back into a read lock, without a
 * moment in which neither is held. */
void members_resume(struct membership *membership);

/* With the read lock held: tries for the write lock again.  Returns as members_leave. */
enum members_left members_try_last(struct membership *membership);

/* The guard of a connection, a child of one of its sessions.  members_reopen gives it a description of its
 * own in place of the one that it shares with its parent, without lock and row; members_become_guard
 * makes it the only one: 0, or -EAGAIN when there is another.  Both may return another negative errno.
 * members_resign_guard makes room for another.  members_wait_last waits until nobody is a member; then
 * the caller is the last one out, as after LEFT_LAST: 0, or -EINTR when a signal was handled. */
int members_reopen(struct membership *membership);
int members_become_guard(struct membership *membership);
void members_resign_guard(struct membership *membership);
bool members_has_guard(const struct membership *membership);
int members_wait_last(struct membership *membership);

/* With the write lock held: opens the gate and gives the lock up. */
void members_stop_closing(struct membership *membership);

/* With the write lock held: removes an advisory file, which nobody else would, unless it still has
 * something to say to newcomers: an order, or a policy that counts sessions. */
void members_retire_advisory(struct membership *membership, const char *shmdir);

/* When the first session that was admitted had left; 0: none has. */
uint64_t members_first_end(const struct membership *membership);

/* A count of those who have joined so far: it moves when one does. */
uint32_t members_joins(const struct membership *membership);

/* Closes the descriptor and the mapping.  Locks go with the last descriptor of the description, so
 * a forked child that still has it keeps them. */
void members_close(struct membership *membership);

/* The caller's row; NULL without one. */
struct member_row *members_row(struct membership *membership);

/* Shows which orders the caller has seen, so that its end counts as one under them. */
void members_show_orders(struct membership *membership, const struct drain_plan *plan);

/* Takes a file_row of the caller's own row for an open file; NULL when all are in use (the file
 * then goes unlisted).  path is copied; offset and size start at 0, and the caller stores what they
 * become.  members_file_end gives it back. */
struct file_row *members_file_begin(
    struct membership *membership, const char *path, enum file_direction direction);
void members_file_end(struct file_row *file);

#endif
