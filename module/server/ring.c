/* server: bytes that wait their turn. */
#include "server/ring.h"

#include <errno.h>
#include <sys/mman.h>

int ring_init(struct ring *ring, size_t size)
{
	uint8_t *base = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return -errno;
	/* Else the first byte could take two megabytes. */
	(void)madvise(base, 2 * size, MADV_NOHUGEPAGE);
	*ring = (struct ring){.base = base, .size = size};
	return 0;
}

void ring_free(struct ring *ring)
{
	if (ring->base != NULL)
		munmap(ring->base, 2 * ring->size);
	*ring = (struct ring){.base = NULL};
}

void ring_trim(struct ring *ring, size_t keep)
{
	if (ring->used > 0 || ring->high <= keep)
		return;
	(void)madvise(ring->base + keep, ring->high - keep, MADV_DONTNEED);
	ring->high = keep;
}
