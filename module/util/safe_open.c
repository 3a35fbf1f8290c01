/* util: opening and reading files that others may have prepared. */
#include "util/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_owner_and_mode(const struct stat *st, uid_t owner, mode_t forbidden)
{
	if (st->st_uid != owner && st->st_uid != 0)
		return -EPERM;
	return (st->st_mode & forbidden) != 0 ? -EPERM : 0;
}

int safe_open_file(int dir_fd, const char *path, int flags, uid_t owner, mode_t forbidden)
{
	struct stat st;
	int rc = 0;
	int fd = openat(dir_fd, path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	else if (st.st_nlink != 1)
		rc = -EPERM;
	else
		rc = check_owner_and_mode(&st, owner, forbidden);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int safe_open_dir(const char *path, uid_t owner, mode_t forbidden)
{
	struct stat st;
	int rc;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	/* The session table's directory may be passed through but not listed by its users. */
	if (fd < 0 && errno == EACCES)
		fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fstat(fd, &st) != 0 ? -errno : check_owner_and_mode(&st, owner, forbidden);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

ssize_t safe_read(int fd, void *out, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = read(fd, (char *)out + done, len - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

ssize_t safe_pread(int fd, void *out, size_t len, off_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = pread(fd, (char *)out + done, len - done, offset + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int safe_pwrite(int fd, const void *in, size_t len, off_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t put = pwrite(fd, (const char *)in + done, len - done, offset + (off_t)done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		done += (size_t)put;
	}
	return 0;
}
