/* tests: the transfers of `siblings`.  A transfer moves only when a command says so: what is in
 * flight at any moment is the test's decision. */
#include "siblings.h"

#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 32768
#define FXP_WRITE 6
#define FXP_MKDIR 14
#define FXP_STATUS 101
#define REPLY_BYTES_MAX 4096
#define REPLY_TIMEOUT_MS 60000

static void begin(struct siblings *siblings, struct channel *channel, char **args, bool upload)
{
	int flags = upload ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY;

	if (channel->file != NULL) {
		reply_error("a transfer is open");
		return;
	}
	channel->file = sftp_open(channel->sftp, args[0], flags, 0644);
	if (channel->file == NULL) {
		reply_failure(siblings, channel);
		return;
	}
	channel->upload = upload;
	channel->size = strtoull(args[1], NULL, 10);
	channel->seed = strtoull(args[2], NULL, 10);
	channel->offset = 0;
	reply_ok("%s", args[0]);
}

void transfer_put(struct siblings *siblings, struct channel *channel, char **args)
{
	begin(siblings, channel, args, true);
}

void transfer_get(struct siblings *siblings, struct channel *channel, char **args)
{
	begin(siblings, channel, args, false);
}

/* One request and its reply.  Returns the bytes moved, 0 at the end of the file, -1 refused or cut,
 * -2 content that is not the stream's. */
static ssize_t move_chunk(struct channel *channel, size_t len)
{
	unsigned char data[CHUNK];
	ssize_t moved;

	if (channel->upload) {
		stream_fill(channel->seed, channel->offset, data, len);
		moved = sftp_write(channel->file, data, len);
	} else {
		moved = sftp_read(channel->file, data, len);
		if (moved > 0 && stream_match(channel->seed, channel->offset, data,
				     (size_t)moved) != (size_t)moved)
			return -2;
	}
	if (moved > 0)
		channel->offset += (uint64_t)moved;
	return moved < 0 ? -1 : moved;
}

/* Moves to the offset end, or to the end of the file.  Returns 0, or -1 after an error reply. */
static int move_to(struct siblings *siblings, struct channel *channel, uint64_t end)
{
	ssize_t moved = 1;

	if (channel->file == NULL) {
		reply_error("no transfer is open");
		return -1;
	}
	while (channel->offset < end && moved > 0) {
		uint64_t left = end - channel->offset;

		moved = move_chunk(channel, left < CHUNK ? (size_t)left : CHUNK);
	}
	if (moved == -2)
		reply_error("content differs after byte %llu", (unsigned long long)channel->offset);
	else if (moved < 0)
		reply_failure(siblings, channel);
	return moved < 0 ? -1 : 0;
}

void transfer_step(struct siblings *siblings, struct channel *channel, char **args)
{
	if (move_to(siblings, channel, channel->offset + strtoull(args[0], NULL, 10)) == 0)
		reply_ok("%llu", (unsigned long long)channel->offset);
}

/* Reading goes one byte past the size, so that a file that is too long is seen. */
void transfer_finish(struct siblings *siblings, struct channel *channel, char **args)
{
	int closed;

	(void)args;
	if (move_to(siblings, channel, channel->size + (channel->upload ? 0 : 1)) != 0)
		return;
	closed = sftp_close(channel->file);
	channel->file = NULL;
	if (closed != SSH_OK)
		reply_failure(siblings, channel);
	else if (channel->offset != channel->size)
		reply_error("%llu bytes, not %llu", (unsigned long long)channel->offset,
		    (unsigned long long)channel->size);
	else
		reply_ok("%llu", (unsigned long long)channel->offset);
}

static unsigned char *put_u32(unsigned char *out, uint32_t value)
{
	value = htonl(value);
	memcpy(out, &value, sizeof(value));
	return out + sizeof(value);
}

/* SSH_FXP_WRITE: uint32 length, byte 6, uint32 id, string handle, uint64 offset, string data
 * (draft-ietf-secsh-filexfer-02, 6.4).  Returns the packet's size. */
static size_t encode_write(const struct channel *channel, unsigned char *packet, size_t data_len)
{
	size_t handle_len = ssh_string_len(channel->file->handle);
	unsigned char *out = packet + 4;

	*out++ = FXP_WRITE;
	out = put_u32(out, (uint32_t)(channel->offset / CHUNK));
	out = put_u32(out, (uint32_t)handle_len);
	memcpy(out, ssh_string_data(channel->file->handle), handle_len);
	out = put_u32(out + handle_len, (uint32_t)(channel->offset >> 32));
	out = put_u32(out, (uint32_t)channel->offset);
	out = put_u32(out, (uint32_t)data_len);
	stream_fill(channel->seed, channel->offset, out, data_len);
	out += data_len;
	put_u32(packet, (uint32_t)(out - packet - 4));
	return (size_t)(out - packet);
}

