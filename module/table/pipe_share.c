/* table: how many of one user's sessions may have large pipes at a time. */
#include "table/pipe_share.h"

#include "table/lock.h"

#include <errno.h>
#include <unistd.h>

int pipe_share_take(const char *shmdir, const struct membership *membership, struct pipe_share *out)
{
	off_t place, of_user;
	int fd = members_open_users_own(shmdir, "pipes");

	*out = (struct pipe_share){.user_fd = -1};
	if (fd < 0)
		return fd;
	of_user = lock_take_one(fd, 0, PIPE_SHARES_USER);
	place = of_user < 0 ? of_user
			    : lock_take_one(membership->fd, LOCK_PIPES, PIPE_SHARES_CONNECTION);
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
