/* unit tests: READs that are answered with pages of files instead of copies: the client must not be able
 * to tell.  The session is a member of a connection, for only such sessions have large pipes. */
#include "codec/sftp.h"

#include "peer.h"
#include "server/output.h"
#include "serving.h"
#include "table/members_file.h"
#include "table/pipe_share.h"
#include "table/table.h"
#include "table_scratch.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 32768u
#define BLOCKS 64u
#define SIZE (BLOCK * BLOCKS)

static struct table table;
static struct peer peer;
static uint8_t content[SIZE];
static int usual_bytes;

static struct connection_ref start(void)
{
	static struct options options;
	static char user[] = "tester", home[] = "/";
	char text[CONNECTION_REF_TEXT_MAX];
	struct connection_ref ref = scratch_register(&table);

	options = (struct options){
	    .config = "/nonexistent/sftp-drain.conf",
	    .rundir = scratch_rundir,
	    .shmdir = scratch_shmdir,
	    .self = {.pw_name = user, .pw_dir = home, .pw_uid = geteuid()},
	};
	setenv("SFTP_DRAIN_CONNECTION", connection_ref_format(ref, text), 1);
	peer_start(&peer, PEER_PIPES, &options);
	usual_bytes = fcntl(peer.from, F_GETPIPE_SZ);
	peer_init(&peer);
	return ref;
}

static void set_up(void)
{
	FILE *file;

	scratch_begin();
	scratch_enter();
	unsetenv("SSH_CONNECTION");
	for (size_t i = 0; i < SIZE; i++)
		content[i] = (uint8_t)(i * 7 ^ i >> 8 ^ i >> 16);
	file = fopen("f", "we");
	cr_assert_not_null(file);
	cr_assert_eq(fwrite(content, 1, SIZE, file), SIZE);
	fclose(file);
	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
}

static void tear_down(void)
{
	table_close(&table);
	scratch_leave();
	scratch_end();
}

TestSuite(pages, .init = set_up, .fini = tear_down, .timeout = 120);

static void finish(void)
{
	peer_close_to(&peer);
	cr_expect(peer_ended(&peer));
	cr_expect_eq(peer_finish(&peer).engine.status, 0);
}

static struct peer_handle open_for(uint32_t id, const char *name, uint32_t flags)
{
	peer_request(&peer, SFTP_OPEN, id, "suu", name, flags, 0u);
	return peer_take_handle(&peer, id);
}

static bool replied_data(uint32_t id, const uint8_t *data, size_t len)
{
	return peer_replied(&peer, SFTP_DATA, id, "x", (const void *)data, len);
}

/* Until the pipe of replies has stayed as it is: the child can do no more. */
static void wait_stalled(void)
{
	int before = -1, now = 0;

	while (now != before || now == 0) {
		before = now;
		clock_sleep_ns(20 * NS_PER_MS);
		cr_assert_eq(ioctl(peer.from, FIONREAD, &now), 0);
	}
}

/* Reads a first stretch, upon which the pipe of replies is enlarged: pages are in use from then on. */
static struct peer_handle begin_reading(void)
{
	struct peer_handle handle = open_for(1, "f", SFTP_FLAG_READ);

	peer_request(&peer, SFTP_READ, 2, "xqu", PEER_HANDLE(handle), UINT64_C(0), BLOCK);
	cr_assert(replied_data(2, content, BLOCK));
	peer_request(&peer, SFTP_STAT, 3, "s", "missing");
	cr_assert(peer_replied_code(&peer, 3, SFTP_NO_SUCH_FILE));
	cr_assert_gt(fcntl(peer.from, F_GETPIPE_SZ), usual_bytes, "no share of large pipes");
	return handle;
}

Test(pages, any_mixture_in_order)
{
	static const uint32_t lengths[] = {BLOCK, 1, SFTP_DATA_MAX, 16384, 16383, 0, 65536, 20001};
	static struct packet stream;
	struct peer_handle handle;
	const uint32_t count = 400;
	uint64_t offset = 0;

	(void)start();
	handle = begin_reading();
	for (uint32_t i = 0; i < count; i++) {
		uint32_t len = lengths[i % 8];

		peer_add(&stream, SFTP_READ, i * 2, "xqu", PEER_HANDLE(handle), offset, len);
		if (i % 5 == 0)
			peer_add(&stream, SFTP_STAT, i * 2 + 1, "s", "missing");
		offset = (offset + 77777) % (SIZE - SFTP_DATA_MAX);
	}
	peer_send(&peer, stream.bytes, stream.len);
	offset = 0;
	for (uint32_t i = 0; i < count; i++) {
		cr_assert(replied_data(i * 2, content + offset, lengths[i % 8]), "READ %u", i);
		if (i % 5 == 0)
			cr_assert(peer_replied_code(&peer, i * 2 + 1, SFTP_NO_SUCH_FILE));
		offset = (offset + 77777) % (SIZE - SFTP_DATA_MAX);
	}
	finish();
}

