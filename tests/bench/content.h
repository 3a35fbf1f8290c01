/* bench: the content of every file, known without reading it.  Never does I/O.
 *
 * A stream of bytes that repeats after a prime number of them, so that comparing it stays in the
 * processor's cache, while two blocks of a file that begin at multiples of a power of two never look
 * the same.  A file's phase is the place in the stream at which it begins. */
#ifndef SD_BENCH_CONTENT_H
#define SD_BENCH_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As much as content_at gives in one piece. */
#define CONTENT_PIECE_MAX (256u * 1024u)

/* To be called once, before the others. */
void content_init(void);

/* CONTENT_PIECE_MAX bytes of the stream from position on; constant. */
const uint8_t *content_at(uint64_t position);

/* Whether len bytes (at most CONTENT_PIECE_MAX) are the stream's at position. */
bool content_matches(uint64_t position, const uint8_t *data, size_t len);

/* A number that follows from index and looks random (SplitMix64). */
uint64_t content_random(uint64_t index);

#endif
