/* unit tests: the engine between real pipes: what was received is carried out, however it ends. */
#include "codec/sftp.h"

#include "peer.h"
#include "server/signals.h"
#include "serving.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MANY 1000u

static struct peer peer;

static void set_up(void)
{
	scratch_enter();
	cr_assert_eq(mkdir("d", 0755), 0);
}

TestSuite(engine, .init = set_up, .fini = scratch_leave, .timeout = 120);

/* MKDIR of d/0 and so on, ids from 0. */
static void add_mkdirs(struct packet *stream, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "d/%u", i);
		peer_add(stream, SFTP_MKDIR, i, "su", name, 0u);
	}
}

static void expect_mkdir_replies(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		cr_assert(peer_replied(&peer, SFTP_STATUS, i, "uss", 0u, "Success", ""));
}

static void expect_clean_end(void)
{
	struct peer_result result = peer_finish(&peer);

	cr_expect_eq(result.engine.status, 0);
	cr_expect_not(result.engine.forced);
}

static void round_trip(enum peer_channel channel)
{
	peer_start(&peer, channel, NULL);
	peer_init(&peer);
	peer_request(&peer, SFTP_MKDIR, 7, "su", "made", 0u);
	cr_expect(peer_replied(&peer, SFTP_STATUS, 7, "uss", 0u, "Success", ""));
	peer_request(&peer, SFTP_REALPATH, 8, "s", "/");
	cr_expect(peer_replied(&peer, SFTP_NAME, 8, "ussu", 1u, "/", "/", 0u));
	cr_expect(scratch_exists("made"));
}

Test(engine, round_trips_over_pipes)
{
	round_trip(PEER_PIPES);
	peer_close_to(&peer);
	cr_expect(peer_ended(&peer));
	expect_clean_end();
}

Test(engine, round_trips_over_a_socket)
{
	round_trip(PEER_SOCKET);
	peer_close_to(&peer);
	peer_close_from(&peer);
	expect_clean_end();
}

Test(engine, pipelined_replies_come_in_order)
{
	static struct packet stream;

	add_mkdirs(&stream, MANY);
	peer_start(&peer, PEER_PIPES, NULL);
	peer_init(&peer);
	peer_send(&peer, stream.bytes, stream.len);
	expect_mkdir_replies(MANY);
	peer_close_to(&peer);
	cr_expect(peer_ended(&peer));
	expect_clean_end();
}

Test(engine, requests_split_at_every_byte)
{
	static struct packet stream;

	peer_add(&stream, SFTP_REALPATH, 1, "s", "/");
	peer_add(&stream, SFTP_STAT, 2, "s", "missing");
	peer_add(&stream, SFTP_REALPATH, 3, "s", "/");
	peer_start(&peer, PEER_PIPES, NULL);
	peer_init(&peer);
	for (size_t split = 0; split <= stream.len + 1; split++) {
		/* In two parts; at last byte by byte. */
		for (size_t at = 0; at < stream.len;) {
			size_t end = at == 0 && split > 0 ? split : stream.len;

			end = split > stream.len ? at + 1 : end;
			peer_send(&peer, stream.bytes + at, end - at);
			peer_wait_taken(&peer);
			at = end;
		}
		cr_assert(peer_replied(&peer, SFTP_NAME, 1, "ussu", 1u, "/", "/", 0u));
		cr_assert(peer_replied_code(&peer, 2, SFTP_NO_SUCH_FILE));
		cr_assert(peer_replied(&peer, SFTP_NAME, 3, "ussu", 1u, "/", "/", 0u));
	}
	peer_close_to(&peer);
	expect_clean_end();
}

/* what is received is carried out */

