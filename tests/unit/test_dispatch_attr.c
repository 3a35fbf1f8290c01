/* unit tests: requests on attributes, byte for byte: STAT, SETSTAT and their kin. */
#include "codec/sftp.h"

#include "serving.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ALL_PARTS (SFTP_ATTR_SIZE | SFTP_ATTR_PERMISSIONS | SFTP_ATTR_TIMES | SFTP_ATTR_UIDGID)

static void set_up(void)
{
	serving_start();
	scratch_write("f", "content");
	cr_assert_eq(chmod("f", 0640), 0);
	cr_assert_eq(symlink("f", "link"), 0);
	cr_assert_eq(symlink("nowhere", "dangling"), 0);
	cr_assert_eq(mkdir("dir", 0711), 0);
}

TestSuite(attr, .init = set_up, .fini = serving_stop, .timeout = 60);

Test(attr, stat_follows_and_lstat_does_not)
{
	static const char *const names[] = {"f", "link", "dangling", "dir", ".", "/"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct stat st;

		ask(SFTP_STAT, "s", names[i]);
		if (stat(names[i], &st) == 0)
			cr_expect(replied_attrs(&st), "%s", names[i]);
		else
			cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE), "%s", names[i]);
		ask(SFTP_LSTAT, "s", names[i]);
		st = scratch_lstat(names[i]);
		cr_expect(replied_attrs(&st), "%s", names[i]);
	}
}

Test(attr, stat_that_fails)
{
	static const enum sftp_type types[] = {SFTP_STAT, SFTP_LSTAT};
	char longest[PATH_MAX];

	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < 2; i++) {
		ask(types[i], "s", "missing");
		cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
		ask(types[i], "s", "");
		cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
		ask(types[i], "s", "f/x");
		cr_expect(replied_errno(ENOTDIR, SFTP_NO_SUCH_FILE));
		ask(types[i], "x", longest, (size_t)300);
		cr_expect(replied_errno(ENAMETOOLONG, SFTP_BAD_MESSAGE));
		ask(types[i], "x", longest, sizeof(longest));
		cr_expect(replied_errno(ENAMETOOLONG, SFTP_BAD_MESSAGE));
		ask(types[i], "x", "f\0", (size_t)2);
		cr_expect(replied_errno(EBADMSG, SFTP_BAD_MESSAGE));
	}
}

Test(attr, fstat)
{
	struct handle_text file = open_file("link", SFTP_FLAG_READ),
			   directory = open_directory("dir");
	struct stat st = scratch_lstat("f");

	ask(SFTP_FSTAT, "x", HANDLE_FIELD(file));
	cr_expect(replied_attrs(&st));
	st = scratch_lstat("dir");
	ask(SFTP_FSTAT, "x", HANDLE_FIELD(directory));
	cr_expect(replied_attrs(&st));
	ask(SFTP_FSTAT, "s", "12345678");
	cr_expect(replied_status(SFTP_FAILURE, "no such handle"));
}

/* The parts are set on the three ways there are to name a file. */
static void expect_set(void)
{
	struct stat st = scratch_lstat("f");

	cr_expect_eq(st.st_size, 3);
	cr_expect_eq(st.st_mode & 07777, 0604);
	cr_expect_eq(st.st_atime, 1000000000);
	cr_expect_eq(st.st_mtime, 3000000000);
}

Test(attr, setstat)
{
	ask(SFTP_SETSTAT, "suquuuuu", "f", ALL_PARTS, UINT64_C(3), getuid(), getgid(), 0100604u,
	    1000000000u, 3000000000u);
	cr_expect(replied_ok());
	expect_set();
	ask(SFTP_SETSTAT, "suu", "link", SFTP_ATTR_PERMISSIONS, 0600u);
	cr_expect(replied_ok());
	cr_expect_eq(scratch_lstat("f").st_mode, S_IFREG | 0600);
	ask(SFTP_SETSTAT, "su", "f", 0u);
	cr_expect(replied_ok());
}

Test(attr, fsetstat)
{
	struct handle_text handle = open_file("f", SFTP_FLAG_WRITE),
			   directory = open_directory("dir");

	ask(SFTP_FSETSTAT, "xuquuuuu", HANDLE_FIELD(handle), ALL_PARTS, UINT64_C(3), getuid(),
	    getgid(), 0604u, 1000000000u, 3000000000u);
	cr_expect(replied_ok());
	expect_set();
	ask(SFTP_FSETSTAT, "xuu", HANDLE_FIELD(directory), SFTP_ATTR_PERMISSIONS, 0700u);
	cr_expect(replied_ok());
	cr_expect_eq(scratch_lstat("dir").st_mode, S_IFDIR | 0700);
	handle = open_file("f", SFTP_FLAG_READ);
	ask(SFTP_FSETSTAT, "xuq", HANDLE_FIELD(handle), SFTP_ATTR_SIZE, UINT64_C(0));
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
	ask(SFTP_FSETSTAT, "suu", "12345678", SFTP_ATTR_PERMISSIONS, 0u);
	cr_expect(replied_status(SFTP_FAILURE, "no such handle"));
}

