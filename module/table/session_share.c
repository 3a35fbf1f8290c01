/* table: how many sessions a user has at a time. */
#include "table/session_share.h"

#include "table/lock.h"
#include "table/members_file.h"

#include <unistd.h>

int session_share_take(const char *shmdir, uint32_t max)
{
	int fd = members_open_users_own(shmdir, "sessions");
	off_t place;

	if (fd < 0)
		return fd;
	place = lock_take_one(fd, 0, max);
	if (place >= 0)
		return fd;
	close(fd);
	return (int)place;
}
