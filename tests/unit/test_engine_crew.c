/* unit tests: a session on a file system that takes its time, and when it is thought to be one. */
#include "codec/sftp.h"

#include "peer.h"
#include "serving.h"
#include "server/pace.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static struct peer peer;
static pid_t slow_pid;

/* pace */

static void note_many(struct pace *pace, unsigned int count, uint64_t took_ns, size_t len)
{
	for (unsigned int i = 0; i < count; i++)
		pace_note(pace, took_ns, len);
}

Test(pace, slow_and_fast_again)
{
	struct pace pace = {.slow = false};

	note_many(&pace, 1000, 2000, 4096);
	cr_expect_not(pace.slow);
	/* Once is an accident of the processor's time. */
	pace_note(&pace, 300 * NS_PER_MS, 0);
	cr_expect_not(pace.slow);
	note_many(&pace, 4, 5 * NS_PER_MS, 0);
	cr_expect(pace.slow);
	note_many(&pace, 100, NS_PER_MS / 2, 0);
	cr_expect(pace.slow, "between the limits all stays as it is");
	note_many(&pace, 100, 20000, 0);
	cr_expect_not(pace.slow);
}

Test(pace, many_bytes_take_their_time_anywhere)
{
	struct pace pace = {.slow = false};

	note_many(&pace, 100, 2 * NS_PER_MS, SFTP_DATA_MAX);
	cr_expect_not(pace.slow);
	note_many(&pace, 100, 20 * NS_PER_MS, SFTP_DATA_MAX);
	cr_expect(pace.slow);
}

/* the engine; slowfs of the benchmark answers each operation after two milliseconds */

static void tear_down(void)
{
	if (slow_pid > 0) {
		kill(slow_pid, SIGTERM);
		waitpid(slow_pid, NULL, 0);
		(void)umount2("slow", MNT_DETACH);
	}
	scratch_leave();
}

TestSuite(crew, .init = scratch_enter, .fini = tear_down, .timeout = 120);

static bool is_mounted(void)
{
	return scratch_lstat(".").st_dev != scratch_lstat("slow").st_dev;
}

/* name is below tests; arguments are those before the place. */
static void mount_by(const char *name, char *first, char *second)
{
	static char place[] = "slow";
	const char *build = getenv("top_builddir");
	char program[PATH_MAX];
	char *const argv[] = {
	    program, first, second == NULL ? place : second, second == NULL ? NULL : place, NULL};

	snprintf(program, sizeof(program), "%s/tests/%s", build == NULL ? "." : build, name);
	if (access(program, X_OK) != 0)
		scratch_skip("the slow file system was not built (libfuse3-dev)");
	if (access("/dev/fuse", R_OK | W_OK) != 0)
		scratch_skip("no /dev/fuse");
	cr_assert_eq(mkdir(place, 0755), 0);
	cr_assert_eq(posix_spawn(&slow_pid, program, NULL, NULL, argv, environ), 0);
	while (!is_mounted()) {
		if (waitpid(slow_pid, NULL, WNOHANG) == slow_pid) {
			slow_pid = 0;
			scratch_skip("the slow file system cannot be mounted");
		}
		clock_sleep_ns(NS_PER_MS);
	}
}

static unsigned int count_threads(void)
{
	char path[64];
	unsigned int count = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)peer.pid);
	tasks = opendir(path);
	cr_assert_not_null(tasks);
	while (readdir(tasks) != NULL)
		count++;
	closedir(tasks);
	return count - 2;
}

static void start_on_slow(void)
{
	static char delay[] = "2000";

	mount_by("bench/slowfs", delay, NULL);
	peer_start(&peer, PEER_PIPES, NULL);
	peer_init(&peer);
	cr_assert_eq(count_threads(), 1);
}

static void finish(void)
{
	peer_close_to(&peer);
	cr_expect(peer_ended(&peer));
	cr_expect_eq(peer_finish(&peer).engine.status, 0);
}