Test(engine, end_of_input_behind_many_requests)
{
	static struct packet stream;

	peer_add(&stream, SFTP_INIT, 3, "");
	add_mkdirs(&stream, MANY);
	/* The last request is cut: it never was one. */
	peer_add(&stream, SFTP_MKDIR, MANY, "su", "d/cut", 0u);
	peer_start(&peer, PEER_PIPES, NULL);
	peer_send(&peer, stream.bytes, stream.len - 1);
	peer_close_to(&peer);
	expect_clean_end();
	cr_expect_eq(scratch_count("d"), MANY);
}

Test(engine, nobody_reads_the_replies)
{
	static struct packet stream;

	add_mkdirs(&stream, MANY);
	peer_start(&peer, PEER_PIPES, NULL);
	peer_init(&peer);
	peer_close_from(&peer);
	peer_send(&peer, stream.bytes, stream.len / 2);
	peer_wait_taken(&peer);
	peer_send(&peer, stream.bytes + stream.len / 2, stream.len - stream.len / 2);
	peer_close_to(&peer);
	expect_clean_end();
	cr_expect_eq(scratch_count("d"), MANY);
}

/* Signals that arrive while requests wait in the pipe: stopping the child makes sure that they do. */
static struct peer_result end_by(int number, const struct packet *stream, size_t replies)
{
	peer_stop(&peer);
	peer_send(&peer, stream->bytes, stream->len);
	cr_assert_eq(kill(peer.pid, number), 0);
	peer_continue(&peer);
	expect_mkdir_replies((unsigned int)replies);
	cr_expect(peer_ended(&peer), "though the client is still there");
	return peer_finish(&peer);
}

Test(engine, signals_in_mid_stream)
{
	static const int numbers[] = {SIGTERM, SIGHUP, SIGINT};
	static struct packet stream;
	struct peer_result result;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		cr_assert_eq(chdir(scratch_path), 0);
		cr_assert_eq(mkdir(i == 0 ? "x" : i == 1 ? "y" : "z", 0755), 0);
		cr_assert_eq(chdir(i == 0 ? "x" : i == 1 ? "y" : "z"), 0);
		cr_assert_eq(mkdir("d", 0755), 0);
		stream.len = 0;
		add_mkdirs(&stream, MANY);
		packet_add(&stream, "ub", 100u, SFTP_MKDIR);
		peer_start(&peer, PEER_PIPES, NULL);
		peer_init(&peer);
		result = end_by(numbers[i], &stream, MANY);
		cr_expect_eq(scratch_count("d"), MANY);
		cr_expect_eq(result.engine.status, 0);
		cr_expect_not(result.engine.forced, "nothing was open");
	}
}