Test(attr, lsetstat)
{
	struct stat st;

	ask_extended("lsetstat@openssh.com", "suuu", "link", SFTP_ATTR_TIMES, 5u, 6u);
	cr_expect(replied_ok());
	st = scratch_lstat("link");
	cr_expect_eq(st.st_atime, 5);
	cr_expect_eq(st.st_mtime, 6);
	cr_expect_neq(scratch_lstat("f").st_mtime, 6);
	ask_extended(
	    "lsetstat@openssh.com", "suuu", "dangling", SFTP_ATTR_UIDGID, getuid(), getgid());
	cr_expect(replied_ok());
	ask_extended("lsetstat@openssh.com", "suuu", "f", SFTP_ATTR_TIMES, 7u, 8u);
	cr_expect(replied_ok());
	cr_expect_eq(scratch_lstat("f").st_mtime, 8);
	/* The size of a link is nonsense, and nothing else of such a request is carried out. */
	ask_extended("lsetstat@openssh.com", "suquu", "f", SFTP_ATTR_SIZE | SFTP_ATTR_TIMES,
	    UINT64_C(0), 9u, 9u);
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
	cr_expect_eq(scratch_lstat("f").st_mtime, 8);
	cr_expect_eq(scratch_lstat("f").st_size, 7);
	ask_extended("lsetstat@openssh.com", "suuu", "missing", SFTP_ATTR_TIMES, 5u, 6u);
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
}

Test(attr, one_part_that_fails_stops_no_other)
{
	ask(SFTP_SETSTAT, "suqu", "f", SFTP_ATTR_SIZE | SFTP_ATTR_PERMISSIONS, UINT64_C(1) << 63,
	    0604u);
	cr_expect(replied_errno(EFBIG, SFTP_FAILURE));
	cr_expect_eq(scratch_lstat("f").st_mode & 07777, 0604);
	cr_expect_eq(scratch_lstat("f").st_size, 7);
	ask(SFTP_SETSTAT, "suqu", "dir", SFTP_ATTR_SIZE | SFTP_ATTR_PERMISSIONS, UINT64_C(1),
	    0700u);
	cr_expect(replied_errno(EISDIR, SFTP_FAILURE));
	cr_expect_eq(scratch_lstat("dir").st_mode & 07777, 0700);
	ask(SFTP_SETSTAT, "suquu", "missing", SFTP_ATTR_SIZE | SFTP_ATTR_TIMES, UINT64_C(0), 0u,
	    0u);
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
	cr_expect_not(scratch_exists("missing"));
}

Test(attr, extended_pairs_are_ignored)
{
	ask(SFTP_SETSTAT, "suuuss", "f", SFTP_ATTR_EXTENDED | SFTP_ATTR_PERMISSIONS, 0604u, 1u,
	    "name@here", "value");
	cr_expect(replied_ok());
	cr_expect_eq(scratch_lstat("f").st_mode & 07777, 0604);
	ask(SFTP_SETSTAT, "suuu", "f", SFTP_ATTR_EXTENDED | SFTP_ATTR_PERMISSIONS, 0600u,
	    UINT32_MAX);
	cr_expect(replied_errno(EBADMSG, SFTP_BAD_MESSAGE));
	cr_expect_eq(scratch_lstat("f").st_mode & 07777, 0604);
}

/* What cannot change between two calls: the block sizes, the file system's id, flags, name length. */
static void expect_statvfs(void)
{
	struct statvfs fs;

	cr_assert_eq(statvfs(".", &fs), 0);
	cr_assert_eq(serving_reply.len, 5 + 11 * 8);
	cr_expect_eq(serving_reply.bytes[0], SFTP_EXTENDED_REPLY);
	cr_expect_eq(packet_u32(&serving_reply, 5 + 4), (uint32_t)fs.f_bsize);
	cr_expect_eq(packet_u32(&serving_reply, 5 + 8 + 4), (uint32_t)fs.f_frsize);
	cr_expect_eq(packet_u32(&serving_reply, 5 + 8 * 8), (uint32_t)((uint64_t)fs.f_fsid >> 32));
	cr_expect_eq(packet_u32(&serving_reply, 5 + 8 * 8 + 4), (uint32_t)fs.f_fsid);
	cr_expect_eq(packet_u32(&serving_reply, 5 + 9 * 8), 0);
	cr_expect_eq(packet_u32(&serving_reply, 5 + 9 * 8 + 4),
	    ((fs.f_flag & ST_RDONLY) ? 1u : 0u) | ((fs.f_flag & ST_NOSUID) ? 2u : 0u));
	cr_expect_eq(packet_u32(&serving_reply, 5 + 10 * 8 + 4), (uint32_t)fs.f_namemax);
}

Test(attr, statvfs)
{
	struct handle_text handle = open_file("f", SFTP_FLAG_READ);

	ask_extended("statvfs@openssh.com", "s", ".");
	expect_statvfs();
	ask_extended("fstatvfs@openssh.com", "x", HANDLE_FIELD(handle));
	expect_statvfs();
	ask_extended("statvfs@openssh.com", "s", "missing");
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
	ask_extended("fstatvfs@openssh.com", "s", "12345678");
	cr_expect(replied_status(SFTP_FAILURE, "no such handle"));
}

Test(attr, limits)
{
	ask_extended("limits@openssh.com", "");
	cr_expect(replied(SFTP_EXTENDED_REPLY, "qqqq", UINT64_C(262144), UINT64_C(261120),
	    UINT64_C(261120), UINT64_C(1000)));
}