/* What is changed in between is seen by the requests behind it, and not by those before it. */
Test(crew, the_order_of_requests_is_kept)
{
	static struct packet stream;
	static struct packet reply;
	const uint32_t rounds = 30;

	start_on_slow();
	for (uint32_t i = 0; i < rounds; i++) {
		for (uint32_t j = 0; j < 4; j++)
			peer_add(&stream, SFTP_STAT, i * 10 + j, "s", "slow/name-000003");
		peer_add(&stream, SFTP_STAT, i * 10 + 4, "s", "made");
		peer_add(&stream, SFTP_MKDIR, i * 10 + 5, "su", "made", 0u);
		peer_add(&stream, SFTP_STAT, i * 10 + 6, "s", "made");
		peer_add(&stream, SFTP_RENAME, i * 10 + 7, "ss", "made", "moved");
		peer_add(&stream, SFTP_STAT, i * 10 + 8, "s", "made");
		peer_add(&stream, SFTP_RMDIR, i * 10 + 9, "s", "moved");
	}
	peer_send(&peer, stream.bytes, stream.len);
	for (uint32_t i = 0; i < rounds; i++) {
		for (uint32_t j = 0; j < 4; j++) {
			cr_assert(peer_receive(&peer, &reply));
			cr_assert_eq(reply.bytes[0], SFTP_ATTRS);
			cr_assert_eq(packet_u32(&reply, 1), i * 10 + j);
		}
		cr_assert(peer_replied_code(&peer, i * 10 + 4, SFTP_NO_SUCH_FILE));
		cr_assert(peer_replied_code(&peer, i * 10 + 5, SFTP_OK));
		cr_assert(peer_receive(&peer, &reply));
		cr_assert_eq(reply.bytes[0], SFTP_ATTRS);
		cr_assert(peer_replied_code(&peer, i * 10 + 7, SFTP_OK));
		cr_assert(peer_replied_code(&peer, i * 10 + 8, SFTP_NO_SUCH_FILE));
		cr_assert(peer_replied_code(&peer, i * 10 + 9, SFTP_OK));
	}
	cr_expect_gt(count_threads(), 1, "nobody helped");
	finish();
}

static void add_reads(struct packet *stream, const struct peer_handle *handle, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		peer_add(stream, SFTP_READ, 100 + i, "xqu", PEER_HANDLE(*handle),
		    (uint64_t)i * 70000, 30000u);
}

Test(crew, reads_come_in_order_and_right)
{
	static struct packet stream, reply;
	static uint8_t expected[30000];
	const uint32_t count = 200;
	struct peer_handle handle;
	FILE *file;

	start_on_slow();
	peer_request(&peer, SFTP_OPEN, 1, "suu", "slow/source", SFTP_FLAG_READ, 0u);
	handle = peer_take_handle(&peer, 1);
	add_reads(&stream, &handle, count);
	/* The handle is in use until its reads have been answered. */
	peer_add(&stream, SFTP_CLOSE, 99, "x", PEER_HANDLE(handle));
	peer_add(&stream, SFTP_READ, 98, "xqu", PEER_HANDLE(handle), UINT64_C(0), 1u);
	peer_send(&peer, stream.bytes, stream.len);
	file = fopen("slow/source", "re");
	cr_assert_not_null(file);
	for (uint32_t i = 0; i < count; i++) {
		cr_assert_eq(fseek(file, (long)i * 70000, SEEK_SET), 0);
		cr_assert_eq(fread(expected, 1, sizeof(expected), file), sizeof(expected));
		cr_assert(peer_receive(&peer, &reply));
		cr_assert_eq(packet_u32(&reply, 1), 100 + i);
		cr_assert_eq(packet_u32(&reply, 5), sizeof(expected));
		cr_assert_eq(memcmp(reply.bytes + 9, expected, sizeof(expected)), 0);
	}
	fclose(file);
	/* One may be there for what is behind them. */
	cr_expect_gt(count_threads(), 2, "nobody helped");
	cr_assert(peer_replied_code(&peer, 99, SFTP_OK));
	cr_assert(peer_replied_code(&peer, 98, SFTP_FAILURE));
	finish();
}

static void write_block(const struct peer_handle *handle, uint32_t id)
{
	static uint8_t block[32768];

	memset(block, (int)id, sizeof(block));
	peer_request(&peer, SFTP_WRITE, id, "xqx", PEER_HANDLE(*handle),
	    (uint64_t)id * sizeof(block) / 2, (const void *)block, sizeof(block));
}

/* Opens a file on a file system that takes half a second for each request, and writes to it until it is known
 * to be slow. */
static struct peer_handle open_slow(uint32_t known)
{
	static char delay[] = "500000", backing[] = "backing";
	struct peer_handle handle;

