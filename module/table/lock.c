/* table: locks on single bytes. */
#include "table/lock.h"

#include "util/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int set_lock(int fd, off_t at, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	while (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
		if (errno != EINTR)
			return errno == EACCES ? -EAGAIN : -errno;
	}
	return 0;
}

int lock_try(int fd, off_t at, enum lock_kind kind)
{
	return set_lock(fd, at, kind == LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK);
}

int lock_wait(int fd, off_t at, enum lock_kind kind, uint64_t limit_ns)
{
	uint64_t start = clock_now_ns();
	uint64_t pause = NS_PER_MS / 20;

	for (;;) {
		int rc = lock_try(fd, at, kind);

		if (rc != -EAGAIN)
			return rc;
		if (clock_now_ns() - start >= limit_ns)
			return -ETIMEDOUT;
		clock_sleep_ns(pause);
		if (pause < 5 * NS_PER_MS)
			pause *= 2;
	}
}

int lock_wait_exclusive(int fd, off_t at)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	return fcntl(fd, F_OFD_SETLKW, &lock) == 0 ? 0 : -errno;
}

int lock_try_own(int fd, off_t at)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	if (fcntl(fd, F_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

void lock_drop_own(int fd, off_t at)
{
	struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	(void)fcntl(fd, F_SETLK, &lock);
}

pid_t lock_owner(int fd, off_t at)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	/* The owner of a description's lock is -1. */
	if (fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK || lock.l_pid < 0)
		return 0;
	return lock.l_pid;
}

off_t lock_take_one(int fd, off_t first, uint32_t count)
{
	int rc = -EAGAIN;

	for (off_t at = first; at < first + (off_t)count && rc == -EAGAIN; at++) {
		rc = lock_try(fd, at, LOCK_EXCLUSIVE);
		if (rc == 0)
			return at;
	}
	return rc;
}

void lock_drop(int fd, off_t at)
{
	(void)set_lock(fd, at, F_UNLCK);
}

int lock_is_held(int fd, off_t at, off_t len, off_t *where)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = len};

	while (fcntl(fd, F_OFD_GETLK, &lock) != 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (lock.l_type == F_UNLCK)
		return 0;
	/* The conflicting lock may begin before the range that was asked for. */
	if (where != NULL)
		*where = lock.l_start > at ? lock.l_start : at;
	return 1;
}
