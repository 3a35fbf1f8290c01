/* unit tests: requests on open files, byte for byte: OPEN, CLOSE, READ, WRITE, fsync. */
#include "codec/sftp.h"

#include "serving.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FLAG_RW (SFTP_FLAG_READ | SFTP_FLAG_WRITE)
#define FLAG_NEW (SFTP_FLAG_WRITE | SFTP_FLAG_CREAT)

TestSuite(file, .init = serving_start, .fini = serving_stop, .timeout = 60);

Test(file, open_write_read_close)
{
	struct handle_text handle = open_file("new", FLAG_RW | SFTP_FLAG_CREAT);

	ask(SFTP_WRITE, "xqs", HANDLE_FIELD(handle), UINT64_C(0), "hello world");
	cr_expect(replied_ok());
	ask(SFTP_WRITE, "xqs", HANDLE_FIELD(handle), UINT64_C(6), "W");
	cr_expect(replied_ok());
	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), UINT64_C(4), 100u);
	cr_expect(replied(SFTP_DATA, "s", "o World"));
	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), UINT64_C(0), 5u);
	cr_expect(replied(SFTP_DATA, "s", "hello"));
	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), UINT64_C(11), 5u);
	cr_expect(replied_status(SFTP_EOF, "End of file"));
	ask(SFTP_CLOSE, "x", HANDLE_FIELD(handle));
	cr_expect(replied_ok());
	cr_expect_str_eq(scratch_read("new"), "hello World");
	cr_expect_eq(serving.handles.open, 0);
	cr_expect_neq(serving.last_close_ns, 0);
}

Test(file, open_flags)
{
	static const struct {
		uint32_t flags;
		bool exists;
		int error;
		enum sftp_status status;
		const char *content; /* afterwards; NULL: there is no file */
	} cases[] = {
	    {SFTP_FLAG_READ, true, 0, SFTP_OK, "old"},
	    {SFTP_FLAG_READ, false, ENOENT, SFTP_NO_SUCH_FILE, NULL},
	    {0, true, 0, SFTP_OK, "old"},
	    {SFTP_FLAG_WRITE, true, 0, SFTP_OK, "old"},
	    {SFTP_FLAG_WRITE, false, ENOENT, SFTP_NO_SUCH_FILE, NULL},
	    {FLAG_NEW, false, 0, SFTP_OK, ""},
	    {FLAG_NEW, true, 0, SFTP_OK, "old"},
	    {FLAG_NEW | SFTP_FLAG_TRUNC, true, 0, SFTP_OK, ""},
	    {FLAG_NEW | SFTP_FLAG_EXCL, false, 0, SFTP_OK, ""},
	    {FLAG_NEW | SFTP_FLAG_EXCL, true, EEXIST, SFTP_FAILURE, "old"},
	    {FLAG_NEW | SFTP_FLAG_EXCL | SFTP_FLAG_TRUNC, true, EEXIST, SFTP_FAILURE, "old"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *content;

		unlink("f");
		if (cases[i].exists)
			scratch_write("f", "old");
		ask(SFTP_OPEN, "suu", "f", cases[i].flags, 0u);
		if (cases[i].error == 0)
			(void)replied_handle();
		else
			cr_expect(replied_errno(cases[i].error, cases[i].status), "case %zu", i);
		content = scratch_read("f");
		cr_expect_eq(content == NULL, cases[i].content == NULL, "case %zu", i);
		if (content != NULL && cases[i].content != NULL)
			cr_expect_str_eq(content, cases[i].content, "case %zu", i);
	}
}

Test(file, mode_of_a_new_file)
{
	static const struct {
		uint32_t flags, given;
		bool umask_set;
		mode_t mode;
	} cases[] = {
	    {0, 0, false, 0644},
	    {SFTP_ATTR_PERMISSIONS, 0600, false, 0600},
	    {SFTP_ATTR_PERMISSIONS, 0777, false, 0755},
	    {SFTP_ATTR_PERMISSIONS, 0106755, false, 0755},
	    {SFTP_ATTR_PERMISSIONS, 06755, true, 06755},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		serving_options.umask_set = cases[i].umask_set;
		unlink("f");
		/* Without the flag, the number is not of the attributes. */
		ask(SFTP_OPEN, "suuu", "f", FLAG_NEW, cases[i].flags, cases[i].given);
		(void)replied_handle();
		cr_expect_eq(scratch_lstat("f").st_mode & 07777, cases[i].mode, "case %zu", i);
	}
}

Test(file, append_ignores_the_offset)
{
	struct handle_text handle;

	scratch_write("log", "one");
	handle = open_file("log", SFTP_FLAG_WRITE | SFTP_FLAG_APPEND);
	ask(SFTP_WRITE, "xqs", HANDLE_FIELD(handle), UINT64_C(0), "two");
	cr_expect(replied_ok());
	ask(SFTP_WRITE, "xqs", HANDLE_FIELD(handle), UINT64_MAX, "three");
	cr_expect(replied_ok());
	cr_expect_str_eq(scratch_read("log"), "onetwothree");
}

Test(file, open_that_fails)
{
	cr_assert_eq(mkdir("dir", 0755), 0);
	cr_assert_eq(symlink("loop", "loop"), 0);
	scratch_write("plain", "");
	ask(SFTP_OPEN, "suu", "dir", SFTP_FLAG_WRITE, 0u);
	cr_expect(replied_errno(EISDIR, SFTP_FAILURE));
	ask(SFTP_OPEN, "suu", "plain/x", SFTP_FLAG_READ, 0u);
	cr_expect(replied_errno(ENOTDIR, SFTP_NO_SUCH_FILE));
	ask(SFTP_OPEN, "suu", "loop", SFTP_FLAG_READ, 0u);
	cr_expect(replied_errno(ELOOP, SFTP_NO_SUCH_FILE));
	ask(SFTP_OPEN, "suu", "", SFTP_FLAG_READ, 0u);
	cr_expect(replied_errno(ENOENT, SFTP_NO_SUCH_FILE));
	cr_expect_eq(serving.handles.open, 0);
}

Test(file, a_fifo_does_not_hold_the_session)
{
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	(void)open_file("fifo", SFTP_FLAG_READ);
	ask(SFTP_READ, "xqu", HANDLE_FIELD(replied_handle()), UINT64_C(0), 1u);
	cr_expect(replied_errno(ESPIPE, SFTP_FAILURE));
	(void)open_file("fifo", FLAG_RW);
	handle_table_free(&serving.handles);
	handle_table_init(&serving.handles, 10);
	ask(SFTP_OPEN, "suu", "fifo", SFTP_FLAG_WRITE, 0u);
	cr_expect(replied_errno(ENXIO, SFTP_FAILURE));
}

Test(file, read_of_nothing_is_not_the_end)
{
	struct handle_text handle;

	scratch_write("f", "abc");
	handle = open_file("f", SFTP_FLAG_READ);
	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), UINT64_C(0), 0u);
	cr_expect(replied(SFTP_DATA, "s", ""));
}