	cr_assert_eq(mkdir(backing, 0755), 0);
	mount_by("support/delayfs", delay, backing);
	peer_start(&peer, PEER_PIPES, NULL);
	peer_init(&peer);
	peer_request(
	    &peer, SFTP_OPEN, 1000, "suu", "slow/f", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	handle = peer_take_handle(&peer, 1000);
	for (uint32_t i = 0; i < known; i++) {
		write_block(&handle, i);
		cr_assert(peer_replied_code(&peer, i, SFTP_OK));
	}
	return handle;
}

/* While a WRITE takes its time more is received than its pipe holds; and all is carried out in order. */
Test(crew, a_session_receives_while_it_writes)
{
	const uint32_t known = 4, count = 12;
	struct peer_handle handle;
	off_t before;

	handle = open_slow(known);
	before = scratch_lstat("backing/f").st_size;
	for (uint32_t i = known; i < count; i++)
		write_block(&handle, i);
	peer_request(&peer, SFTP_STAT, 1001, "s", "missing");
	peer_wait_taken(&peer);
	cr_expect_eq(scratch_lstat("backing/f").st_size, before, "the first of them is written");
	for (uint32_t i = known; i < count; i++)
		cr_assert(peer_replied_code(&peer, i, SFTP_OK));
	cr_assert(peer_replied_code(&peer, 1001, SFTP_NO_SUCH_FILE));
	finish();
	for (uint32_t i = 0; i < count; i++) {
		FILE *file = fopen("backing/f", "re");

		cr_assert_not_null(file);
		cr_assert_eq(fseek(file, (long)i * 16384, SEEK_SET), 0);
		cr_expect_eq(fgetc(file), (int)i);
		fclose(file);
	}
}

/* A signal that comes meanwhile is minded later, and nobody is kept busy by it until then. */
Test(crew, a_signal_while_it_writes)
{
	const uint32_t known = 4, count = 12;
	struct peer_handle handle;
	uint64_t used;
	off_t before;

	handle = open_slow(known);
	before = scratch_lstat("backing/f").st_size;
	write_block(&handle, known);
	peer_wait_taken(&peer);
	cr_assert_eq(kill(peer.pid, SIGURG), 0);
	used = peer_used_ns(&peer);
	for (uint32_t i = known + 1; i < count; i++)
		write_block(&handle, i);
	peer_wait_taken(&peer);
	cr_expect_eq(scratch_lstat("backing/f").st_size, before, "nothing is received meanwhile");
	cr_assert(peer_replied_code(&peer, known, SFTP_OK));
	cr_expect_lt(peer_used_ns(&peer) - used, 100 * NS_PER_MS, "it does not wait");
	for (uint32_t i = known + 1; i < count; i++)
		cr_assert(peer_replied_code(&peer, i, SFTP_OK));
	finish();
}

/* A turn ends after a request that takes long; what stands behind it is looked at later. */
Test(crew, a_length_that_no_packet_has_behind_a_slow_request)
{
	static struct packet stream;
	struct peer_result result;

	start_on_slow();
	peer_add(&stream, SFTP_STAT, 1, "s", "slow/missing");
	packet_add(&stream, "u", 0u);
	peer_send(&peer, stream.bytes, stream.len);
	cr_assert(peer_replied_code(&peer, 1, SFTP_NO_SUCH_FILE));
	cr_expect(peer_ended(&peer));
	result = peer_finish(&peer);
	cr_expect_eq(result.engine.status, 11);
}

/* More than the crew takes at a time, behind a client that reads nothing and then is gone. */
Test(crew, all_that_was_received_is_carried_out)
{
	static struct packet stream;
	struct peer_handle handle;

	start_on_slow();
	peer_request(&peer, SFTP_OPEN, 1, "suu", "slow/source", SFTP_FLAG_READ, 0u);
	handle = peer_take_handle(&peer, 1);
	add_reads(&stream, &handle, 300);
	peer_add(&stream, SFTP_MKDIR, 2, "su", "made", 0u);
	peer_send(&peer, stream.bytes, stream.len);
	peer_close_from(&peer);
	peer_close_to(&peer);
	cr_expect_eq(peer_finish(&peer).engine.status, 0);
	cr_expect(scratch_exists("made"));
}
