/* table: how many of one user's sessions may have large pipes at a time.  Never logs or exits.
 *
 * The kernel counts what all pipes of a user could hold.  Past fs.pipe-user-pages-soft (64 MiB) it gives
 * every new pipe of that user 8 KiB and lets none grow (pipe(7)), and the pipes of the user's next
 * sessions are among them.  So pipes grow by shares, of which a user and a connection have a fixed
 * number.  A share is two locks, one in a file of the user's and one in the members file; they end with
 * their holder. */
#ifndef SD_TABLE_PIPE_SHARE_H
#define SD_TABLE_PIPE_SHARE_H

#include "table/members.h"

/* Shares of a user, and of a connection. */
#define PIPE_SHARES_USER 12
#define PIPE_SHARES_CONNECTION 8

struct pipe_share {
	int user_fd; /* -1: no share */
	off_t place; /* of the lock in the members file */
};

/* Takes a share for a member of a connection, which has none; pipe_share_give gives it back.  Returns 0,
 * -EAGAIN when all are taken, or another negative errno; *out is no share then. */
int pipe_share_take(
    const char *shmdir, const struct membership *membership, struct pipe_share *out);
void pipe_share_give(const struct membership *membership, struct pipe_share *share);

#endif