Test(pages, the_end_of_the_file)
{
	static struct packet stream;
	struct peer_handle handle;

	(void)start();
	handle = begin_reading();
	for (uint32_t i = 0; i < 8; i++)
		peer_add(&stream, SFTP_READ, i, "xqu", PEER_HANDLE(handle),
		    (uint64_t)SIZE - 100000 + i * BLOCK, BLOCK);
	peer_add(&stream, SFTP_READ, 8, "xqu", PEER_HANDLE(handle), UINT64_MAX - 7, BLOCK);
	peer_add(&stream, SFTP_READ, 9, "xqu", PEER_HANDLE(handle), UINT64_C(0), BLOCK);
	peer_send(&peer, stream.bytes, stream.len);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert(replied_data(i, content + SIZE - 100000 + i * BLOCK, BLOCK));
	cr_assert(replied_data(3, content + SIZE - 100000 + 3 * BLOCK, 100000 - 3 * BLOCK));
	for (uint32_t i = 4; i < 8; i++)
		cr_assert(peer_replied_code(&peer, i, SFTP_EOF));
	cr_assert(peer_replied_code(&peer, 8, SFTP_BAD_MESSAGE));
	cr_assert(replied_data(9, content, BLOCK));
	finish();
}

/* Sends READs of the whole file and what follows them, lets the server do all it can while nobody takes a
 * reply, and then expects the file as it was. */
static void read_and_then(const struct peer_handle *handle, struct packet *rest)
{
	static struct packet stream;

	stream.len = 0;
	for (uint32_t i = 0; i < BLOCKS; i++)
		peer_add(&stream, SFTP_READ, 100 + i, "xqu", PEER_HANDLE(*handle),
		    (uint64_t)i * BLOCK, BLOCK);
	packet_add(&stream, "r", (const void *)rest->bytes, rest->len);
	peer_send(&peer, stream.bytes, stream.len);
	wait_stalled();
	for (uint32_t i = 0; i < BLOCKS; i++)
		cr_assert(replied_data(100 + i, content + i * BLOCK, BLOCK), "READ %u", i);
}

Test(pages, a_later_write_does_not_show)
{
	static struct packet rest;
	struct peer_handle handle, second;

	(void)start();
	handle = begin_reading();
	peer_add(&rest, SFTP_OPEN, 1, "suu", "f", SFTP_FLAG_WRITE, 0u);
	/* Into each block; the second handle's bytes are known: place 1, first use. */
	for (uint32_t i = 0; i < BLOCKS; i++)
		peer_add(&rest, SFTP_WRITE, 2 + i, "xqs", "\0\0\0\x01\0\0\0\x01", (size_t)8,
		    (uint64_t)i * BLOCK + 9, "overwritten");
	read_and_then(&handle, &rest);
	second = peer_take_handle(&peer, 1);
	cr_assert_eq(memcmp(second.bytes, "\0\0\0\x01\0\0\0\x01", 8), 0);
	for (uint32_t i = 0; i < BLOCKS; i++)
		cr_assert(peer_replied_code(&peer, 2 + i, SFTP_OK));
	/* While it is open for writing, READs are copies; they show what has been written. */
	memcpy(content + 9, "overwritten", 11);
	peer_request(&peer, SFTP_READ, 99, "xqu", PEER_HANDLE(handle), UINT64_C(0), BLOCK);
	cr_assert(replied_data(99, content, BLOCK));
	finish();
}

Test(pages, a_file_that_is_cut_later)
{
	static struct packet rest;
	struct peer_handle handle;

	(void)start();
	handle = begin_reading();
	peer_add(&rest, SFTP_SETSTAT, 1, "suq", "f", SFTP_ATTR_SIZE, UINT64_C(100));
	peer_add(&rest, SFTP_OPEN, 2, "suu", "f", SFTP_FLAG_WRITE | SFTP_FLAG_TRUNC, 0u);
	read_and_then(&handle, &rest);
	cr_assert(peer_replied_code(&peer, 1, SFTP_OK));
	(void)peer_take_handle(&peer, 2);
	cr_expect_eq(scratch_lstat("f").st_size, 0);
	finish();
}

