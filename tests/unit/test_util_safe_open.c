/* unit tests: files that root opens and others may have put there. */
#include "util/clock.h"
#include "util/safe_open.h"

#include "silent_mount.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char dir[64], file[96], other[96];

static void set_up(void)
{
	int fd;

	snprintf(dir, sizeof(dir), "/tmp/sd-util-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "content", 7), 7);
	close(fd);
}

static void tear_down(void)
{
	remove(file);
	remove(other);
	rmdir(dir);
}

/* Criterion leaves the clearing up out when a test is skipped. */
static void skip(const char *why)
{
	tear_down();
	cr_skip_test("%s", why);
}

static int open_checked(const char *path)
{
	int fd = safe_open_file(AT_FDCWD, path, O_RDONLY, geteuid(), 022);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

TestSuite(safe_open, .init = set_up, .fini = tear_down, .timeout = 30);

Test(safe_open, a_good_file)
{
	char text[16] = "";
	int dir_fd, fd;

	fd = safe_open_file(AT_FDCWD, file, O_RDONLY, geteuid(), 022);
	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect_eq(safe_read(fd, text, sizeof(text)), 7);
	cr_expect_str_eq(text, "content");
	cr_expect_eq(safe_pread(fd, text, 2, 3), 2);
	cr_expect_eq(text[0], 't');
	close(fd);

	dir_fd = safe_open_dir(dir, geteuid(), 022);
	cr_assert_geq(dir_fd, 0);
	fd = safe_open_file(dir_fd, "file", O_RDWR, geteuid(), 077);
	cr_assert_geq(fd, 0);
	cr_expect_eq(safe_pwrite(fd, "CON", 3, 0), 0);
	cr_expect_eq(safe_pread(fd, text, sizeof(text), 0), 7);
	cr_expect_eq(memcmp(text, "CONtent", 7), 0);
	close(fd);
	close(dir_fd);
}

Test(safe_open, missing)
{
	cr_expect_eq(open_checked(other), -ENOENT);
	cr_expect_eq(safe_open_dir(other, geteuid(), 022), -ENOENT);
}

Test(safe_open, links)
{
	cr_assert_eq(symlink("file", other), 0);
	cr_expect_eq(open_checked(other), -ELOOP);
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(symlink("nowhere", other), 0);
	cr_expect_eq(open_checked(other), -ELOOP);
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(symlink(dir, other), 0);
	cr_expect_lt(safe_open_dir(other, geteuid(), 022), 0);
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(link(file, other), 0);
	cr_expect_eq(open_checked(file), -EPERM);
	cr_expect_eq(open_checked(other), -EPERM);
	cr_assert_eq(unlink(other), 0);
	cr_expect_eq(open_checked(file), 0);
}

Test(safe_open, no_regular_files)
{
	cr_assert_eq(mkfifo(other, 0600), 0);
	cr_expect_eq(open_checked(other), -EINVAL);
	cr_expect_eq(safe_open_dir(other, geteuid(), 022), -ENOTDIR);
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(mkdir(other, 0700), 0);
	cr_expect_eq(open_checked(other), -EINVAL);
	cr_expect_eq(safe_open_dir(file, geteuid(), 022), -ENOTDIR);
	cr_expect_eq(open_checked("/dev/null"), -EINVAL);
}

Test(safe_open, modes)
{
	static const struct {
		mode_t mode, forbidden;
		int rc;
	} cases[] = {
	    {0644, 022, 0},
	    {0666, 022, -EPERM},
	    {0620, 022, -EPERM},
	    {0602, 022, -EPERM},
	    {0644, 077, -EPERM},
	    {0600, 077, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int fd;

		cr_assert_eq(chmod(file, cases[i].mode), 0);
		fd = safe_open_file(AT_FDCWD, file, O_RDONLY, geteuid(), cases[i].forbidden);
		cr_expect_eq(fd < 0 ? fd : 0, cases[i].rc, "%o", (unsigned int)cases[i].mode);
		if (fd >= 0)
			close(fd);
	}
	cr_assert_eq(chmod(dir, 0777), 0);
	cr_expect_eq(safe_open_dir(dir, geteuid(), 022), -EPERM);
	cr_assert_eq(chmod(dir, 0700), 0);
}

Test(safe_open, owners)
{
	int fd;

	if (geteuid() != 0)
		skip("giving a file away needs root");
	cr_assert_eq(chown(file, 12345, (gid_t)-1), 0);
	cr_expect_eq(open_checked(file), -EPERM);
	fd = safe_open_file(AT_FDCWD, file, O_RDONLY, 12345, 022);
	cr_assert_geq(fd, 0);
	close(fd);
	cr_expect_eq(safe_open_file(AT_FDCWD, file, O_RDONLY, 12346, 022), -EPERM);
	cr_assert_eq(chown(file, 0, (gid_t)-1), 0);
	fd = safe_open_file(AT_FDCWD, file, O_RDONLY, 12345, 022);
	cr_expect_geq(fd, 0, "root's files are everybody's to trust");
	close(fd);
	cr_assert_eq(chown(dir, 12345, (gid_t)-1), 0);
	cr_expect_eq(safe_open_dir(dir, 0, 022), -EPERM);
}

Test(safe_open, directory_that_may_only_be_passed_through)
{
	int dir_fd, fd;

	if (geteuid() != 0)
		skip("taking another user's place needs root");
	cr_assert_eq(chmod(dir, 0711), 0);
	cr_assert_eq(chmod(file, 0644), 0);
	cr_assert_eq(seteuid(12345), 0);
	dir_fd = safe_open_dir(dir, 0, 022);
	cr_assert_geq(dir_fd, 0);
	fd = safe_open_file(dir_fd, "file", O_RDONLY, 0, 022);
	cr_expect_geq(fd, 0);
	cr_assert_eq(seteuid(0), 0);
	close(fd);
	close(dir_fd);
}

Test(safe_open, unmounted_is_checked_likewise)
{
	char text[16] = "";
	int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int root_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *name = dir + strlen("/tmp/");
	int fd;

	fd = safe_open_unmounted_file(dir_fd, "file", O_RDWR, geteuid(), 077);
	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect_eq(safe_pwrite(fd, "CON", 3, 0), 0);
	cr_expect_eq(safe_pread(fd, text, sizeof(text), 0), 7);
	cr_expect_eq(memcmp(text, "CONtent", 7), 0);
	close(fd);
	fd = safe_open_unmounted_dir(root_fd, name, geteuid(), 077);
	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect_eq(faccessat(fd, "file", F_OK, 0), 0);
	close(fd);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "none", O_RDONLY, geteuid(), 077), -ENOENT);
	cr_expect_eq(safe_open_unmounted_dir(root_fd, "/none", geteuid(), 077), -ENOENT);
	cr_expect_eq(safe_open_unmounted_dir(dir_fd, "file", geteuid(), 077), -ENOTDIR);
	cr_assert_eq(symlink("file", other), 0);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "other", O_RDONLY, geteuid(), 077), -ELOOP);
	cr_expect_eq(safe_open_unmounted_dir(dir_fd, "other", geteuid(), 077), -ENOTDIR);
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(mkfifo(other, 0600), 0);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "other", O_RDONLY, geteuid(), 077), -EINVAL);
	cr_assert_eq(chmod(file, 0640), 0);
	cr_assert_eq(chmod(dir, 0750), 0);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "file", O_RDONLY, geteuid(), 077), -EPERM);
	cr_expect_eq(safe_open_unmounted_dir(root_fd, name, geteuid(), 077), -EPERM);
	close(dir_fd);
	close(root_fd);
}

