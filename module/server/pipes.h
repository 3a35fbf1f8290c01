/* server: how large this session's pipes are: larger while bulk data moves. */
#ifndef SD_SERVER_PIPES_H
#define SD_SERVER_PIPES_H

#include "server/output.h"
#include "server/session.h"
#include "table/pipe_share.h"

#include <stdbool.h>
#include <stdint.h>

enum pipes_way {
	PIPES_NONE,
	PIPES_IN,  /* the client writes */
	PIPES_OUT, /* the client reads */
};

struct pipes {
	struct session *session;
	struct output *output;
	int in;
	struct pipe_share share;
	enum pipes_way grown; /* the way that the share is used for */
	int usual_bytes;      /* of that pipe, before */
	uint64_t moved_ns;    /* when bulk data last moved that way */
	uint64_t asked_ns;    /* when a share was last asked for */
	uint64_t patience_ns; /* how long it may rest */
};

/* Nothing is changed yet. */
void pipes_init(struct pipes *pipes, struct session *session, int in, struct output *output);

/* Bulk data moves that way: enlarges the pipe when this session can have a share. */
void pipes_moved(struct pipes *pipes, enum pipes_way way, uint64_t now_ns);

/* Whether one is larger than it was. */
static inline bool pipes_are_large(const struct pipes *pipes)
{
	return pipes->grown != PIPES_NONE;
}

/* Makes the pipes as they were when nothing has moved for a second, and gives the share back.  Returns
 * when it is due to be called again, UINT64_MAX: it need not be. */
uint64_t pipes_rest(struct pipes *pipes, uint64_t now_ns);

/* The same at once. */
void pipes_end(struct pipes *pipes);

#endif