Test(engine, signal_while_a_file_is_open)
{
	static struct packet stream;
	struct peer_handle handle;
	struct peer_result result;

	peer_start(&peer, PEER_PIPES, NULL);
	peer_init(&peer);
	peer_request(&peer, SFTP_OPEN, 1, "suu", "f", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	handle = peer_take_handle(&peer, 1);
	peer_add(&stream, SFTP_WRITE, 0, "xqs", PEER_HANDLE(handle), UINT64_C(0), "received");
	result = end_by(SIGTERM, &stream, 1);
	cr_expect_str_eq(scratch_read("f"), "received");
	cr_expect(result.engine.forced);
	cr_expect_eq(result.open_handles, 1);
}

/* Whether it was cut short is known when all that was received has been carried out. */
Test(engine, signal_while_a_file_is_about_to_be_opened)
{
	static struct packet stream, reply;
	struct peer_result result;

	peer_start(&peer, PEER_PIPES, NULL);
	peer_init(&peer);
	add_mkdirs(&stream, 1);
	peer_add(&stream, SFTP_OPEN, 1, "suu", "f", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	peer_stop(&peer);
	peer_send(&peer, stream.bytes, stream.len);
	cr_assert_eq(kill(peer.pid, SIGTERM), 0);
	peer_continue(&peer);
	expect_mkdir_replies(1);
	(void)peer_take_handle(&peer, 1);
	cr_expect_not(peer_receive(&peer, &reply));
	result = peer_finish(&peer);
	cr_expect(result.engine.forced);
	cr_expect_eq(result.open_handles, 1);
}

/* The requests behind replies that nobody takes are still carried out, after a grace. */
Test(engine, signal_while_nobody_takes_replies)
{
	static struct packet stream;
	struct peer_handle handle;
	struct peer_result result;

	scratch_write("f", "");
	cr_assert_eq(truncate("f", 1 << 20), 0);
	peer_start(&peer, PEER_PIPES, NULL);
	peer_init(&peer);
	peer_request(&peer, SFTP_OPEN, 1, "suu", "f", SFTP_FLAG_READ, 0u);
	handle = peer_take_handle(&peer, 1);
	for (uint32_t i = 0; i < 20; i++)
		peer_add(
		    &stream, SFTP_READ, i, "xqu", PEER_HANDLE(handle), UINT64_C(0), SFTP_DATA_MAX);
	peer_add(&stream, SFTP_CLOSE, 20, "x", PEER_HANDLE(handle));
	add_mkdirs(&stream, 100);
	peer_send(&peer, stream.bytes, stream.len);
	peer_wait_taken(&peer);
	cr_assert_eq(kill(peer.pid, SIGTERM), 0);
	result = peer_finish(&peer);
	cr_expect_eq(scratch_count("d"), 100);
	cr_expect_eq(result.engine.status, 0);
	cr_expect(result.engine.forced);
	cr_expect_eq(result.open_handles, 0);
}

/* A signal that comes when the end has begun already neither keeps the replies back nor the processor busy. */
Test(engine, signals_while_the_last_replies_wait)
{
	static const int numbers[] = {SIGURG, SIGTERM};
	static struct packet stream, reply;

	scratch_write("f", "");
	cr_assert_eq(truncate("f", 1 << 20), 0);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct peer_handle handle;
		struct peer_result result;
		uint64_t before;

		peer_start(&peer, PEER_PIPES, NULL);
		peer_init(&peer);
		peer_request(&peer, SFTP_OPEN, 1, "suu", "f", SFTP_FLAG_READ, 0u);
		handle = peer_take_handle(&peer, 1);
		stream.len = 0;
		for (uint32_t id = 0; id < 20; id++)
			peer_add(&stream, SFTP_READ, id, "xqu", PEER_HANDLE(handle), UINT64_C(0),
			    SFTP_DATA_MAX);
		peer_add(&stream, SFTP_CLOSE, 20, "x", PEER_HANDLE(handle));
		peer_send(&peer, stream.bytes, stream.len);
		peer_wait_taken(&peer);
		cr_assert_eq(kill(peer.pid, SIGTERM), 0);
		clock_sleep_ns(100 * NS_PER_MS);
		cr_assert_eq(kill(peer.pid, numbers[i]), 0);
		before = peer_used_ns(&peer);
		clock_sleep_ns(500 * NS_PER_MS);
		cr_expect_lt(peer_used_ns(&peer) - before, 100 * NS_PER_MS, "it does not wait");
		for (uint32_t id = 0; id < 20; id++)
			cr_assert(peer_receive(&peer, &reply), "reply %u is lost", id);
		cr_expect(peer_replied_code(&peer, 20, SFTP_OK));
		cr_expect(peer_ended(&peer));
		result = peer_finish(&peer);
		cr_expect_not(result.engine.forced);
	}
}

/* streams that cannot be trusted */

Test(engine, lengths_that_no_packet_has)
{
	static const uint32_t lengths[] = {
	    0, SFTP_PACKET_MAX + 1, 0x7fffffff, 0x80000000, UINT32_MAX};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct packet stream = {.len = 0};

		peer_start(&peer, PEER_PIPES, NULL);
		peer_init(&peer);
		peer_add(&stream, SFTP_REALPATH, 1, "s", "/");
		packet_add(&stream, "u", lengths[i]);
		peer_add(&stream, SFTP_MKDIR, 2, "su", "d/x", 0u);
		peer_send(&peer, stream.bytes, stream.len);
		cr_expect(
		    peer_replied(&peer, SFTP_NAME, 1, "ussu", 1u, "/", "/", 0u), "answered before");
		cr_expect(peer_ended(&peer));
		cr_expect_eq(peer_finish(&peer).engine.status, 11);
		cr_expect_eq(scratch_count("d"), 0);
	}
}

