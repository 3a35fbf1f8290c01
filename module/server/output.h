/* server: what goes to the client: replies from a ring, and pages of files behind them. */
#ifndef SD_SERVER_OUTPUT_H
#define SD_SERVER_OUTPUT_H

#include "server/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct output {
	int fd;
	struct ring ring;
	bool can_write; /* as far as is known: tried before it is asked for */
	bool broken;    /* nobody reads: what is added is dropped */
	bool sent;      /* some was taken since the engine looked last */
	/* The pages of a READ go through a pipe of our own, so that their number is known before the
	 * reply's header is made; from there they move to fd behind all that is in the ring. */
	bool is_pipe;
	int pages[2];                   /* -1: none */
	size_t pages_max;               /* what the pipe holds, at any alignment */
	size_t paged;                   /* bytes in it, to be sent after the ring's */
	uint64_t sent_bytes, pages_end; /* of all; up to the last that were pages */
};

/* Sends to fd, which stays the caller's and is non-blocking.  Returns 0 or a negative errno;
 * output_free is due after 0. */
int output_init(struct output *output, int fd);
void output_free(struct output *output);

/* Sends what can be sent without waiting. */
void output_send(struct output *output);

/* From here on nobody reads. */
void output_break(struct output *output);

/* Bytes that wait. */
static inline size_t output_waiting(const struct output *output)
{
	return output->ring.used + output->paged;
}

/* Gives the output a pipe for pages that holds about len bytes; 0 takes it away (it must be empty).  Without one, output_take_pages
 * takes none. */
void output_set_pages(struct output *output, size_t len);

/* Whether output_take_pages would take len bytes. */
static inline bool output_takes_pages(const struct output *output, size_t len)
{
	return output->paged == 0 && len <= output->pages_max;
}

/* Takes up to len bytes of file at offset, as pages of the page cache, without copying them.  Returns
 * how many there are, 0 at the end of the file, or a negative errno, -EINVAL when this file has no
 * such pages.  The caller then adds the header to the ring, and nothing else until they are sent.
 * What is changed in the file shows in pages that the client has not taken yet: see
 * output_shares_pages. */
ssize_t output_take_pages(struct output *output, int file, uint64_t offset, size_t len);

/* Whether the client may not yet have taken all pages, so that a change to the file they are of would
 * show in them. */
bool output_shares_pages(const struct output *output);

#endif