Test(safe_open, what_is_mounted_over_a_file_is_not_asked)
{
	int dir_fd, before, after;

	if (!silent_mount(file, 12345, true))
		skip("mounting a fuse file system needs root and /dev/fuse");
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	before = dup(0);
	close(before);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "file", O_RDONLY, 0, 077), -EXDEV);
	after = dup(0);
	close(after);
	silent_unmount(file);
	cr_expect_eq(before, after);
	close(dir_fd);
}

Test(safe_open, what_is_mounted_over_a_directory_is_not_asked)
{
	int root_fd;

	if (!silent_mount(dir, 12345, true))
		skip("mounting a fuse file system needs root and /dev/fuse");
	root_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_expect_eq(safe_open_unmounted_dir(root_fd, dir + strlen("/tmp/"), 0, 077), -EXDEV);
	silent_unmount(dir);
	close(root_fd);
}

/* A mount of the same file system, as an administrator may make one, has the same device. */
Test(safe_open, a_bind_mount_is_one_too)
{
	int dir_fd;

	close(open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount(file, other, NULL, MS_BIND, NULL) != 0)
		skip("a mount of one's own needs root");
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "other", O_RDONLY, 0, 077), -EXDEV);
	silent_unmount(other);
	close(dir_fd);
}

Test(safe_open, unmounted_files_need_proc)
{
	int dir_fd;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", "/proc", "tmpfs", 0, "size=4k") != 0)
		skip("hiding /proc needs root");
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "file", O_RDONLY, 0, 077), -ENOSYS);
	silent_unmount("/proc");
	close(dir_fd);
}

Test(safe_open, refusals_leave_no_descriptor)
{
	int before, after;

	cr_assert_eq(chmod(file, 0666), 0);
	before = dup(0);
	close(before);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(open_checked(file), -EPERM);
	after = dup(0);
	close(after);
	cr_expect_eq(before, after);
}

Test(safe_open, reads_go_on_to_the_end)
{
	int ends[2];
	char out[8] = "";
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		for (const char *at = "abcdef"; *at != '\0'; at++) {
			clock_sleep_ns(5 * NS_PER_MS);
			if (write(ends[1], at, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	cr_expect_eq(safe_read(ends[0], out, sizeof(out)), 6);
	cr_expect_str_eq(out, "abcdef");
	cr_expect_eq(safe_read(ends[0], out, sizeof(out)), 0);
	close(ends[0]);
	cr_expect_eq(safe_read(-1, out, sizeof(out)), -EBADF);
	cr_expect_eq(safe_pread(-1, out, sizeof(out), 0), -EBADF);
	cr_expect_eq(safe_pwrite(-1, out, sizeof(out), 0), -EBADF);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}
