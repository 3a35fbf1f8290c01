/* tests: the content of test files, a stream of bytes that follows from a seed, so that any part of
 * any file can be checked without a copy of it.  Never does I/O. */
#ifndef SD_TESTS_STREAM_H
#define SD_TESTS_STREAM_H

#include <stddef.h>
#include <stdint.h>

/* Writes to out the len bytes that stand at offset in the stream of seed. */
void stream_fill(uint64_t seed, uint64_t offset, unsigned char *out, size_t len);

/* How many of the len bytes of in agree with the stream of seed at offset, from the first on. */
size_t stream_match(uint64_t seed, uint64_t offset, const unsigned char *in, size_t len);

#endif
