/* unit tests: copy-data and the requests on users, byte for byte. */
#include "codec/sftp.h"
#include "server/signals.h"

#include "serving.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FLAG_RW (SFTP_FLAG_READ | SFTP_FLAG_WRITE)
#define FLAG_NEW (SFTP_FLAG_WRITE | SFTP_FLAG_CREAT | SFTP_FLAG_TRUNC)
/* Several chunks of each kind, and some bytes over. */
#define LARGE ((17 << 20) + 4321)

static struct handle_text from, to;

static void set_up(void)
{
	serving_start();
	scratch_write("f", "content");
	from = open_file("f", SFTP_FLAG_READ);
	to = open_file("t", FLAG_NEW);
}

TestSuite(copy, .init = set_up, .fini = serving_stop, .timeout = 60);

static void copy_data(uint64_t from_at, uint64_t len, uint64_t to_at)
{
	ask_extended(
	    "copy-data", "xqqxq", HANDLE_FIELD(from), from_at, len, HANDLE_FIELD(to), to_at);
}

/* What CLOSE would log. */
static void expect_counted(struct handle_text text, uint64_t read_bytes, uint64_t written_bytes)
{
	const struct wire_span bytes = {.data = text.bytes, .len = sizeof(text.bytes)};
	const struct handle *handle = handle_find(&serving.handles, bytes);

	cr_assert_not_null(handle);
	cr_expect_eq(handle->read_bytes, read_bytes);
	cr_expect_eq(handle->written_bytes, written_bytes);
}

Test(copy, all_of_a_file_and_parts)
{
	copy_data(0, 0, 0);
	cr_expect(replied_ok());
	cr_expect_str_eq(scratch_read("t"), "content");
	copy_data(2, 3, 4);
	cr_expect(replied_ok());
	cr_expect_str_eq(scratch_read("t"), "contnte");
	copy_data(7, 0, 0);
	cr_expect(replied_ok(), "nothing from the end on");
	copy_data(100, 0, 0);
	cr_expect(replied_ok());
	copy_data(4, 0, 7);
	cr_expect(replied_ok());
	cr_expect_str_eq(scratch_read("t"), "contnteent");
	expect_counted(from, 13, 0);
	expect_counted(to, 0, 13);
}

Test(copy, more_than_there_is)
{
	copy_data(4, 4, 0);
	cr_expect(replied_status(SFTP_EOF, "End of file"));
	cr_expect_str_eq(scratch_read("t"), "ent");
	copy_data(7, 1, 3);
	cr_expect(replied_status(SFTP_EOF, "End of file"));
	cr_expect_str_eq(scratch_read("t"), "ent");
	copy_data(0, UINT64_MAX, 0);
	cr_expect(replied_status(SFTP_EOF, "End of file"));
	cr_expect_str_eq(scratch_read("t"), "content");
}

static void write_large(const char *name)
{
	FILE *file = fopen(name, "we");

	cr_assert_not_null(file);
	for (uint32_t i = 0; i < LARGE / 4; i++)
		cr_assert_eq(fwrite(&i, 1, 4, file), 4);
	cr_assert_eq(fputc('x', file), 'x');
	cr_assert_eq(fclose(file), 0);
}

static void expect_equal_files(const char *one, const char *two)
{
	FILE *files[2] = {fopen(one, "re"), fopen(two, "re")};
	int c;

	cr_assert(files[0] != NULL && files[1] != NULL);
	do {
		c = fgetc_unlocked(files[0]);
		cr_assert_eq(c, fgetc_unlocked(files[1]), "differs before %ld", ftell(files[0]));
	} while (c != EOF);
	fclose(files[0]);
	fclose(files[1]);
}

Test(copy, a_large_file)
{
	write_large("large");
	from = open_file("large", SFTP_FLAG_READ);
	copy_data(0, 0, 0);
	cr_expect(replied_ok());
	expect_equal_files("large", "t");
	expect_counted(from, LARGE, 0);
	expect_counted(to, 0, LARGE);
}

/* The kernel does not copy to a file that is open for appending. */
Test(copy, a_large_file_behind_another)
{
	write_large("large");
	write_large("twice");
	from = open_file("large", SFTP_FLAG_READ);
	to = open_file("twice", SFTP_FLAG_WRITE | SFTP_FLAG_APPEND);
	copy_data(4, 0, UINT64_MAX);
	cr_expect(replied_ok());
	cr_expect_eq(scratch_lstat("twice").st_size, 2 * LARGE - 4);
	expect_counted(to, 0, LARGE - 4);
}