/* The request that waits for the client is still carried out when the client is gone. */
Test(pages, a_client_that_goes_before_it_has_taken_them)
{
	static struct packet stream;
	struct peer_handle handle;

	(void)start();
	handle = begin_reading();
	for (uint32_t i = 0; i < BLOCKS; i++)
		peer_add(
		    &stream, SFTP_READ, i, "xqu", PEER_HANDLE(handle), (uint64_t)i * BLOCK, BLOCK);
	peer_add(&stream, SFTP_SETSTAT, 1, "suq", "f", SFTP_ATTR_SIZE, UINT64_C(100));
	peer_add(&stream, SFTP_MKDIR, 2, "su", "made", 0u);
	peer_send(&peer, stream.bytes, stream.len);
	peer_wait_taken(&peer);
	peer_close_from(&peer);
	peer_close_to(&peer);
	cr_expect_eq(peer_finish(&peer).engine.status, 0);
	cr_expect(scratch_exists("made"));
	cr_expect_eq(scratch_lstat("f").st_size, 100);
}

Test(pages, files_that_have_none)
{
	static struct packet reply;
	struct peer_handle handle;
	uint8_t expected[4096];
	FILE *file = fopen("/proc/version", "re");
	size_t len;

	cr_assert_not_null(file);
	len = fread(expected, 1, sizeof(expected), file);
	fclose(file);
	(void)start();
	(void)begin_reading();
	handle = open_for(10, "/proc/version", SFTP_FLAG_READ);
	peer_request(&peer, SFTP_READ, 11, "xqu", PEER_HANDLE(handle), UINT64_C(0), BLOCK);
	cr_expect(replied_data(11, expected, len));
	peer_request(&peer, SFTP_READ, 12, "xqu", PEER_HANDLE(handle), (uint64_t)len, BLOCK);
	cr_expect(peer_replied_code(&peer, 12, SFTP_EOF));
	handle = open_for(13, ".", SFTP_FLAG_READ);
	peer_request(&peer, SFTP_READ, 14, "xqu", PEER_HANDLE(handle), UINT64_C(0), BLOCK);
	cr_expect(peer_receive(&peer, &reply));
	cr_expect_eq(packet_u32(&reply, 1), 14);
	cr_expect_eq(reply.bytes[0], SFTP_STATUS);
	finish();
}

/* the pipes */

Test(pages, a_pipe_that_rests_is_as_large_as_before)
{
	struct peer_handle handle;

	(void)start();
	(void)begin_reading();
	while (fcntl(peer.from, F_GETPIPE_SZ) != usual_bytes)
		clock_sleep_ns(10 * NS_PER_MS);
	/* And the other way. */
	handle = open_for(10, "g", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT);
	peer_request(&peer, SFTP_WRITE, 11, "xqx", PEER_HANDLE(handle), UINT64_C(0),
	    (const void *)content, (size_t)SFTP_DATA_MAX);
	cr_expect(peer_replied_code(&peer, 11, SFTP_OK));
	peer_request(&peer, SFTP_STAT, 12, "s", "missing");
	cr_expect(peer_replied_code(&peer, 12, SFTP_NO_SUCH_FILE));
	/* A share is asked for once in a second. */
	for (uint32_t i = 0; fcntl(peer.to, F_GETPIPE_SZ) == usual_bytes; i++) {
		peer_request(&peer, SFTP_WRITE, 100 + i, "xqx", PEER_HANDLE(handle), UINT64_C(0),
		    (const void *)content, (size_t)SFTP_DATA_MAX);
		cr_assert(peer_replied_code(&peer, 100 + i, SFTP_OK));
	}
	cr_expect_eq(fcntl(peer.from, F_GETPIPE_SZ), usual_bytes);
	finish();
}

/* Memberships of one connection, each with a description of its own, as sessions have them. */
Test(pages, shares_of_a_connection_and_of_a_user)
{
	struct pipe_share shares[2][64];
	struct membership memberships[2][PIPE_SHARES_USER + 1];
	unsigned counts[2] = {0, 0};

	for (int c = 0; c < 2; c++) {
		struct connection_ref ref = scratch_register(&table);

		for (int i = 0; i <= PIPE_SHARES_USER; i++) {
			struct membership *membership = &memberships[c][i];

			cr_assert_eq(members_open(scratch_shmdir, ref, membership), 0);
			cr_assert_eq(members_join(membership), 0);
			if (pipe_share_take(scratch_shmdir, membership, &shares[c][counts[c]]) == 0)
				counts[c]++;
		}
	}
	cr_expect_eq(counts[0], PIPE_SHARES_CONNECTION);
	cr_expect_eq(counts[1], PIPE_SHARES_USER - PIPE_SHARES_CONNECTION);
	/* What is given back is had by the other; and what dies gives back. */
	pipe_share_give(&memberships[0][0], &shares[0][0]);
	cr_expect_eq(
	    pipe_share_take(scratch_shmdir, &memberships[1][PIPE_SHARES_USER], &shares[0][0]), 0);
	cr_expect_eq(pipe_share_take(scratch_shmdir, &memberships[0][0], &shares[0][1]), -EAGAIN);
}

