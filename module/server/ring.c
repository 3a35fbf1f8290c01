/* server: a ring of bytes whose content is always contiguous. */
#include "server/ring.h"

#include <errno.h>
#include <sys/mman.h>

int ring_init(struct ring *ring, size_t size)
{
	/* One reservation of twice the size, so that nothing else can come to lie in between. */
	uint8_t *base =
	    mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int rc;

	if (base == MAP_FAILED)
		return -errno;
	/* Shared memory of no file, for a file has limits of its own (RLIMIT_FSIZE).  An old size of
	 * nothing asks for a second mapping of the same pages (mremap(2)). */
	if (mmap(base, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
		0) == MAP_FAILED ||
	    mremap(base, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, base + size) == MAP_FAILED) {
		rc = -errno;
		munmap(base, 2 * size);
		return rc;
	}
	*ring = (struct ring){.base = base, .size = size};
	return 0;
}

void ring_free(struct ring *ring)
{
	if (ring->base != NULL)
		munmap(ring->base, 2 * ring->size);
	*ring = (struct ring){.base = NULL};
}