/* Sends WRITEs without awaiting a reply, as clients that pipeline do; libssh itself never has more
 * than one under way.  Replies are not read: the session is good for nothing else afterwards.
 * Answers with the number of whole requests and the size of each. */
void transfer_flood(struct siblings *siblings, struct channel *channel, char **args)
{
	unsigned char packet[CHUNK + 512];
	unsigned long requests = strtoul(args[0], NULL, 10) / CHUNK;
	size_t packet_len = 0;

	if (channel->file == NULL || !channel->upload ||
	    ssh_string_len(channel->file->handle) > 256) {
		reply_error("no upload is open");
		return;
	}
	for (unsigned long i = 0; i < requests; i++) {
		packet_len = encode_write(channel, packet, CHUNK);
		if (ssh_channel_write(channel->sftp->channel, packet, (uint32_t)packet_len) < 0) {
			reply_failure(siblings, channel);
			return;
		}
		channel->offset += CHUNK;
	}
	reply_ok("%lu %zu", requests, packet_len);
}

/* Sends COUNT times SSH_FXP_MKDIR (uint32 length, byte 14, uint32 id, string path, ATTRS without any)
 * for PREFIX0, PREFIX1, ..., likewise without awaiting a reply.  Answers with the bytes sent. */
void transfer_burst(struct siblings *siblings, struct channel *channel, char **args)
{
	unsigned long count = strtoul(args[1], NULL, 10);
	unsigned char packet[512], *out;
	size_t sent = 0;

	for (unsigned long i = 0; i < count; i++) {
		char path[256];
		size_t path_len;

		snprintf(path, sizeof(path), "%s%lu", args[0], i);
		path_len = strlen(path);
		out = packet + 4;
		*out++ = FXP_MKDIR;
		out = put_u32(out, (uint32_t)i);
		out = put_u32(out, (uint32_t)path_len);
		memcpy(out, path, path_len);
		out = put_u32(out + path_len, 0);
		put_u32(packet, (uint32_t)(out - packet - 4));
		if (ssh_channel_write(channel->sftp->channel, packet, (uint32_t)(out - packet)) <
		    0) {
			reply_failure(siblings, channel);
			return;
		}
		sent += (size_t)(out - packet);
	}
	reply_ok("%zu", sent);
}

void transfer_eof(struct siblings *siblings, struct channel *channel, char **args)
{
	(void)args;
	if (ssh_channel_send_eof(channel->sftp->channel) == SSH_OK)
		reply_ok("%s", "");
	else
		reply_failure(siblings, channel);
}

/* Returns len, fewer at the end of the stream, or -1. */
static ssize_t read_whole(struct channel *channel, unsigned char *out, size_t len)
{
	size_t have = 0;

	while (have < len) {
		int got = ssh_channel_read_timeout(channel->sftp->channel, out + have,
		    (uint32_t)(len - have), 0, REPLY_TIMEOUT_MS);

		if (got < 0 || (got == 0 && !ssh_channel_is_eof(channel->sftp->channel)))
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/* Takes the replies to a burst, each SSH_FXP_STATUS (uint32 length, byte 101, uint32 id, uint32 code,
 * texts), until the server ends the stream.  Answers with how many came that say OK and have the id that
 * is next. */
void transfer_listen(struct siblings *siblings, struct channel *channel, char **args)
{
	unsigned char packet[REPLY_BYTES_MAX];
	uint32_t words[2];
	unsigned long count = 0;
	ssize_t got;

	(void)siblings;
	(void)args;
	while ((got = read_whole(channel, packet, 4)) == 4) {
		size_t len = (size_t)packet[2] << 8 | packet[3];

		if (packet[0] != 0 || packet[1] != 0 || len < 9 || len > sizeof(packet) ||
		    read_whole(channel, packet, len) != (ssize_t)len)
			break;
		memcpy(words, packet + 1, sizeof(words));
		if (packet[0] == FXP_STATUS && ntohl(words[0]) == count && words[1] == 0)
			count++;
	}
	if (got == 0)
		reply_ok("%lu", count);
	else
		reply_error("%s", "the stream of replies does not end as it should");
}
