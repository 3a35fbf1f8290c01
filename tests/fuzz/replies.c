/* fuzzing: what a session has to answer to a stream, and whether it does. */
#include "replies.h"

#include "codec/attrs.h"
#include "codec/sftp.h"
#include "codec/wire.h"
#include "server/handle.h"
#include "server/reply.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

bool requests_next(struct requests *requests)
{
	size_t left = requests->len - requests->at;
	uint32_t len;

	if (requests->bad || left < 4)
		return false;
	len = wire_peek_u32(requests->stream + requests->at);
	requests->bad = len == 0 || len > SFTP_PACKET_MAX;
	if (requests->bad || left - 4 < len)
		return false;
	requests->now = requests->stream + requests->at + 4;
	requests->now_len = len;
	/* Type and id are what it takes. */
	requests->bad = len < 5 || (!requests->initialised && requests->now[0] != SFTP_INIT);
	if (requests->bad)
		return false;
	requests->initialised = true;
	requests->at += 4 + len;
	return true;
}

static bool names_are_sound(struct wire_reader *reader)
{
	uint32_t count = wire_get_u32(reader);

	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		struct attrs attrs;

		(void)wire_get_string(reader);
		(void)wire_get_string(reader);
		attrs_get(reader, &attrs);
	}
	return count > 0;
}

static bool status_is_sound(struct wire_reader *reader)
{
	uint32_t status = wire_get_u32(reader);
	struct wire_span text = wire_get_string(reader), language = wire_get_string(reader);

	return status <= SFTP_OP_UNSUPPORTED && text.len > 0 && language.len == 0;
}

/* limits@openssh.com has four numbers, statvfs@openssh.com eleven, users-groups-by-id two lists. */
static bool extended_is_sound(struct wire_reader *reader)
{
	size_t left = wire_left(reader);
	bool numbers = left == (size_t)4 * 8 || left == (size_t)11 * 8;

	if (numbers) {
		reader->at += left;
		return true;
	}
	(void)wire_get_string(reader);
	(void)wire_get_string(reader);
	return true;
}

static void add_data(struct requests *requests, struct wire_span data)
{
	for (size_t at = 0; at < data.len; at += sizeof(uint64_t)) {
		size_t left = data.len - at;
		uint64_t word = 0;

		memcpy(&word, data.data + at, left < sizeof(word) ? left : sizeof(word));
		requests->data_sum = (requests->data_sum ^ word) * 0x100000001b3;
	}
	requests->data_len += data.len;
}

/* No more than was asked for, and something unless nothing was. */
static bool data_is_sound(struct requests *requests, struct wire_reader *reader)
{
	struct wire_reader asked = {.data = requests->now, .len = requests->now_len, .at = 5};
	struct wire_span data = wire_get_string(reader);
	uint32_t want;

	(void)wire_get_string(&asked);
	(void)wire_get_u64(&asked);
	want = wire_get_u32(&asked);
	add_data(requests, data);
	return data.len <= want && (data.len > 0 || want == 0);
}

static bool fields_are_sound(struct requests *requests, uint8_t type, struct wire_reader *reader)
{
	struct attrs attrs;

	switch (type) {
	case SFTP_STATUS:
		return status_is_sound(reader);
	case SFTP_HANDLE:
		return wire_get_string(reader).len == HANDLE_BYTES;
	case SFTP_DATA:
		return data_is_sound(requests, reader);
	case SFTP_NAME:
		return names_are_sound(reader);
	case SFTP_ATTRS:
		attrs_get(reader, &attrs);
		return true;
	case SFTP_EXTENDED_REPLY:
		return extended_is_sound(reader);
	default:
		return false;
	}
}

/* Which replies but STATUS a request may get. */
static bool may_get(uint8_t request, uint8_t reply)
{
	switch (request) {
	case SFTP_OPEN:
	case SFTP_OPENDIR:
		return reply == SFTP_HANDLE;
	case SFTP_READ:
		return reply == SFTP_DATA;
	case SFTP_READDIR:
	case SFTP_REALPATH:
	case SFTP_READLINK:
		return reply == SFTP_NAME;
	case SFTP_STAT:
	case SFTP_LSTAT:
	case SFTP_FSTAT:
		return reply == SFTP_ATTRS;
	case SFTP_EXTENDED:
		return reply == SFTP_NAME || reply == SFTP_EXTENDED_REPLY;
	default:
		return false;
	}
}

bool reply_answers(struct requests *requests, const uint8_t *bytes, size_t len)
{
	struct wire_reader reader = {.data = bytes, .len = len};
	uint8_t type = wire_get_u8(&reader);
	uint32_t id = wire_get_u32(&reader);

	if (requests->now[0] == SFTP_INIT)
		return type == SFTP_VERSION_REPLY && id == SFTP_VERSION;
	return id == wire_peek_u32(requests->now + 1) &&
	       (type == SFTP_STATUS || may_get(requests->now[0], type)) &&
	       fields_are_sound(requests, type, &reader) && !reader.failed &&
	       wire_left(&reader) == 0;
}

static void show(const char *what, const uint8_t *bytes, size_t len)
{
	fprintf(stderr, "%s, %zu bytes:", what, len);
	for (size_t i = 0; i < len && i < 64; i++)
		fprintf(stderr, " %02x", bytes[i]);
	fprintf(stderr, "\n");
}

/* Takes the whole replies at the beginning of what has been read.  Returns how many bytes are left. */
static const char *take_replies(uint8_t *bytes, size_t *used, struct requests *requests)
{
	size_t at = 0;

	while (*used - at >= 4) {
		size_t len = wire_peek_u32(bytes + at);

		if (len < 5 || len > REPLY_MAX - 4)
			return "a reply of no possible length";
		if (*used - at - 4 < len)
			break;
		if (!requests_next(requests))
			return "a reply to nothing";
		if (!reply_answers(requests, bytes + at + 4, len)) {
			show("request", requests->now, requests->now_len);
			show("reply", bytes + at + 4, len);
			return "a reply that is no answer";
		}
		at += 4 + len;
	}
	memmove(bytes, bytes + at, *used - at);
	*used -= at;
	return NULL;
}

/* A client that is slow: pages that the session has sent lie in the pipe while it goes on, as long as it
 * can.  What it does then must not show in them.  (Of the end of a session, and of a file, poll(2) says
 * something.) */
static void let_it_fill(int fd)
{
	const struct timespec pause = {.tv_nsec = 100000};
	struct pollfd ended = {.fd = fd, .events = POLLOUT};
	int before = -1, now = 0;

	while (poll(&ended, 1, 0) == 0 && ioctl(fd, FIONREAD, &now) == 0 && now != before) {
		before = now;
		(void)nanosleep(&pause, NULL);
	}
}

const char *replies_check(int fd, struct requests *requests)
{
	static uint8_t bytes[2 * REPLY_MAX];
	const char *wrong = NULL;
	size_t used = 0;
	ssize_t got;

	while (wrong == NULL) {
		let_it_fill(fd);
		got = read(fd, bytes + used, sizeof(bytes) - used);
		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return "the replies cannot be read";
		used += (size_t)got;
		wrong = take_replies(bytes, &used, requests);
	}
	if (wrong == NULL && used > 0)
		wrong = "half a reply";
	if (wrong == NULL && requests_next(requests))
		wrong = "a request without a reply";
	return wrong;
}
