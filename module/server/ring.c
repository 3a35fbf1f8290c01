/* server: a ring of bytes whose content is always contiguous. */
#include "server/ring.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

int ring_init(struct ring *ring, size_t size)
{
	int fd = memfd_create("sftp-ring", MFD_CLOEXEC);
	int rc = 0;
	uint8_t *base;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) != 0) {
		rc = -errno;
		goto out;
	}
	/* One reservation of twice the size, so that nothing else can come to lie in between. */
	base = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED) {
		rc = -errno;
		goto out;
	}
	for (int half = 0; half < 2; half++) {
		if (mmap(base + (size_t)half * size, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
			rc = -errno;
			munmap(base, 2 * size);
			goto out;
		}
	}
	*ring = (struct ring){.base = base, .size = size};
out:
	close(fd);
	return rc;
}

void ring_free(struct ring *ring)
{
	if (ring->base != NULL)
		munmap(ring->base, 2 * ring->size);
	*ring = (struct ring){.base = NULL};
}
