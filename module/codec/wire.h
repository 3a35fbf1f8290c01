/* codec: the one type that touches wire bytes, in two directions.  No I/O, no allocation.
 * Integers are big-endian; a string is a 32-bit length and that many bytes (RFC 4251 section 5). */
#ifndef SD_CODEC_WIRE_H
#define SD_CODEC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else. */
struct wire_span {
	const uint8_t *data;
	size_t len;
};

/* Reads from len bytes at data.  The first read past the end sets failed, and from then on every
 * read gives zeroes, so that a whole message is parsed and then asked once. */
struct wire_reader {
	const uint8_t *data;
	size_t len;
	size_t at;
	bool failed;
};

uint8_t wire_get_u8(struct wire_reader *reader);
uint32_t wire_get_u32(struct wire_reader *reader);
uint64_t wire_get_u64(struct wire_reader *reader);
/* The string's bytes, borrowed from the reader's. */
struct wire_span wire_get_string(struct wire_reader *reader);
/* Bytes not read yet. */
size_t wire_left(const struct wire_reader *reader);

/* Writes into cap bytes at data, never beyond.  The first write that does not fit sets failed and
 * nothing is written from then on. */
struct wire_writer {
	uint8_t *data;
	size_t cap;
	size_t at;
	bool failed;
};

void wire_put_u8(struct wire_writer *writer, uint8_t value);
void wire_put_u32(struct wire_writer *writer, uint32_t value);
void wire_put_u64(struct wire_writer *writer, uint64_t value);
void wire_put_string(struct wire_writer *writer, const void *data, size_t len);
/* A NUL-terminated string, the NUL not written. */
void wire_put_text(struct wire_writer *writer, const char *text);
/* Overwrites the 32-bit integer at a place that has been written already. */
void wire_patch_u32(struct wire_writer *writer, size_t at, uint32_t value);

/* The 32-bit integer at four bytes that are known to be there. */
uint32_t wire_peek_u32(const uint8_t *data);

#endif
