/* server: a ring of bytes whose content is always contiguous: its memory is mapped twice, end to
 * end, so that a packet never wraps.  No I/O on descriptors of others. */
#ifndef SD_SERVER_RING_H
#define SD_SERVER_RING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ring {
	uint8_t *base;
	size_t size;
	size_t head; /* of the first byte in use; below size */
	size_t used;
};

/* Maps a ring of size bytes, a multiple of the page size.  Pages take memory when they are first
 * written.  Returns 0 or a negative errno; ring_free releases it. */
int ring_init(struct ring *ring, size_t size);
void ring_free(struct ring *ring);

/* Bytes that can be added. */
static inline size_t ring_room(const struct ring *ring)
{
	return ring->size - ring->used;
}

/* The bytes in use, ring->used of them. */
static inline uint8_t *ring_begin(const struct ring *ring)
{
	return ring->base + ring->head;
}

/* Where to add bytes, ring_room of them; then ring_added says how many were. */
static inline uint8_t *ring_end(const struct ring *ring)
{
	return ring->base + ring->head + ring->used;
}

static inline void ring_added(struct ring *ring, size_t len)
{
	ring->used += len;
}

/* Takes len bytes from the beginning.  An empty ring starts again at its first page, so that a
 * quiet session keeps touching the same few. */
static inline void ring_taken(struct ring *ring, size_t len)
{
	ring->used -= len;
	ring->head += len;
	if (ring->used == 0)
		ring->head = 0;
	else if (ring->head >= ring->size)
		ring->head -= ring->size;
}

/* Takes back the len bytes that were added last. */
static inline void ring_dropped(struct ring *ring, size_t len)
{
	ring->used -= len;
}

/* Moves the bytes in use to the ring's first pages, which the processor still has in its cache, unless
 * they are more than limit or lie there in part already. */
static inline void ring_rewind(struct ring *ring, size_t limit)
{
	if (ring->used > limit || ring->used > ring->head || ring->head + ring->used > ring->size)
		return;
	memcpy(ring->base, ring_begin(ring), ring->used);
	ring->head = 0;
}

#endif
