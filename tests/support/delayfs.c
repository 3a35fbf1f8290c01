/* tests: a file system on which each write takes its time, as on a file server at some distance;
 * everything else is passed on to a directory at once.  Never holds back anything but a write.
 *
 *     delayfs MICROSECONDS DIRECTORY MOUNTPOINT
 *
 * Run by root, for all users, under the permissions that the directory's files have.  Stays in the
 * foreground until it is unmounted.  Links, devices and extended attributes: not here. */
#define FUSE_USE_VERSION 32

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct timespec delay;
static int root; /* the directory */

/* From "/a/b" as FUSE says it to "a/b" as the *at functions take it. */
static const char *below(const char *path)
{
	return path[1] == '\0' ? "." : path + 1;
}

static int outcome(int rc)
{
	return rc < 0 ? -errno : rc;
}

static int do_getattr(const char *path, struct stat *st, struct fuse_file_info *file)
{
	if (file != NULL)
		return outcome(fstat((int)file->fh, st));
	return outcome(fstatat(root, below(path), st, AT_SYMLINK_NOFOLLOW));
}

/* To whom a file belongs that root makes here. */
static int give_to_caller(const char *path)
{
	const struct fuse_context *caller = fuse_get_context();

	return outcome(fchownat(root, below(path), caller->uid, caller->gid, AT_SYMLINK_NOFOLLOW));
}

static int do_mkdir(const char *path, mode_t mode)
{
	int rc = outcome(mkdirat(root, below(path), mode));

	return rc == 0 ? give_to_caller(path) : rc;
}

static int do_unlink(const char *path)
{
	return outcome(unlinkat(root, below(path), 0));
}

static int do_rmdir(const char *path)
{
	return outcome(unlinkat(root, below(path), AT_REMOVEDIR));
}

static int do_rename(const char *from, const char *to, unsigned int flags)
{
	return outcome(renameat2(root, below(from), root, below(to), flags));
}

static int do_chmod(const char *path, mode_t mode, struct fuse_file_info *file)
{
	(void)file;
	return outcome(fchmodat(root, below(path), mode, 0));
}

static int do_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *file)
{
	(void)file;
	return outcome(utimensat(root, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int open_below(const char *path, int flags, mode_t mode, struct fuse_file_info *file)
{
	int fd = openat(root, below(path), flags | O_CLOEXEC, mode);

	if (fd < 0)
		return -errno;
	file->fh = (uint64_t)fd;
	/* Each write of the program is one of ours, whatever its size. */
	file->direct_io = 1;
	return 0;
}

static int do_open(const char *path, struct fuse_file_info *file)
{
	return open_below(path, file->flags & ~O_APPEND, 0, file);
}

static int do_create(const char *path, mode_t mode, struct fuse_file_info *file)
{
	int rc = open_below(path, file->flags & ~O_APPEND, mode, file);

	return rc == 0 ? give_to_caller(path) : rc;
}

static int do_truncate(const char *path, off_t size, struct fuse_file_info *file)
{
	int fd, rc;

	if (file != NULL)
		return outcome(ftruncate((int)file->fh, size));
	fd = openat(root, below(path), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = outcome(ftruncate(fd, size));
	close(fd);
	return rc;
}

static int do_read(
    const char *path, char *data, size_t len, off_t offset, struct fuse_file_info *file)
{
	(void)path;
	return outcome((int)pread((int)file->fh, data, len, offset));
}

static int do_write(
    const char *path, const char *data, size_t len, off_t offset, struct fuse_file_info *file)
{
	struct timespec left = delay;

	(void)path;
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		continue;
	return outcome((int)pwrite((int)file->fh, data, len, offset));
}

static int do_fsync(const char *path, int data_only, struct fuse_file_info *file)
{
	(void)path;
	return outcome((data_only ? fdatasync : fsync)((int)file->fh));
}

static int do_release(const char *path, struct fuse_file_info *file)
{
	(void)path;
	return outcome(close((int)file->fh));
}

static int do_readdir(const char *path, void *names, fuse_fill_dir_t fill, off_t offset,
    struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
	int fd = openat(root, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	(void)offset;
	(void)file;
	(void)flags;
	if (dir == NULL)
		return -errno;
	while ((entry = readdir(dir)) != NULL)
		fill(names, entry->d_name, NULL, 0, 0);
	closedir(dir);
	return 0;
}

static const struct fuse_operations operations = {
    .getattr = do_getattr,
    .mkdir = do_mkdir,
    .unlink = do_unlink,
    .rmdir = do_rmdir,
    .rename = do_rename,
    .chmod = do_chmod,
    .utimens = do_utimens,
    .open = do_open,
    .create = do_create,
    .truncate = do_truncate,
    .read = do_read,
    .write = do_write,
    .fsync = do_fsync,
    .release = do_release,
    .readdir = do_readdir,
};

int main(int argc, char **argv)
{
	char foreground[] = "-f", option_flag[] = "-o",
	     option[] = "allow_other,default_permissions";
	char *words[] = {
	    argv[0], foreground, option_flag, option, argc == 4 ? argv[3] : NULL, NULL};
	uint64_t microseconds;

	if (argc != 4) {
		fprintf(stderr, "usage: delayfs MICROSECONDS DIRECTORY MOUNTPOINT\n");
		return 2;
	}
	microseconds = strtoull(argv[1], NULL, 10);
	delay.tv_sec = (time_t)(microseconds / 1000000);
	delay.tv_nsec = (long)(microseconds % 1000000 * 1000);
	root = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		perror(argv[2]);
		return 1;
	}
	/* The mode that comes with a request has the caller's umask in it. */
	umask(0);
	return fuse_main(5, words, &operations, NULL);
}
