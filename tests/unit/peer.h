/* unit tests: a client at one end of a pipe, and a child that runs the engine at the other. */
#ifndef SD_TESTS_PEER_H
#define SD_TESTS_PEER_H

#include "packet.h"
#include "server/engine.h"
#include "server/options.h"

#include <stdbool.h>
#include <sys/types.h>

enum peer_channel {
	PEER_PIPES,
	PEER_SOCKET,
};

/* How the child's session went. */
struct peer_result {
	int rc; /* of engine_run */
	struct engine_result engine;
	bool refused;
	uint32_t open_handles; /* that it left */
};

struct peer {
	pid_t pid;
	int to, from;               /* -1: closed */
	struct peer_result *result; /* shared with the child */
};

/* Options of a session that uses the scratch table (table_scratch.h) and no configuration; no variable says
 * that it is on a connection. */
struct options peer_options(void);

/* Starts the child in the current directory, with a session that is alone or, when options are
 * given, one that session_join makes. */
void peer_start(struct peer *peer, enum peer_channel channel, const struct options *options);

/* Sends INIT and takes the VERSION. */
void peer_init(struct peer *peer);

/* Adds a request as it goes over the wire, its length in front; or sends one. */
void peer_add(struct packet *stream, enum sftp_type type, uint32_t id, const char *shape, ...);
void peer_request(struct peer *peer, enum sftp_type type, uint32_t id, const char *shape, ...);
void peer_send(struct peer *peer, const void *bytes, size_t len);

/* Takes the next reply, without its length; false at the end of the stream. */
bool peer_receive(struct peer *peer, struct packet *reply);

/* Whether the next reply is exactly this; or a STATUS with that code, whatever its text. */
bool peer_replied(struct peer *peer, enum sftp_type type, uint32_t id, const char *shape, ...);
bool peer_replied_code(struct peer *peer, uint32_t id, enum sftp_status status);

/* Takes a HANDLE reply with that id. */
struct peer_handle {
	uint8_t bytes[8];
};
struct peer_handle peer_take_handle(struct peer *peer, uint32_t id);
#define PEER_HANDLE(handle) (const void *)(handle).bytes, sizeof((handle).bytes)

/* Stops the child and returns once it stands still; lets it go on. */
void peer_stop(struct peer *peer);
void peer_continue(struct peer *peer);

/* Returns once the child has taken all that was sent. */
void peer_wait_taken(const struct peer *peer);

/* What the child has used of the processor. */
uint64_t peer_used_ns(const struct peer *peer);

void peer_close_to(struct peer *peer);
void peer_close_from(struct peer *peer);

/* Whether the stream of replies is at its end. */
bool peer_ended(struct peer *peer);

/* Waits for the child's exit, of its own accord.  Closes both ends. */
struct peer_result peer_finish(struct peer *peer);

#endif