Test(file, reads_at_most_what_is_announced)
{
	struct handle_text handle;

	scratch_write("f", "");
	cr_assert_eq(truncate("f", 1 << 20), 0);
	handle = open_file("f", SFTP_FLAG_READ);
	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), UINT64_C(0), UINT32_MAX);
	cr_expect_eq(serving_reply.bytes[0], SFTP_DATA);
	cr_expect_eq(packet_u32(&serving_reply, 5), SFTP_DATA_MAX);
	cr_expect_eq(serving_reply.len, 9 + SFTP_DATA_MAX);
	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), UINT64_C(1), SFTP_DATA_MAX - 1);
	cr_expect_eq(packet_u32(&serving_reply, 5), SFTP_DATA_MAX - 1);
}

Test(file, offsets_beyond_what_a_file_has)
{
	struct handle_text handle = open_file("f", FLAG_RW | SFTP_FLAG_CREAT);

	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), (uint64_t)INT64_MAX, 1u);
	cr_expect_neq(serving_reply.bytes[0], SFTP_DATA);
	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), UINT64_MAX, 1u);
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
	ask(SFTP_WRITE, "xqs", HANDLE_FIELD(handle), UINT64_MAX, "x");
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
	ask(SFTP_WRITE, "xqs", HANDLE_FIELD(handle), UINT64_C(1) << 63, "x");
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
	cr_expect_eq(scratch_lstat("f").st_size, 0);
	ask(SFTP_WRITE, "xqs", HANDLE_FIELD(handle), UINT64_C(1) << 32, "x");
	cr_expect(replied_ok());
	cr_expect_eq(scratch_lstat("f").st_size, (1LL << 32) + 1);
}

