/* bench: an SFTP client over pipes with many requests in flight, replies matched by id.
 * It reads and writes in pieces of 64 KiB, as sshd does, and copies no data that it sends.
 * Every function that returns int returns 0, or a negative errno with client->problem filled. */
#ifndef SD_BENCH_CLIENT_H
#define SD_BENCH_CLIENT_H

#include "bench.h"
#include "codec/attrs.h"
#include "codec/sftp.h"
#include "codec/wire.h"
#include "server.h"

#define CLIENT_SLOTS 64
#define CLIENT_HEAD_MAX 2048
#define CLIENT_EXTENSIONS_MAX 2048
#define CLIENT_HANDLE_MAX 256
#define CLIENT_INPUT_BYTES (SFTP_PACKET_MAX + 256u * 1024u)

struct handle {
	uint8_t bytes[CLIENT_HANDLE_MAX];
	size_t len;
};

/* One request in flight, and what a job remembers between that one and the next. */
struct slot {
	uint32_t id; /* of the request in flight; 0: none */
	uint8_t head[CLIENT_HEAD_MAX];
	size_t head_len;
	const uint8_t *data; /* of a WRITE; borrowed until the reply */
	size_t data_len;
	/* The job's own. */
	uint64_t item;
	uint32_t done;
	unsigned stage;
	struct handle handle;
};

/* A reply's fields after its id; borrowed until the next call of client_receive. */
struct reply {
	uint8_t type;
	struct wire_reader body;
};

struct client {
	struct server_process server;
	bool running;
	uint8_t *input; /* CLIENT_INPUT_BYTES, mapped twice; owned */
	size_t input_at, input_used;
	struct slot slots[CLIENT_SLOTS];
	unsigned queue[CLIENT_SLOTS]; /* slots whose request is still to be sent: a ring */
	unsigned queue_first, queue_used;
	size_t queue_sent; /* bytes of the first one */
	unsigned busy;     /* slots in flight */
	uint32_t serial;
	char said[256];                            /* the last of its standard error */
	uint8_t extensions[CLIENT_EXTENSIONS_MAX]; /* of VERSION */
	size_t extensions_len;
	char problem[PROBLEM_MAX];
};

/* Starts the server and waits for its VERSION. */
int client_start(struct client *client, struct bench *bench, const struct side *side);

/* Ends the session, by the end of input, and waits for the server, which must exit with 0.  *cpu is
 * added to. */
int client_finish(struct client *client, double *cpu);

/* After a failure: kills the server if it still runs.  Frees; may be called after client_finish. */
void client_abandon(struct client *client);

/* Passes on rc; when it is a failure, hands its reason to the bench and ends the session. */
int client_result(struct client *client, struct bench *bench, const struct side *side, int rc);

bool client_announced(const struct client *client, const char *extension);

/* Notes why something failed, once, and returns -EIO. */
int client_fail(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Begins a request in an idle slot: length, type and id.  Fields are then put by wire_put_...; data
 * of a WRITE comes last, by request_data. */
struct wire_writer request_begin(struct client *client, struct slot *slot, uint8_t type);
void request_data(struct wire_writer *writer, struct slot *slot, const uint8_t *data, uint32_t len);
int request_send(struct client *client, struct slot *slot, struct wire_writer *writer);

/* Waits for one reply, whichever; its slot is idle then. */
int client_receive(struct client *client, struct slot **slot, struct reply *reply);

/* Work that keeps slots in flight.  step is called for an idle slot, with reply NULL at first and
 * with each reply from then on.  It sends the slot's next request, or nothing when there is no more
 * to do.  Returns 0 or a negative errno. */
struct job {
	int (*step)(struct client *client, struct slot *slot, struct reply *reply, void *context);
	void *context;
	unsigned in_flight; /* at most CLIENT_SLOTS */
};

int client_run(struct client *client, const struct job *job);

#endif
