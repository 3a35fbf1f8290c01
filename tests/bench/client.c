/* bench: an SFTP client over pipes with many requests in flight, replies matched by id. */
#include "client.h"

#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECE_BYTES (64u * 1024u)
#define PATIENCE_MS 60000

int client_fail(struct client *client, const char *format, ...)
{
	va_list args;

	if (client->problem[0] != '\0')
		return -EIO;
	va_start(args, format);
	vsnprintf(client->problem, sizeof(client->problem), format, args);
	va_end(args);
	return -EIO;
}

/* Taken, so that the server never waits for it, and kept to explain a failure. */
static void drain_errors(struct client *client)
{
	ssize_t got;

	while ((got = read(client->server.err, client->said, sizeof(client->said) - 1)) > 0) {
		client->said[got] = '\0';
		client->said[strcspn(client->said, "\n")] = '\0';
	}
}

static int fail_ended(struct client *client)
{
	drain_errors(client);
	return client_fail(client, "the server has ended the session%s%s",
	    client->said[0] == '\0' ? "" : ": ", client->said);
}

/* sending */

struct wire_writer request_begin(struct client *client, struct slot *slot, uint8_t type)
{
	struct wire_writer writer = {.data = slot->head, .cap = sizeof(slot->head)};

	slot->data_len = 0;
	slot->id = ++client->serial * CLIENT_SLOTS + (uint32_t)(slot - client->slots);
	wire_put_u32(&writer, 0);
	wire_put_u8(&writer, type);
	wire_put_u32(&writer, slot->id);
	return writer;
}

void request_data(struct wire_writer *writer, struct slot *slot, const uint8_t *data, uint32_t len)
{
	wire_put_u32(writer, len);
	slot->data = data;
	slot->data_len = len;
}

static void enqueue(struct client *client, struct slot *slot)
{
	unsigned last = (client->queue_first + client->queue_used) % CLIENT_SLOTS;

	client->queue[last] = (unsigned)(slot - client->slots);
	client->queue_used++;
}

int request_send(struct client *client, struct slot *slot, struct wire_writer *writer)
{
	if (writer->failed)
		return client_fail(client, "a request is too long for this client");
	wire_patch_u32(writer, 0, (uint32_t)(writer->at - 4 + slot->data_len));
	slot->head_len = writer->at;
	enqueue(client, slot);
	client->busy++;
	return 0;
}

/* Adds what is left of a part after the first *skip bytes of it. */
static size_t add_part(
    struct iovec *parts, int *count, const uint8_t *data, size_t len, size_t *skip, size_t room)
{
	size_t skipped = *skip < len ? *skip : len;

	*skip -= skipped;
	len -= skipped;
	if (len > room)
		len = room;
	if (len > 0)
		parts[(*count)++] =
		    (struct iovec){.iov_base = (void *)(uintptr_t)(data + skipped), .iov_len = len};
	return len;
}

/* The next piece of the requests that wait. */
static size_t gather(const struct client *client, struct iovec *parts, int *count)
{
	size_t skip = client->queue_sent, len = 0;

	*count = 0;
	for (unsigned i = 0; i < client->queue_used && len < PIECE_BYTES; i++) {
		const struct slot *slot =
		    &client->slots[client->queue[(client->queue_first + i) % CLIENT_SLOTS]];

		len += add_part(parts, count, slot->head, slot->head_len, &skip, PIECE_BYTES - len);
		len += add_part(parts, count, slot->data, slot->data_len, &skip, PIECE_BYTES - len);
	}
	return len;
}

static void note_sent(struct client *client, size_t sent)
{
	client->queue_sent += sent;
	while (client->queue_used > 0) {
		const struct slot *slot = &client->slots[client->queue[client->queue_first]];

		if (client->queue_sent < slot->head_len + slot->data_len)
			return;
		client->queue_sent -= slot->head_len + slot->data_len;
		client->queue_first = (client->queue_first + 1) % CLIENT_SLOTS;
		client->queue_used--;
	}
}

