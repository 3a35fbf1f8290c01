/* util: opening and reading files that others may have prepared. */
#include "util/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_owner_and_mode(const struct stat *st, uid_t owner, mode_t forbidden)
{
	if (st->st_uid != owner && st->st_uid != 0)
		return -EPERM;
	return (st->st_mode & forbidden) != 0 ? -EPERM : 0;
}

/* Takes fd over: returns it, or a negative errno when that is no file to be opened. */
static int check_file(int fd, uid_t owner, mode_t forbidden)
{
	struct stat st;
	int rc;

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

/* Likewise for a directory. */
static int check_dir(int fd, uid_t owner, mode_t forbidden)
{
	struct stat st;
	int rc = fstat(fd, &st) != 0 ? -errno : check_owner_and_mode(&st, owner, forbidden);

	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int safe_open_file(int dir_fd, const char *path, int flags, uid_t owner, mode_t forbidden)
{
	int fd = openat(dir_fd, path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : check_file(fd, owner, forbidden);
}

int safe_open_dir(const char *path, uid_t owner, mode_t forbidden)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	/* The session table's directory may be passed through but not listed by its users. */
	if (fd < 0 && errno == EACCES)
		fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : check_dir(fd, owner, forbidden);
}

/* Where fd is, from what the kernel has in memory: a plain fstat(2) asks the file system, and who
 * serves that may let us wait for ever. */
static int read_place(int fd, struct statx *out)
{
	const int flags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

	return statx(fd, "", flags, STATX_MNT_ID, out) != 0 ? -errno : 0;
}

static bool is_same_mount(const struct statx *a, const struct statx *b)
{
	/* Before Linux 5.8 there are only the devices: a user can mount nothing but other ones. */
	if ((a->stx_mask & b->stx_mask & STATX_MNT_ID) != 0)
		return a->stx_mnt_id == b->stx_mnt_id;
	return a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

/* An O_PATH descriptor, by which nothing is opened yet, of what is in the directory under that name
 * and not mounted there. */
static int find_unmounted(int dir_fd, const char *name, int flags)
{
	struct statx above, found;
	int rc, fd = openat(dir_fd, name, flags | O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	rc = read_place(dir_fd, &above);
	if (rc == 0)
		rc = read_place(fd, &found);
	if (rc == 0 && !is_same_mount(&above, &found))
		rc = -EXDEV;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int safe_open_unmounted_file(int dir_fd, const char *name, int flags, uid_t owner, mode_t forbidden)
{
	char path[64];
	struct stat st;
	int fd, place = find_unmounted(dir_fd, name, 0);

	if (place < 0)
		return place;
	/* By this way a link would be followed, and what has been mounted since is not seen. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	if (fstat(place, &st) == 0 && S_ISLNK(st.st_mode))
		fd = -ELOOP;
	else if ((fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) < 0)
		fd = errno == ENOENT ? -ENOSYS : -errno;
	close(place);
	return fd < 0 ? fd : check_file(fd, owner, forbidden);
}

int safe_open_unmounted_dir(int dir_fd, const char *name, uid_t owner, mode_t forbidden)
{
	int fd, place = find_unmounted(dir_fd, name, O_DIRECTORY);

	if (place < 0)
		return place;
	fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)
		return check_dir(place, owner, forbidden);
	if (fd < 0)
		fd = -errno;
	close(place);
	return fd < 0 ? fd : check_dir(fd, owner, forbidden);
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