/* A request that has to wait until the pages before it are taken costs next to nothing meanwhile. */
Test(pages, a_client_that_takes_its_time)
{
	static struct packet stream;
	const uint32_t count = 8;
	struct peer_handle handle;
	uint64_t before;

	(void)start();
	handle = begin_reading();
	stream.len = 0;
	for (uint32_t i = 0; i < count; i++)
		peer_add(&stream, SFTP_READ, i, "xqu", PEER_HANDLE(handle), UINT64_C(0), BLOCK);
	peer_add(&stream, SFTP_OPEN, count, "suu", "g", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	peer_send(&peer, stream.bytes, stream.len);
	wait_stalled();
	clock_sleep_ns(200 * NS_PER_MS);
	before = peer_used_ns(&peer);
	clock_sleep_ns(NS_PER_S);
	cr_expect_lt(peer_used_ns(&peer) - before, 15 * NS_PER_MS, "it does not rest");
	for (uint32_t i = 0; i < count; i++)
		cr_assert(replied_data(i, content, BLOCK));
	before = clock_now_ns();
	(void)peer_take_handle(&peer, count);
	cr_expect_lt(clock_now_ns() - before, NS_PER_S);
	finish();
}

/* Who shares the pipe may have put something into it, which is not ours to count. */
/* As sshd takes them: the pipe is left alone then until a part of it has been taken. */
Test(pages, a_client_that_takes_a_packet_at_a_time)
{
	static struct packet stream;
	static uint8_t bytes[BLOCK];
	const uint32_t count = 1024, header = 13;
	struct peer_handle handle;
	size_t at = 0;

	(void)start();
	handle = begin_reading();
	for (uint32_t i = 0; i < count; i++)
		peer_add(&stream, SFTP_READ, i, "xqu", PEER_HANDLE(handle),
		    UINT64_C(1) * (i % BLOCKS) * BLOCK, BLOCK);
	peer_send(&peer, stream.bytes, stream.len);
	while (at < count * (size_t)(header + BLOCK)) {
		ssize_t got = read(peer.from, bytes, sizeof(bytes));

		cr_assert_gt(got, 0);
		for (ssize_t i = 0; i < got; i++, at++) {
			size_t in_reply = at % (header + BLOCK);
			size_t block = at / (header + BLOCK) % BLOCKS;

			cr_assert(in_reply < header ||
				      bytes[i] == content[block * BLOCK + in_reply - header],
			    "byte %zu", at);
		}
		clock_sleep_ns(NS_PER_MS / 20);
	}
	finish();
}

Test(pages, a_pipe_that_others_write_to)
{
	struct output output;
	int ends[2], file = open("f", O_RDONLY | O_CLOEXEC);

	cr_assert_geq(file, 0);
	cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	cr_assert_eq(write(ends[1], "another's", 9), 9);
	cr_assert_eq(output_init(&output, ends[1]), 0);
	output_set_pages(&output, 64 << 10);
	cr_assert_eq(output_add_pages(&output, "head", 4, file, 0, 4096), 1);
	output_send(&output);
	cr_assert_eq(output_waiting(&output), 0);
	cr_expect(output_shares_pages(&output), "nobody has read anything");
	cr_expect_eq(output_taken_bytes(&output), 0);
	output_free(&output);
	close(ends[0]);
	close(ends[1]);
	close(file);
}

/* A page may turn out to be unreadable when it is taken back (page_cache_pipe_buf_confirm of the kernel). */
Test(pages, pages_that_cannot_be_taken_back)
{
	struct output output;
	int ends[2], reader, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int file = open("f", O_RDONLY | O_CLOEXEC);

	cr_assert(null >= 0 && file >= 0);
	cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	cr_assert_eq(output_init(&output, ends[1]), 0);
	output_set_pages(&output, 64 << 10);
	cr_assert_eq(output_add_pages(&output, "head", 4, file, 0, 4096), 1);
	reader = dup(output.pages[0]);
	cr_assert_geq(reader, 0);
	cr_assert_geq(dup3(null, output.pages[0], O_CLOEXEC), 0);
	cr_expect_eq(output_add_pages(&output, "head", 4, file, SIZE, 4096), 0);
	cr_expect(output.broken, "what the client was to get is lost");
	cr_expect_eq(output_waiting(&output), 0);
	output_free(&output);
	close(ends[0]);
	close(ends[1]);
	close(reader);
	close(null);
	close(file);
}
