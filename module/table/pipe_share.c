/* table: how many of one user's sessions may have large pipes at a time. */
#include "table/pipe_share.h"

#include "table/lock.h"

#include <errno.h>
#include <unistd.h>

/* Takes the first of count locks that is free.  Returns its place or a negative errno. */
static off_t take_one(int fd, off_t first, int count)
{
	int rc = -EAGAIN;

	for (off_t at = first; at < first + count && rc == -EAGAIN; at++) {
		rc = lock_try(fd, at, LOCK_EXCLUSIVE);
		if (rc == 0)
			return at;
	}
	return rc;
}

int pipe_share_take(const char *shmdir, const struct membership *membership, struct pipe_share *out)
{
	off_t place, of_user;
	int fd = members_open_pipe_shares(shmdir);

	*out = (struct pipe_share){.user_fd = -1};
	if (fd < 0)
		return fd;
	of_user = take_one(fd, 0, PIPE_SHARES_USER);
	place =
	    of_user < 0 ? of_user : take_one(membership->fd, LOCK_PIPES, PIPE_SHARES_CONNECTION);
	if (place < 0) {
		close(fd);
		return (int)place;
	}
	*out = (struct pipe_share){.user_fd = fd, .place = place};
	return 0;
}

void pipe_share_give(const struct membership *membership, struct pipe_share *share)
{
	if (share->user_fd < 0)
		return;
	lock_drop(membership->fd, share->place);
	close(share->user_fd);
	share->user_fd = -1;
}