Test(engine, longest_packet)
{
	static uint8_t bytes[SFTP_PACKET_MAX];

	bytes[0] = 99;
	bytes[4] = 5;
	peer_start(&peer, PEER_PIPES, NULL);
	peer_init(&peer);
	peer_send(&peer, "\0\x04\0\0", 4);
	peer_send(&peer, bytes, sizeof(bytes));
	cr_expect(peer_replied_code(&peer, 5, SFTP_OP_UNSUPPORTED));
	peer_close_to(&peer);
	expect_clean_end();
}

Test(engine, packets_that_are_no_requests)
{
	static const struct {
		const char *bytes;
		size_t len;
	} streams[] = {
	    {"\0\0\0\x05\x12\0\0\0\x01", 9},                      /* no INIT before */
	    {"\0\0\0\x01\x01", 5},                                /* INIT without a version */
	    {"\0\0\0\x05\x01\0\0\0\x03\0\0\0\x04\x12\0\0\0", 17}, /* an id cut short */
	};

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		static struct packet stream;

		stream.len = 0;
		packet_add(&stream, "r", (const void *)streams[i].bytes, streams[i].len);
		peer_add(&stream, SFTP_MKDIR, 2, "su", "d/x", 0u);
		peer_start(&peer, PEER_PIPES, NULL);
		peer_send(&peer, stream.bytes, stream.len);
		cr_expect_eq(peer_finish(&peer).engine.status, 11, "stream %zu", i);
		cr_expect_eq(scratch_count("d"), 0);
	}
}

/* in this process */

Test(engine, descriptors_are_left_as_they_were)
{
	int in[2], out[2];
	struct engine_result result;

	cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	cr_assert_eq(write(in[1], "\0\0\0\x05\x01\0\0\0\x03", 9), 9);
	close(in[1]);
	signals_init();
	serving_make();
	cr_assert_eq(engine_run(&serving, in[0], out[1], &result), 0);
	cr_expect_eq(result.status, 0);
	cr_expect_eq(fcntl(in[0], F_GETFL) & O_NONBLOCK, 0);
	cr_expect_eq(fcntl(out[1], F_GETFL) & O_NONBLOCK, 0);
	cr_expect_eq(fcntl(in[0], F_GETFL) & O_ACCMODE, O_RDONLY);
}

Test(engine, input_that_cannot_be_read)
{
	struct engine_result result;
	int out[2];

	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	signals_init();
	serving_make();
	/* A directory: read(2) fails. */
	cr_assert_eq(engine_run(&serving, open(".", O_RDONLY | O_CLOEXEC), out[1], &result), 0);
	cr_expect_eq(result.status, 1);
}

Test(engine, input_from_a_file)
{
	static struct packet stream;
	struct engine_result result;
	int in, out;
	FILE *file = fopen("in", "we");

	peer_add(&stream, SFTP_INIT, 3, "");
	add_mkdirs(&stream, MANY);
	cr_assert_not_null(file);
	cr_assert_eq(fwrite(stream.bytes, 1, stream.len, file), stream.len);
	fclose(file);
	in = open("in", O_RDONLY | O_CLOEXEC);
	out = open("out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	signals_init();
	serving_make();
	cr_assert_eq(engine_run(&serving, in, out, &result), 0);
	cr_expect_eq(result.status, 0);
	cr_expect_eq(scratch_count("d"), MANY);
	cr_expect_gt(scratch_lstat("out").st_size, (off_t)MANY * 20);
}
