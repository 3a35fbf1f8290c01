/* fuzzing: what an input means: how a session goes, and the stream that its client sends. */
#include "script.h"

#include "codec/sftp.h"
#include "codec/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const size_t chunk_sizes[] = {SCRIPT_MAX, 7, 257, 4096};
static const char last[] = "\x0d\0\0\0\x04\0\0\0\x05" SCRIPT_LAST_FILE;
#define LAST_BYTES (sizeof(last) - 1)

static void add_bytes(struct script *script, const void *bytes, size_t len)
{
	if (len > SCRIPT_MAX - script->len)
		len = SCRIPT_MAX - script->len;
	memcpy(script->stream + script->len, bytes, len);
	script->len += len;
}

/* With zeroes up to whole_len. */
static void add_packet(struct script *script, const void *packet, size_t len, size_t whole_len)
{
	static const uint8_t zeroes[SFTP_PACKET_MAX];
	uint8_t bytes[4];
	struct wire_writer writer = {.data = bytes, .cap = sizeof(bytes)};

	if (whole_len < len)
		whole_len = len;
	wire_put_u32(&writer, (uint32_t)whole_len);
	add_bytes(script, bytes, sizeof(bytes));
	add_bytes(script, packet, len);
	add_bytes(script, zeroes, whole_len - len);
}

#define ADD(script, text) add_packet(script, text, sizeof(text) - 1, 0)

static void add_piece(struct script *script, enum piece kind, const uint8_t *bytes, size_t len)
{
	switch (kind) {
	case PIECE_PACKET:
		add_packet(script, bytes, len, 0);
		break;
	case PIECE_PACKET_32K:
		add_packet(script, bytes, len, 32768 + 29);
		break;
	case PIECE_PACKET_MAX:
		add_packet(script, bytes, len, SFTP_PACKET_MAX);
		break;
	case PIECE_RAW:
		add_bytes(script, bytes, len);
	}
}

static void add_openings(struct script *script)
{
	ADD(script, "\x01\0\0\0\x03");
	ADD(script, "\x03\0\0\0\x01\0\0\0\x01"
		    "s\0\0\0\x01\0\0\0\0");
	ADD(script, "\x0b\0\0\0\x02\0\0\0\x01"
		    "d");
	if ((script->way & WAY_WRITES) != 0)
		ADD(script, "\x03\0\0\0\x03\0\0\0\x01"
			    "n\0\0\0\x1b\0\0\0\0");
}

void script_make(struct script *script, const uint8_t *data, size_t size)
{
	size_t at = SCRIPT_HEAD;

	script->way = (uint16_t)(data[0] | data[1] << 8);
	script->len = 0;
	add_openings(script);
	while (size - at >= 2) {
		size_t head = (size_t)data[at] | (size_t)data[at + 1] << 8, len = head & 0xfff;

		at += 2;
		if (len > size - at)
			len = size - at;
		add_piece(script, (enum piece)(head >> 12 & 3), data + at, len);
		at += len;
	}
	add_packet(script, last, LAST_BYTES, 0);
}

size_t script_chunk(const struct script *script)
{
	return chunk_sizes[(script->way & WAY_CHUNK) >> 4];
}

int script_send(struct script *script)
{
	size_t at = 0;
	int pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return -errno;
	(void)fcntl(pipe_fds[1], F_SETPIPE_SZ, SCRIPT_MAX);
	while (at < script->len) {
		ssize_t put = write(pipe_fds[1], script->stream + at, script->len - at);

		if (put < 0)
			break;
		at += (size_t)put;
	}
	script->sent_all = at == script->len && script->len < SCRIPT_MAX;
	script->len = at;
	close(pipe_fds[1]);
	return pipe_fds[0];
}

bool script_is_last(const struct script *script, const uint8_t *packet, size_t len)
{
	return script->sent_all && len == LAST_BYTES &&
	       packet == script->stream + script->len - LAST_BYTES;
}
