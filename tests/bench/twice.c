/* bench: memory that stands at two places, one behind the other. */
#include "twice.h"

#include <sys/mman.h>
#include <unistd.h>

uint8_t *twice_map(size_t size)
{
	int fd = memfd_create("bench-input", MFD_CLOEXEC);
	uint8_t *base = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (ftruncate(fd, (off_t)size) == 0)
		base = mmap(
		    NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (size_t at = 0; base != MAP_FAILED && at < 2 * size; at += size) {
		if (mmap(base + at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED) {
			munmap(base, 2 * size);
			base = MAP_FAILED;
		}
	}
	close(fd);
	return base == MAP_FAILED ? NULL : base;
}

void twice_free(uint8_t *base, size_t size)
{
	if (base != NULL)
		munmap(base, 2 * size);
}
