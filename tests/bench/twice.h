/* bench: memory that stands at two places, one behind the other, so that what wraps around its end is
 * still in one piece. */
#ifndef SD_BENCH_TWICE_H
#define SD_BENCH_TWICE_H

#include <stddef.h>
#include <stdint.h>

/* Maps size bytes, a multiple of a page, twice.  Returns NULL without memory; twice_free releases. */
uint8_t *twice_map(size_t size);
void twice_free(uint8_t *base, size_t size);

#endif
