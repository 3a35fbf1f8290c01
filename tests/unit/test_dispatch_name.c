/* unit tests: requests on names and directories, byte for byte. */
#include "codec/sftp.h"

#include "serving.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_up(void)
{
	serving_start();
	scratch_write("f", "content");
	cr_assert_eq(mkdir("dir", 0755), 0);
	cr_assert_eq(symlink("f", "link"), 0);
}

TestSuite(name, .init = set_up, .fini = serving_stop, .timeout = 60);

Test(name, remove)
{
	ask(SFTP_REMOVE, "s", "link");
	cr_expect(replied_ok());
	cr_expect_not(scratch_exists("link"));
	ask(SFTP_REMOVE, "s", "f");
	cr_expect(replied_ok());
	cr_expect_not(scratch_exists("f"));
	ask(SFTP_REMOVE, "s", "f");
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
	ask(SFTP_REMOVE, "s", "dir");
	cr_expect(replied_errno(EISDIR, SFTP_FAILURE));
	cr_expect(scratch_exists("dir"));
}

Test(name, mkdir)
{
	ask(SFTP_MKDIR, "su", "a", 0u);
	cr_expect(replied_ok());
	cr_expect_eq(scratch_lstat("a").st_mode, S_IFDIR | 0755);
	ask(SFTP_MKDIR, "suu", "b", SFTP_ATTR_PERMISSIONS, 040700u);
	cr_expect(replied_ok());
	cr_expect_eq(scratch_lstat("b").st_mode, S_IFDIR | 0700);
	ask(SFTP_MKDIR, "su", "a", 0u);
	cr_expect(replied_errno(EEXIST, SFTP_FAILURE));
	ask(SFTP_MKDIR, "su", "missing/x", 0u);
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
	ask(SFTP_MKDIR, "s", "c");
	cr_expect(replied_errno(EBADMSG, SFTP_BAD_MESSAGE));
	cr_expect_not(scratch_exists("c"));
}

Test(name, rmdir)
{
	cr_assert_eq(mkdir("dir/sub", 0755), 0);
	ask(SFTP_RMDIR, "s", "dir");
	cr_expect(replied_errno(ENOTEMPTY, SFTP_FAILURE));
	ask(SFTP_RMDIR, "s", "dir/sub");
	cr_expect(replied_ok());
	ask(SFTP_RMDIR, "s", "f");
	cr_expect(replied_errno(ENOTDIR, SFTP_NO_SUCH_FILE));
	ask(SFTP_RMDIR, "s", ".");
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
	ask(SFTP_RMDIR, "s", "dir");
	cr_expect(replied_ok());
	cr_expect_not(scratch_exists("dir"));
}

Test(name, rename_replaces_nothing)
{
	scratch_write("g", "other");
	ask(SFTP_RENAME, "ss", "f", "g");
	cr_expect(replied_errno(EEXIST, SFTP_FAILURE));
	ask(SFTP_RENAME, "ss", "f", "f");
	cr_expect(replied_errno(EEXIST, SFTP_FAILURE));
	ask(SFTP_RENAME, "ss", "f", "link");
	cr_expect(replied_errno(EEXIST, SFTP_FAILURE));
	ask(SFTP_RENAME, "ss", "dir", "g");
	cr_expect(replied_errno(EEXIST, SFTP_FAILURE));
	cr_expect_str_eq(scratch_read("f"), "content");
	cr_expect_str_eq(scratch_read("g"), "other");
	ask(SFTP_RENAME, "ss", "f", "dir/new");
	cr_expect(replied_ok());
	cr_expect_not(scratch_exists("f"));
	cr_expect_str_eq(scratch_read("dir/new"), "content");
	ask(SFTP_RENAME, "ss", "dir", "dir2");
	cr_expect(replied_ok());
	ask(SFTP_RENAME, "ss", "missing", "x");
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
	ask(SFTP_RENAME, "ss", "dir2", "dir2/sub");
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
}

Test(name, posix_rename_replaces)
{
	scratch_write("g", "other");
	ask_extended("posix-rename@openssh.com", "ss", "f", "g");
	cr_expect(replied_ok());
	cr_expect_not(scratch_exists("f"));
	cr_expect_str_eq(scratch_read("g"), "content");
	ask_extended("posix-rename@openssh.com", "ss", "g", "dir");
	cr_expect(replied_errno(EISDIR, SFTP_FAILURE));
	ask_extended("posix-rename@openssh.com", "ss", "missing", "g");
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
	cr_expect_str_eq(scratch_read("g"), "content");
}

