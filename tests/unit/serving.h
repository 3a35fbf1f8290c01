/* unit tests: one server in this process, asked packet by packet in a scratch directory. */
#ifndef SD_TESTS_SERVING_H
#define SD_TESTS_SERVING_H

#include "packet.h"
#include "scratch.h"
#include "server/server.h"
#include "server/session.h"

/* The server, its session (which is alone) and its options, for tests to look at and to bend. */
extern struct server serving;
extern struct session serving_session;
extern struct options serving_options;

/* Makes the scratch directory and goes there; a server that has had its INIT. */
void serving_start(void);
void serving_stop(void);

/* A server that has not had its INIT, in the directory that is the current one. */
void serving_make(void);

/* The last reply, its length field taken off. */
extern struct packet serving_reply;

/* Sends a packet as it is.  Returns what dispatch_packet does; a reply is checked to be one whole
 * packet. */
int serving_send(const struct packet *packet);

/* Sends a request, with the fields as packet_add takes them and an id that no other has. */
void ask(enum sftp_type type, const char *shape, ...);
void ask_extended(const char *name, const char *shape, ...);

/* Whether the last reply has the last request's id and exactly these fields. */
bool replied(enum sftp_type type, const char *shape, ...);
bool replied_status(enum sftp_status status, const char *text);
bool replied_ok(void);
bool replied_errno(int error, enum sftp_status status);

/* Whether it is ATTRS of exactly that file. */
bool replied_attrs(const struct stat *st);

/* A handle's bytes, to be sent as "x" and two arguments. */
struct handle_text {
	uint8_t bytes[HANDLE_BYTES];
};
#define HANDLE_FIELD(text) (const void *)(text).bytes, sizeof((text).bytes)

/* The handle that the last reply must have brought. */
struct handle_text replied_handle(void);

struct handle_text open_file(const char *name, uint32_t flags);
struct handle_text open_directory(const char *name);

#endif
