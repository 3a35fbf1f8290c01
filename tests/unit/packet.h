/* unit tests: packets put together byte by byte, on purpose without the codec that they test. */
#ifndef SD_TESTS_PACKET_H
#define SD_TESTS_PACKET_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Larger than the largest packet, so that one that is too large can be made. */
#define PACKET_ROOM (256 * 1024 + 4096)

struct packet {
	size_t len;
	uint8_t bytes[PACKET_ROOM];
};

/* Adds fields at the end, a letter for each:
 *     b byte (int)    u 32 bits (unsigned int)    q 64 bits (uint64_t: mind the literals)
 *     s text as a string    x bytes as a string (const void *, size_t)
 *     r the bytes alone (const void *, size_t) */
void packet_add(struct packet *packet, const char *shape, ...);
void packet_add_list(struct packet *packet, const char *shape, va_list list);

/* Whether both have the same bytes; if not, both are shown. */
bool packet_equals(const struct packet *packet, const struct packet *expected);

/* The 32 bits at a place that must be there. */
uint32_t packet_u32(const struct packet *packet, size_t at);

#endif