Test(name, hardlink)
{
	ask_extended("hardlink@openssh.com", "ss", "f", "g");
	cr_expect(replied_ok());
	cr_expect_eq(scratch_lstat("f").st_ino, scratch_lstat("g").st_ino);
	ask_extended("hardlink@openssh.com", "ss", "f", "g");
	cr_expect(replied_errno(EEXIST, SFTP_FAILURE));
	ask_extended("hardlink@openssh.com", "ss", "missing", "h");
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
	ask_extended("hardlink@openssh.com", "ss", "dir", "h");
	cr_expect(replied_errno(EPERM, SFTP_PERMISSION_DENIED));
}

Test(name, symlink_and_readlink)
{
	/* The target comes first, against the draft. */
	ask(SFTP_SYMLINK, "ss", "../any where", "made");
	cr_expect(replied_ok());
	ask(SFTP_READLINK, "s", "made");
	cr_expect(replied(SFTP_NAME, "ussu", 1u, "../any where", "../any where", 0u));
	ask(SFTP_SYMLINK, "ss", "x", "f");
	cr_expect(replied_errno(EEXIST, SFTP_FAILURE));
	ask(SFTP_SYMLINK, "ss", "", "empty");
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
	ask(SFTP_READLINK, "s", "f");
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
	ask(SFTP_READLINK, "s", "missing");
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
}

static bool replied_name_below(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s%s", scratch_path, name[0] == '\0' ? "" : "/", name);
	return replied(SFTP_NAME, "ussu", 1u, path, path, 0u);
}

Test(name, realpath)
{
	static const char *const cases[][2] = {{"", ""}, {".", ""}, {"f", "f"}, {"link", "f"},
	    {"dir/../f", "f"}, {"./dir//", "dir"}, {"new", "new"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(SFTP_REALPATH, "s", cases[i][0]);
		cr_expect(replied_name_below(cases[i][1]), "%s", cases[i][0]);
	}
	ask(SFTP_REALPATH, "s", "/..");
	cr_expect(replied(SFTP_NAME, "ussu", 1u, "/", "/", 0u));
	ask(SFTP_REALPATH, "s", "missing/x");
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
}

Test(name, expand_path)
{
	const struct passwd *root = getpwuid(0);
	char text[300];

	/* The session's own ~ is where it started, not where it is. */
	cr_assert_eq(chdir("dir"), 0);
	ask_extended("expand-path@openssh.com", "s", "~");
	cr_expect(replied_name_below(""));
	ask_extended("expand-path@openssh.com", "s", "~/new");
	cr_expect(replied_name_below("new"));
	cr_assert_eq(chdir(".."), 0);
	ask_extended("expand-path@openssh.com", "s", "");
	cr_expect(replied_name_below(""));
	ask_extended("expand-path@openssh.com", "s", "link");
	cr_expect(replied_name_below("f"));
	ask_extended("expand-path@openssh.com", "s", "dir/~");
	cr_expect(replied_name_below("dir/~"));
	ask_extended("expand-path@openssh.com", "s", "~no such user/x");
	cr_expect(replied_status(SFTP_NO_SUCH_FILE, "no such user"));
	cr_assert_not_null(root);
	snprintf(text, sizeof(text), "~%s", root->pw_name);
	ask(SFTP_REALPATH, "s", root->pw_dir);
	if (serving_reply.bytes[0] != SFTP_NAME)
		return;
	snprintf(text, sizeof(text), "~%s", root->pw_name);
	{
		struct packet direct = serving_reply;

		ask_extended("expand-path@openssh.com", "s", text);
		cr_expect_eq(serving_reply.len, direct.len);
		cr_expect_eq(memcmp(serving_reply.bytes + 5, direct.bytes + 5, direct.len - 5), 0);
	}
}

/* directories */

/* Reads one NAME reply; counts into seen how often each of the names "0" to "999" came. */
static size_t take_names(unsigned char seen[1000])
{
	uint32_t count = packet_u32(&serving_reply, 5);
	size_t at = 9, others = 0;

	cr_assert_leq(serving_reply.len + 4, 32768);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t len = packet_u32(&serving_reply, at), long_len, number;
		char name[256] = "";
		struct stat st;

		cr_assert_lt(len, sizeof(name));
		memcpy(name, serving_reply.bytes + at + 4, len);
		at += 4 + len;
		long_len = packet_u32(&serving_reply, at);
		cr_assert_gt(long_len, len);
		cr_expect_eq(memcmp(serving_reply.bytes + at + 4 + long_len - len, name, len), 0);
		at += 4 + long_len;
		st = scratch_lstat(name);
		cr_expect_eq(packet_u32(&serving_reply, at), 15);
		cr_expect_eq(packet_u32(&serving_reply, at + 8), (uint32_t)st.st_size);
		cr_expect_eq(packet_u32(&serving_reply, at + 20), st.st_mode);
		at += 4 + 8 + 8 + 4 + 8;
		if (sscanf(name, "%3u", &number) == 1)
			seen[number]++;
		else
			others++;
	}
	cr_expect_eq(at, serving_reply.len);
	return others;
}

