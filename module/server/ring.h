/* server: bytes that wait their turn, always in one piece: the memory is twice as long as what may wait, so
 * that they are moved to its beginning only now and then.  No I/O on descriptors of others. */
#ifndef SD_SERVER_RING_H
#define SD_SERVER_RING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ring {
	uint8_t *base;
	size_t size;
	size_t head; /* of the first byte in use; below size */
	size_t used; /* at most size */
};

/* A size of which pages take memory one by one as they are written, without the kernel being asked: twice
 * of it is less than what may become one huge page. */
#define RING_SMALL (1020u << 10)

/* Makes room for size bytes, a multiple of the page size.  Returns 0 or a negative errno; ring_free releases
 * it. */
int ring_init(struct ring *ring, size_t size);
void ring_free(struct ring *ring);

/* Makes room for another number of bytes, at least as many as are in use; what is in use may move.  Returns
 * 0, or a negative errno, and then nothing has changed. */
int ring_resize(struct ring *ring, size_t size);

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

/* Takes back the len bytes that were added last. */
static inline void ring_dropped(struct ring *ring, size_t len)
{
	ring->used -= len;
}

/* Moves the bytes in use to the beginning, whose pages the processor still has in its cache. */
static inline void ring_rewind(struct ring *ring)
{
	memmove(ring->base, ring_begin(ring), ring->used);
	ring->head = 0;
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
		ring_rewind(ring);
}

#endif
