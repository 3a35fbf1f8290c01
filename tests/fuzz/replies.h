/* fuzzing: what a session has to answer to a stream, and whether it does. */
#ifndef SD_TESTS_REPLIES_H
#define SD_TESTS_REPLIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The requests of a stream, as a session comes to them.  Begins zeroed but for stream and len. */
struct requests {
	const uint8_t *stream;
	size_t len;
	size_t at;          /* of the next packet's length */
	bool initialised;   /* INIT has been there */
	bool bad;           /* the stream goes on with something that is no request */
	const uint8_t *now; /* the packet that requests_next came to, without its length */
	size_t now_len;
	/* Of what replies_check has read: the bytes of files in all replies, and a sum over them. */
	uint64_t data_len, data_sum;
};

/* Goes on to the next request that is to be carried out.  Returns whether there is one. */
bool requests_next(struct requests *requests);

/* Whether bytes, without their length, are an answer in form to the request that was come to.  Adds the
 * data in it. */
bool reply_answers(struct requests *requests, const uint8_t *bytes, size_t len);

/* Reads replies from fd to the end.  Returns NULL when each request was answered, in order, and
 * nothing else came; else what is wrong. */
const char *replies_check(int fd, struct requests *requests);

#endif