/* Its size is 0, and the kernel's copy believes that. */
Test(copy, a_file_of_proc)
{
	from = open_file("/proc/self/limits", SFTP_FLAG_READ);
	copy_data(0, 0, 0);
	cr_expect(replied_ok());
	cr_expect_not_null(strstr(scratch_read("t"), "Max open files"));
}

Test(copy, one_file_onto_itself)
{
	static const char *const names[] = {"t", "./t", "link", "hard"};

	cr_assert_eq(symlink("t", "link"), 0);
	cr_assert_eq(link("t", "hard"), 0);
	copy_data(0, 0, 0);
	ask_extended("copy-data", "xqqxq", HANDLE_FIELD(to), UINT64_C(0), UINT64_C(0),
	    HANDLE_FIELD(to), UINT64_C(7));
	cr_expect(replied_status(SFTP_FAILURE, "source and target are the same file"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		from = open_file(names[i], SFTP_FLAG_READ);
		copy_data(0, 0, 7);
		cr_expect(replied_status(SFTP_FAILURE, "source and target are the same file"), "%s",
		    names[i]);
	}
	cr_expect_str_eq(scratch_read("t"), "content");
}

Test(copy, handles_that_are_none)
{
	struct handle_text directory = open_directory(".");

	ask_extended("copy-data", "sqqxq", "12345678", UINT64_C(0), UINT64_C(0), HANDLE_FIELD(to),
	    UINT64_C(0));
	cr_expect(replied_status(SFTP_NO_SUCH_FILE, "no such handle"));
	ask_extended(
	    "copy-data", "xqqsq", HANDLE_FIELD(from), UINT64_C(0), UINT64_C(0), "", UINT64_C(0));
	cr_expect(replied_status(SFTP_NO_SUCH_FILE, "no such handle"));
	ask_extended("copy-data", "xqqxq", HANDLE_FIELD(directory), UINT64_C(0), UINT64_C(0),
	    HANDLE_FIELD(to), UINT64_C(0));
	cr_expect(replied_status(SFTP_NO_SUCH_FILE, "no such handle"));
	ask_extended("copy-data", "xqqxq", HANDLE_FIELD(from), UINT64_C(0), UINT64_C(0),
	    HANDLE_FIELD(directory), UINT64_C(0));
	cr_expect(replied_status(SFTP_NO_SUCH_FILE, "no such handle"));
}

Test(copy, the_wrong_way)
{
	from = open_file("t", SFTP_FLAG_WRITE);
	to = open_file("f", SFTP_FLAG_WRITE);
	copy_data(0, 0, 0);
	cr_expect(replied_errno(EBADF, SFTP_NO_SUCH_FILE));
	scratch_write("t", "other");
	from = open_file("t", SFTP_FLAG_READ);
	to = open_file("f", SFTP_FLAG_READ);
	copy_data(0, 1, 0);
	cr_expect(replied_errno(EBADF, SFTP_NO_SUCH_FILE), "also when it is the last chunk");
	copy_data(0, 0, 0);
	cr_expect(replied_errno(EBADF, SFTP_NO_SUCH_FILE));
	cr_expect_str_eq(scratch_read("f"), "content");
	from = open_file(".", SFTP_FLAG_READ);
	to = open_file("f", SFTP_FLAG_WRITE);
	copy_data(0, 0, 0);
	cr_expect(replied_errno(EISDIR, SFTP_FAILURE));
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	from = open_file("fifo", SFTP_FLAG_READ);
	copy_data(0, 0, 0);
	cr_expect(replied_errno(ESPIPE, SFTP_FAILURE));
}

Test(copy, offsets_beyond_what_a_file_has)
{
	copy_data(UINT64_MAX, 1, 0);
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
	copy_data(UINT64_C(1) << 63, 0, 0);
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
	copy_data(0, 0, UINT64_MAX);
	cr_expect(replied_errno(EINVAL, SFTP_BAD_MESSAGE));
	copy_data(0, 0, INT64_MAX - 3);
	cr_expect_eq(serving_reply.bytes[0], SFTP_STATUS);
	cr_expect_neq(packet_u32(&serving_reply, 5), SFTP_OK);
	cr_expect_eq(scratch_lstat("t").st_size, 0);
}

/* A failure is told, and what was written before it is counted. */
Test(copy, a_target_that_gets_full)
{
	const struct rlimit small = {.rlim_cur = 100000, .rlim_max = 100000};
	struct handle_text append = open_file("a", FLAG_NEW | SFTP_FLAG_APPEND);

	write_large("large");
	from = open_file("large", SFTP_FLAG_READ);
	cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	copy_data(0, 200000, 0);
	cr_expect(replied_errno(EFBIG, SFTP_FAILURE));
	cr_expect_eq(scratch_lstat("t").st_size, 100000);
	expect_counted(to, 0, 100000);
	to = append;
	copy_data(0, 0, 0);
	cr_expect(replied_errno(EFBIG, SFTP_FAILURE));
	cr_expect_eq(scratch_lstat("a").st_size, 100000);
	expect_counted(to, 0, 100000);
}

/* A copy without an end. */
static void open_endless(void)
{
	from = open_file("/dev/zero", SFTP_FLAG_READ);
	to = open_file("/dev/null", SFTP_FLAG_WRITE);
}

static void copy_for_ever(void)
{
	copy_data(0, 0, 0);
	cr_expect(replied_status(SFTP_FAILURE, "the session ends before the copy does"));
}

Test(copy, ends_at_the_deadline)
{
	uint64_t deadline = clock_now_ns() + 200 * NS_PER_MS;

	open_endless();
	serving_session.plan =
	    (struct drain_plan){.drain = POLICY_DRAIN_TRANSFER, .deadline_ns = deadline};
	copy_for_ever();
	cr_expect_gt(clock_now_ns(), deadline);
	cr_expect_lt(clock_now_ns(), deadline + 20 * NS_PER_S);
	serving_session.plan = (struct drain_plan){.drain = POLICY_DRAIN_UNSET};
}

Test(copy, ends_after_a_signal)
{
	uint64_t before;

	signals_init();
	cr_assert_eq(raise(SIGTERM), 0);
	before = clock_now_ns();
	copy_data(0, 0, 0);
	cr_expect(replied_ok(), "what does not take long is finished");
	open_endless();
	copy_for_ever();
	cr_expect_gt(clock_now_ns() - before, NS_PER_S);
	cr_expect(signals_take_end(), "the engine still learns of it");
}

/* users */

TestSuite(user, .init = serving_start, .fini = serving_stop, .timeout = 60);

static void expect_home(const char *name, const struct passwd *user)
{
	ask_extended("home-directory", "s", name);
	cr_expect(replied(SFTP_NAME, "ussu", 1u, user->pw_dir, user->pw_dir, 0u), "\"%s\"", name);
}

Test(user, home_directory)
{
	const struct passwd *user = getpwuid(getuid());

	cr_assert_not_null(user);
	expect_home("", user);
	expect_home(user->pw_name, user);
	user = getpwuid(1);
	cr_assert_not_null(user);
	expect_home(user->pw_name, user);
	ask_extended("home-directory", "s", "no such user");
	cr_expect(replied_status(SFTP_FAILURE, "no such user"));
}

/* The names of the ids, string in string. */
static void add_names(struct packet *names, const char *const texts[], size_t count)
{
	names->len = 0;
	for (size_t i = 0; i < count; i++)
		packet_add(names, "s", texts[i]);
}

Test(user, names_by_id)
{
	static struct packet users, groups;
	const struct passwd *user = getpwuid(1);
	const struct group *group = getgrgid(1);

	cr_assert(user != NULL && group != NULL);
	add_names(&users, (const char *const[]){"root", "", user->pw_name, "root"}, 4);
	add_names(&groups, (const char *const[]){"", group->gr_name}, 2);
	ask_extended("users-groups-by-id@openssh.com", "uuuuuuuu", 16u, 0u, 3999999999u, 1u, 0u, 8u,
	    3999999999u, 1u);
	cr_expect(replied(SFTP_EXTENDED_REPLY, "xx", (const void *)users.bytes, users.len,
	    (const void *)groups.bytes, groups.len));
	ask_extended("users-groups-by-id@openssh.com", "uu", 0u, 0u);
	cr_expect(replied(SFTP_EXTENDED_REPLY, "ss", "", ""));
	for (unsigned int len = 1; len < 4; len++) {
		ask_extended("users-groups-by-id@openssh.com", "xu", "abc", (size_t)len, 0u);
		cr_expect(replied_errno(EBADMSG, SFTP_BAD_MESSAGE));
	}
}

Test(user, more_names_than_a_reply_holds)
{
	static uint8_t ids[200000];

	/* All of root. */
	ask_extended("users-groups-by-id@openssh.com", "xu", (const void *)ids, sizeof(ids), 0u);
	cr_expect(replied_status(SFTP_FAILURE, "too many names for one reply"));
}
