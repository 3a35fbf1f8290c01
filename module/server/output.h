/* server: what goes to the client: replies from a ring, and pages of files behind them. */
#ifndef SD_SERVER_OUTPUT_H
#define SD_SERVER_OUTPUT_H

#include "server/nap.h"
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
	/* Large READs are answered with pages of the file, which wait in a pipe of our own.  They go out
	 * behind the ring's first bytes, and before the rest of it. */
	bool is_pipe;
	int pages[2]; /* the pipe; -1: none */
	size_t paged; /* bytes in it */
	size_t ahead; /* bytes of the ring that go first, when there are any in the pipe */
	size_t slots_used,
	    slots; /* a pipe's room is counted in slots, each of a page or a part of one */
	/* One page, from which headers go into that pipe by reference: no byte of it is written twice. */
	uint8_t *heads;
	size_t heads_used;
	uint64_t sent_bytes, pages_end; /* bytes of all; up to the last that were pages */
	uint32_t size; /* of the client's pipe, while there is one for pages; else 0 */
	struct nap nap;
};

/* Sends to fd, which stays the caller's and is non-blocking.  Returns 0 or a negative errno;
 * output_free is due after 0. */
int output_init(struct output *output, int fd);
void output_free(struct output *output);

/* Sends what can be sent without waiting. */
void output_send(struct output *output);

/* For how long the pipe need not be looked at: it was full, and its reader has enough to do; 0: not, or no
 * longer. */
uint64_t output_nap_ns(const struct output *output);

/* From here on nobody reads. */
void output_break(struct output *output);

/* Bytes that wait. */
static inline size_t output_waiting(const struct output *output)
{
	return output->ring.used + output->paged;
}

/* Gives the output a pipe for pages that holds about len bytes; 0 takes it away, with what is in it.
 * Without one, output_add_pages adds nothing. */
void output_set_pages(struct output *output, size_t len);

/* Adds header_len bytes and then exactly len bytes of file from offset on, as pages of the page cache
 * and without copying them; what changes in the file shows in pages that the client has not taken yet
 * (output_shares_pages).  Returns 1; -EAGAIN when the output has to be sent first; 0 when nothing was
 * added, for the file has not so many bytes there, though what is added next may have another place in
 * the ring; -ENOTSUP when nothing was added, for this file or this output has no pages. */
int output_add_pages(struct output *output, const void *header, size_t header_len, int file,
    uint64_t offset, size_t len);

/* How much of what was sent still waits in the pipe for sshd, which takes it off as the client's window
 * allows. */
uint64_t output_untaken_bytes(const struct output *output);

/* How much of all that was sent has been taken off the pipe, by sshd for the client: grows while the
 * client receives. */
uint64_t output_taken_bytes(const struct output *output);

/* Whether the client may not yet have taken all pages, so that a change to the file they are of would
 * show in them. */
bool output_shares_pages(const struct output *output);

#endif