Test(file, the_wrong_way)
{
	struct handle_text handle;

	scratch_write("f", "abc");
	handle = open_file("f", SFTP_FLAG_READ);
	ask(SFTP_WRITE, "xqs", HANDLE_FIELD(handle), UINT64_C(0), "x");
	cr_expect(replied_errno(EBADF, SFTP_NO_SUCH_FILE));
	handle = open_file("f", SFTP_FLAG_WRITE);
	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), UINT64_C(0), 3u);
	cr_expect(replied_errno(EBADF, SFTP_NO_SUCH_FILE));
	cr_assert_eq(mkdir("dir", 0755), 0);
	handle = open_file("dir", SFTP_FLAG_READ);
	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), UINT64_C(0), 3u);
	cr_expect(replied_errno(EISDIR, SFTP_FAILURE));
	handle = open_directory("dir");
	ask(SFTP_READ, "xqu", HANDLE_FIELD(handle), UINT64_C(0), 3u);
	cr_expect(replied_status(SFTP_FAILURE, "no such handle"));
	ask(SFTP_WRITE, "xqs", HANDLE_FIELD(handle), UINT64_C(0), "x");
	cr_expect(replied_status(SFTP_FAILURE, "no such handle"));
	cr_expect_str_eq(scratch_read("f"), "abc");
}

/* What does not fit any more is not written; what does is, and the reason is told. */
Test(file, a_short_write_is_told)
{
	const struct rlimit small = {.rlim_cur = 100, .rlim_max = 100};
	struct handle_text handle = open_file("f", FLAG_NEW);
	char content[60];

	memset(content, 'x', sizeof(content));
	cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ask(SFTP_WRITE, "xqx", HANDLE_FIELD(handle), UINT64_C(40), (const void *)content,
	    sizeof(content));
	cr_expect(replied_ok());
	ask(SFTP_WRITE, "xqx", HANDLE_FIELD(handle), UINT64_C(70), (const void *)content,
	    sizeof(content));
	cr_expect(replied_errno(EFBIG, SFTP_FAILURE));
	cr_expect_eq(scratch_lstat("f").st_size, 100);
}

Test(file, handles_that_are_none)
{
	struct handle_text closed = open_file("f", FLAG_RW | SFTP_FLAG_CREAT), open;
	const struct {
		const void *bytes;
		size_t len;
	} handles[] = {
	    {"", 0},
	    {"\0\0\0\0", 4},
	    {"\0\0\0\0\0\0\0\0\0", 9},
	    {"\xff\xff\xff\xff\xff\xff\xff\xff", 8},
	    {"\0\0\0\xff\0\0\0\x01", 8},
	    {closed.bytes, 8},
	    {closed.bytes, 7},
	};

	ask(SFTP_CLOSE, "x", HANDLE_FIELD(closed));
	open = open_file("f", SFTP_FLAG_READ);
	cr_expect_neq(memcmp(open.bytes, closed.bytes, HANDLE_BYTES), 0);
	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
		ask(SFTP_READ, "xqu", handles[i].bytes, handles[i].len, UINT64_C(0), 1u);
		cr_expect(replied_status(SFTP_FAILURE, "no such handle"));
		ask(SFTP_WRITE, "xqs", handles[i].bytes, handles[i].len, UINT64_C(0), "x");
		cr_expect(replied_status(SFTP_FAILURE, "no such handle"));
		ask(SFTP_CLOSE, "x", handles[i].bytes, handles[i].len);
		cr_expect(replied_status(SFTP_NO_SUCH_FILE, "no such handle"));
		ask_extended("fsync@openssh.com", "x", handles[i].bytes, handles[i].len);
		cr_expect(replied_status(SFTP_NO_SUCH_FILE, "no such handle"));
	}
	cr_expect_eq(serving.handles.open, 1);
}

Test(file, too_many_handles_cut_no_file)
{
	struct handle_text first;

	scratch_write("f", "keep");
	handle_table_free(&serving.handles);
	handle_table_init(&serving.handles, 2);
	first = open_file("f", SFTP_FLAG_READ);
	(void)open_directory(".");
	ask(SFTP_OPEN, "suu", "f", FLAG_NEW | SFTP_FLAG_TRUNC, 0u);
	cr_expect(replied_status(SFTP_FAILURE, "too many open handles"));
	ask(SFTP_OPEN, "suu", "new", FLAG_NEW, 0u);
	cr_expect(replied_status(SFTP_FAILURE, "too many open handles"));
	ask(SFTP_OPENDIR, "s", ".");
	cr_expect(replied_status(SFTP_FAILURE, "too many open handles"));
	cr_expect_str_eq(scratch_read("f"), "keep");
	cr_expect_not(scratch_exists("new"));
	ask(SFTP_CLOSE, "x", HANDLE_FIELD(first));
	cr_expect(replied_ok());
	(void)open_directory(".");
}

Test(file, fsync)
{
	struct handle_text handle = open_file("f", FLAG_NEW), directory = open_directory(".");

	ask_extended("fsync@openssh.com", "x", HANDLE_FIELD(handle));
	cr_expect(replied_ok());
	ask_extended("fsync@openssh.com", "x", HANDLE_FIELD(directory));
	cr_expect(replied_status(SFTP_NO_SUCH_FILE, "no such handle"));
}