Test(name, readdir_of_many)
{
	unsigned char seen[1000] = {0};
	struct handle_text handle;
	size_t others = 0, replies = 0, last_len = 0;
	char name[16];

	cr_assert_eq(chdir("dir"), 0);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		scratch_write(name, name);
	}
	handle = open_directory(".");
	for (;;) {
		ask(SFTP_READDIR, "x", HANDLE_FIELD(handle));
		if (serving_reply.bytes[0] != SFTP_NAME)
			break;
		/* Each but the last is so full that one more name would not fit. */
		cr_expect_leq(serving_reply.len + 4, 32768);
		cr_expect(last_len == 0 || last_len > 32768 - 200, "%zu bytes", last_len);
		last_len = serving_reply.len + 4;
		others += take_names(seen);
		replies++;
	}
	cr_expect(replied_status(SFTP_EOF, "End of file"));
	cr_expect_eq(others, 2, "\".\" and \"..\"");
	cr_expect_gt(replies, 1);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(seen[i], 1, "%d", i);
	ask(SFTP_READDIR, "x", HANDLE_FIELD(handle));
	cr_expect(replied_status(SFTP_EOF, "End of file"));
	ask(SFTP_CLOSE, "x", HANDLE_FIELD(handle));
	cr_expect(replied_ok());
}

/* OpenSSH puts the directory's name in front of each entry's, and leaves out what gets too long. */
Test(name, readdir_where_paths_get_too_long)
{
	char path[PATH_MAX];
	struct handle_text handle;

	scratch_write("dir/f", "");
	for (size_t at = 0; at < sizeof(path) - 4; at += 2)
		memcpy(path + at, "./", 2);
	strcpy(path + sizeof(path) - 4, "dir");
	handle = open_directory(path);
	ask(SFTP_READDIR, "x", HANDLE_FIELD(handle));
	cr_expect_eq(packet_u32(&serving_reply, 5), 3);
}

Test(name, readdir_passes_over_what_has_gone)
{
	struct handle_text handle;

	cr_assert_eq(rename("f", "dir/f"), 0);
	cr_assert_eq(chdir("dir"), 0);
	handle = open_directory(".");
	/* The block is read with the first request; the names are looked up with each. */
	cr_assert_eq(unlink("f"), 0);
	ask(SFTP_READDIR, "x", HANDLE_FIELD(handle));
	cr_expect_eq(packet_u32(&serving_reply, 5), 2);
}

Test(name, readdir_of_a_removed_directory_is_at_its_end)
{
	struct handle_text handle = open_directory("dir");

	cr_assert_eq(rmdir("dir"), 0);
	ask(SFTP_READDIR, "x", HANDLE_FIELD(handle));
	cr_expect(replied_status(SFTP_EOF, "End of file"));
}

Test(name, opendir_and_readdir_that_fail)
{
	struct handle_text file = open_file("f", SFTP_FLAG_READ);

	cr_assert_eq(mkfifo("fifo", 0600), 0);
	ask(SFTP_OPENDIR, "s", "f");
	cr_expect(replied_errno(ENOTDIR, SFTP_NO_SUCH_FILE));
	ask(SFTP_OPENDIR, "s", "fifo");
	cr_expect(replied_errno(ENOTDIR, SFTP_NO_SUCH_FILE));
	ask(SFTP_OPENDIR, "s", "missing");
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
	ask(SFTP_READDIR, "x", HANDLE_FIELD(file));
	cr_expect(replied_status(SFTP_FAILURE, "no such handle"));
	ask(SFTP_READDIR, "s", "");
	cr_expect(replied_status(SFTP_FAILURE, "no such handle"));
	cr_expect_eq(serving.handles.open, 1);
}