/* Writes until everything is sent or the pipe is full. */
static int flush_requests(struct client *client)
{
	struct iovec parts[2 * CLIENT_SLOTS];
	int count;

	while (client->queue_used > 0) {
		size_t len = gather(client, parts, &count);
		ssize_t put = writev(client->server.in, parts, count);

		if (put < 0 && errno == EPIPE)
			return fail_ended(client);
		if (put < 0 && errno != EAGAIN && errno != EINTR)
			return client_fail(
			    client, "cannot write to the server: %s", strerror(errno));
		if (put > 0)
			note_sent(client, (size_t)put);
		if (put < (ssize_t)len)
			return 0;
	}
	return 0;
}

/* receiving */

static int wait_for_server(struct client *client)
{
	struct pollfd fds[3] = {
	    {.fd = client->server.out, .events = POLLIN},
	    {.fd = client->queue_used > 0 ? client->server.in : -1, .events = POLLOUT},
	    {.fd = client->server.err, .events = POLLIN},
	};
	int ready = poll(fds, 3, PATIENCE_MS);

	if (interrupt_seen())
		return client_fail(client, "interrupted");
	if (ready == 0)
		return client_fail(client, "the server does not answer");
	if (ready > 0 && (fds[2].revents & POLLIN))
		drain_errors(client);
	return 0;
}

/* Reads a piece into the input, which has room for one: less than a packet is left in it. */
static int receive_piece(struct client *client)
{
	ssize_t got;

	/* What has been read anew each time is still in the processor's cache. */
	if (client->input_used == 0)
		client->input_at = 0;
	got = read(client->server.out,
	    client->input + (client->input_at + client->input_used) % CLIENT_INPUT_BYTES,
	    PIECE_BYTES);
	if (got > 0)
		client->input_used += (size_t)got;
	else if (got == 0)
		return fail_ended(client);
	else if (errno == EAGAIN)
		return wait_for_server(client);
	else if (errno != EINTR)
		return client_fail(client, "cannot read from the server: %s", strerror(errno));
	return 0;
}

/* A whole packet without its length, or one with data NULL when there is none. */
static int take_packet(struct client *client, struct wire_span *packet)
{
	const uint8_t *at = client->input + client->input_at;
	uint32_t len;

	*packet = (struct wire_span){.data = NULL};
	if (client->input_used < 4)
		return 0;
	len = wire_peek_u32(at);
	if (len < 5 || len > SFTP_PACKET_MAX)
		return client_fail(client, "a reply of impossible length %u", len);
	if (client->input_used - 4 < len)
		return 0;
	client->input_at = (client->input_at + 4 + len) % CLIENT_INPUT_BYTES;
	client->input_used -= 4 + len;
	*packet = (struct wire_span){.data = at + 4, .len = len};
	return 0;
}

static int await_packet(struct client *client, struct wire_span *packet)
{
	int rc = take_packet(client, packet);

	while (rc == 0 && packet->data == NULL) {
		rc = flush_requests(client);
		if (rc == 0)
			rc = receive_piece(client);
		if (rc == 0)
			rc = take_packet(client, packet);
	}
	return rc;
}

int client_receive(struct client *client, struct slot **slot, struct reply *reply)
{
	struct wire_span packet;
	uint32_t id;
	int rc = await_packet(client, &packet);

	if (rc != 0)
		return rc;
	reply->body = (struct wire_reader){.data = packet.data, .len = packet.len};
	reply->type = wire_get_u8(&reply->body);
	id = wire_get_u32(&reply->body);
	*slot = &client->slots[id % CLIENT_SLOTS];
	if ((*slot)->id != id || id == 0)
		return client_fail(client, "a reply to a request that was not made");
	(*slot)->id = 0;
	client->busy--;
	return 0;
}

int client_run(struct client *client, const struct job *job)
{
	struct reply reply;
	struct slot *slot;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < job->in_flight && i < CLIENT_SLOTS; i++)
		rc = job->step(client, &client->slots[i], NULL, job->context);
	while (rc == 0 && client->busy > 0) {
		rc = client_receive(client, &slot, &reply);
		if (rc == 0)
			rc = job->step(client, slot, &reply, job->context);
	}
	return rc;
}
