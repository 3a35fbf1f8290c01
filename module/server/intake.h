/* server: what the client has sent, kept until it is carried out. */
#ifndef SD_SERVER_INTAKE_H
#define SD_SERVER_INTAKE_H

#include "server/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intake {
	int fd;
	struct ring ring;
	bool is_pipe; /* so that an empty one can be waited for in read(2), without poll(2) first */
	bool readable; /* as far as is known: read(2) will not wait */
	bool ended;    /* nothing more will be received */
	bool closing;  /* intake_close has been called: left is what it counted */
	size_t left;
	uint64_t received_bytes;
	int error; /* negative errno that ended it, or 0 */
};

/* Takes input from fd, which stays the caller's.  Returns 0 or a negative errno; intake_free is due
 * after 0. */
int intake_init(struct intake *intake, int fd);
void intake_free(struct intake *intake);

/* Reads once, where that cannot wait; or, when may_wait is set and it is a pipe, waits there for
 * input or a signal. */
void intake_receive(struct intake *intake, bool may_wait);

/* From here on only what has been received already is taken: what stands in the pipe or socket. */
void intake_close(struct intake *intake);

/* Nothing more is wanted, not even what is there. */
void intake_drop(struct intake *intake);

/* Whether there is room to receive into, and something may come. */
static inline bool intake_wants(const struct intake *intake)
{
	return !intake->ended && ring_room(&intake->ring) > 0;
}

#endif
