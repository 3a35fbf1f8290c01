/* unit tests: the engine and a client that asks for much and takes nothing for a while. */
#include "codec/sftp.h"

#include "peer.h"
#include "serving.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CHUNK 255000u
#define CHUNKS 823u /* 200 MiB in all */

static struct peer peer;

TestSuite(pressure, .init = scratch_enter, .fini = scratch_leave, .timeout = 300);

static void make_pattern(uint8_t *bytes)
{
	for (size_t i = 0; i < CHUNK; i++)
		bytes[i] = (uint8_t)(i * 7 ^ i >> 8);
}

/* Kilobytes that the child has in memory. */
static long resident_kilobytes(void)
{
	char path[64], line[256];
	long kilobytes = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)peer.pid);
	file = fopen(path, "re");
	cr_assert_not_null(file);
	while (kilobytes < 0 && fgets(line, sizeof(line), file) != NULL)
		(void)sscanf(line, "VmRSS: %ld", &kilobytes);
	fclose(file);
	return kilobytes;
}

/* Until the pipe of replies has stayed as full as it is: the child can do no more. */
static void wait_stalled(void)
{
	int before = -1, now = 0;

	while (now != before || now == 0) {
		before = now;
		clock_sleep_ns(20 * NS_PER_MS);
		cr_assert_eq(ioctl(peer.from, FIONREAD, &now), 0);
	}
}

static struct peer_handle open_pattern(void)
{
	static uint8_t pattern[CHUNK];
	FILE *file = fopen("f", "we");

	make_pattern(pattern);
	cr_assert_not_null(file);
	cr_assert_eq(fwrite(pattern, 1, CHUNK, file), CHUNK);
	fclose(file);
	peer_start(&peer, PEER_PIPES, NULL);
	peer_init(&peer);
	peer_request(&peer, SFTP_OPEN, 1, "suu", "f", SFTP_FLAG_READ, 0u);
	return peer_take_handle(&peer, 1);
}

Test(pressure, reads_wait_for_their_reader)
{
	static struct packet stream, reply;
	static uint8_t pattern[CHUNK];
	struct peer_handle handle = open_pattern();
	struct peer_result result;
	long before;

	make_pattern(pattern);
	/* One of them first, so that what it takes is there. */
	peer_request(&peer, SFTP_READ, 0, "xqu", PEER_HANDLE(handle), UINT64_C(0), CHUNK);
	cr_assert(peer_receive(&peer, &reply));
	before = resident_kilobytes();
	for (uint32_t i = 0; i < CHUNKS; i++)
		peer_add(&stream, SFTP_READ, i, "xqu", PEER_HANDLE(handle), UINT64_C(0), CHUNK);
	peer_send(&peer, stream.bytes, stream.len);
	peer_wait_taken(&peer);
	wait_stalled();
	cr_expect_lt(resident_kilobytes() - before, 8 * 1024, "200 MiB are not kept in memory");
	for (uint32_t i = 0; i < CHUNKS; i++) {
		cr_assert(peer_receive(&peer, &reply));
		cr_assert_eq(reply.bytes[0], SFTP_DATA);
		cr_assert_eq(packet_u32(&reply, 1), i);
		cr_assert_eq(packet_u32(&reply, 5), CHUNK);
		cr_assert_eq(memcmp(reply.bytes + 9, pattern, CHUNK), 0);
	}
	cr_expect_lt(resident_kilobytes() - before, 8 * 1024);
	peer_close_to(&peer);
	cr_expect(peer_ended(&peer));
	result = peer_finish(&peer);
	cr_expect_eq(result.engine.status, 0);
}

/* The end of the input is no reason to drop replies. */
Test(pressure, end_of_input_before_the_replies_are_taken)
{
	static struct packet stream, reply;
	struct peer_handle handle = open_pattern();

	for (uint32_t i = 0; i < 50; i++)
		peer_add(&stream, SFTP_READ, i, "xqu", PEER_HANDLE(handle), UINT64_C(0), CHUNK);
	peer_add(&stream, SFTP_MKDIR, 50, "su", "d", 0u);
	peer_send(&peer, stream.bytes, stream.len);
	peer_close_to(&peer);
	wait_stalled();
	for (uint32_t i = 0; i < 50; i++) {
		cr_assert(peer_receive(&peer, &reply));
		cr_assert_eq(packet_u32(&reply, 1), i);
		cr_assert_eq(reply.len, 9 + CHUNK);
	}
	cr_expect(peer_replied_code(&peer, 50, SFTP_OK));
	cr_expect(peer_ended(&peer));
	cr_expect_eq(peer_finish(&peer).engine.status, 0);
	cr_expect(scratch_exists("d"));
}

/* More than the input ring and the pipe hold, written while no reply is taken: the client is held
 * back, and nothing is lost.  A writer of its own, for it has to block. */
Test(pressure, writes_wait_for_their_replies_to_be_taken)
{
	enum { WRITES = 64 };
	static struct packet request, reply;
	static uint8_t pattern[CHUNK];
	struct peer_handle handle;
	pid_t writer;

	handle = open_pattern();
	make_pattern(pattern);
	for (uint32_t i = 0; i < 20; i++)
		peer_request(&peer, SFTP_READ, i, "xqu", PEER_HANDLE(handle), UINT64_C(0), CHUNK);
	peer_request(&peer, SFTP_OPEN, 20, "suu", "g", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	writer = fork();
	cr_assert_geq(writer, 0);
	if (writer == 0) {
		/* The second handle's bytes are known: place 1, first use. */
		for (uint32_t i = 0; i < WRITES; i++) {
			request.len = 0;
			peer_add(&request, SFTP_WRITE, 100 + i, "xqx", "\0\0\0\x01\0\0\0\x01",
			    (size_t)8, (uint64_t)i * CHUNK, (const void *)pattern, (size_t)CHUNK);
			peer_send(&peer, request.bytes, request.len);
		}
		_exit(0);
	}
	wait_stalled();
	for (uint32_t i = 0; i < 20; i++) {
		cr_assert(peer_receive(&peer, &reply));
		cr_assert_eq(packet_u32(&reply, 1), i);
	}
	handle = peer_take_handle(&peer, 20);
	cr_assert_eq(memcmp(handle.bytes, "\0\0\0\x01\0\0\0\x01", 8), 0);
	for (uint32_t i = 0; i < WRITES; i++)
		cr_assert(peer_replied_code(&peer, 100 + i, SFTP_OK));
	peer_close_to(&peer);
	cr_expect(peer_ended(&peer));
	(void)peer_finish(&peer);
	cr_expect_eq(scratch_lstat("g").st_size, (off_t)WRITES * CHUNK);
}
