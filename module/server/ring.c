/* server: bytes that wait their turn. */
#include "server/ring.h"

#include <errno.h>
#include <sys/mman.h>

/* Else the first byte could take a huge page, and the time that it takes to clear it. */
static void forbid_huge_pages(const struct ring *ring)
{
	if (ring->size > RING_SMALL)
		(void)madvise(ring->base, 2 * ring->size, MADV_NOHUGEPAGE);
}

int ring_init(struct ring *ring, size_t size)
{
	uint8_t *base = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return -errno;
	*ring = (struct ring){.base = base, .size = size};
	forbid_huge_pages(ring);
	return 0;
}

void ring_free(struct ring *ring)
{
	if (ring->base != NULL)
		munmap(ring->base, 2 * ring->size);
	*ring = (struct ring){.base = NULL};
}

int ring_resize(struct ring *ring, size_t size)
{
	uint8_t *base;

	if (size < ring->used)
		return -EINVAL;
	ring_rewind(ring);
	base = mremap(ring->base, 2 * ring->size, 2 * size, MREMAP_MAYMOVE);
	if (base == MAP_FAILED)
		return -errno;
	ring->base = base;
	ring->size = size;
	forbid_huge_pages(ring);
	return 0;
}
