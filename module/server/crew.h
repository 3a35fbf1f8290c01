/* server: threads that carry out requests on file systems that take their time: one across a network
 * answers many at a time, and meanwhile the session can receive.  Replies are handed back in the order of
 * the requests. */
#ifndef SD_SERVER_CREW_H
#define SD_SERVER_CREW_H

#include "server/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One request and what became of it. */
struct crew_job {
	struct reply reply;
	int rc;           /* of dispatch_carry_out */
	size_t reply_len; /* bytes at out */
	uint64_t took_ns;
	/* The crew's own. */
	bool done;
	size_t packet_len;
	struct request request;
	uint8_t *packet; /* a copy */
	uint8_t out[];
};

struct crew;

/* A crew without threads yet.  NULL: no memory, or no descriptor.  crew_free waits for what is being
 * carried out, and frees what has not been collected. */
struct crew *crew_new(struct server *server);
void crew_free(struct crew *crew);

/* Readable when the oldest job may be done; crew_oldest makes it unreadable. */
int crew_fd(const struct crew *crew);

/* Hands a request over; packet is copied.  Several at a time only when each is one that changes nothing
 * (dispatch_is_pure): another must be alone, and while it is carried out the session itself must not touch
 * what operations use.  Returns 0, -EAGAIN when the crew has enough
 * to do, or another negative errno; the request is still the caller's then. */
int crew_submit(struct crew *crew, const uint8_t *packet, size_t len);

/* How many jobs have not been collected. */
size_t crew_jobs(const struct crew *crew);

/* The oldest job when it is done, else NULL.  crew_collect takes it away, and its reply with it. */
const struct crew_job *crew_oldest(struct crew *crew);
void crew_collect(struct crew *crew);

#endif
