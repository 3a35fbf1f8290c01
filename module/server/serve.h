/* server: carries out what the client has sent, in order: by itself, or through a crew. */
#ifndef SD_SERVER_SERVE_H
#define SD_SERVER_SERVE_H

#include "server/crew.h"
#include "server/intake.h"
#include "server/output.h"
#include "server/pace.h"
#include "server/server.h"

#include <stdbool.h>
#include <stdint.h>

struct serve {
	struct server *server;
	struct intake *intake;
	struct output *output;
	struct pace pure, changes; /* of requests that change nothing, and of the others */
	struct crew *crew;         /* NULL until it is needed */
	bool apart;                /* the crew has one request that may change anything */
	bool held; /* the next request waits for the output to be sent or taken, or for the crew */
	bool took_long;  /* the last turn did */
	uint64_t now_ns; /* when the last request had been carried out, or the turn began */
	int status;      /* to exit with, OpenSSH's values */
};

/* Everything is borrowed.  serve_free waits for the crew. */
void serve_init(
    struct serve *serve, struct server *server, struct intake *intake, struct output *output);
void serve_free(struct serve *serve);

/* Carries out requests while their replies fit, up to a batch or for a few milliseconds, and sends
 * replies.  A stream that cannot be trusted further ends the intake. */
void serve_turn(struct serve *serve);

/* Whether another turn would find something to do at once; and whether nothing that has been received is
 * left to do. */
bool serve_has_work(const struct serve *serve);
bool serve_is_done(const struct serve *serve);

/* Whether the crew carries out a request that may change anything: handles, orders seen and all else that
 * operations use are not to be touched before the next turn finds it done. */
static inline bool serve_is_apart(const struct serve *serve)
{
	return serve->apart;
}

/* Whether the crew has requests whose replies come first. */
bool serve_crew_is_busy(const struct serve *serve);

/* Readable when the next turn may find one of them done that there is room for, or the one that is apart;
 * -1: there is nothing to wait for. */
int serve_crew_fd(const struct serve *serve);

#endif
