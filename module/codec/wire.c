/* codec: reading and writing wire bytes, never beyond what is there.  No I/O, no allocation. */
#include "codec/wire.h"

#include <endian.h>
#include <string.h>

/* The next len bytes, or NULL and failed. */
static const uint8_t *take(struct wire_reader *reader, size_t len)
{
	const uint8_t *at = reader->data + reader->at;

	if (reader->failed || len > reader->len - reader->at) {
		reader->failed = true;
		return NULL;
	}
	reader->at += len;
	return at;
}

uint32_t wire_peek_u32(const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return be32toh(value);
}

uint8_t wire_get_u8(struct wire_reader *reader)
{
	const uint8_t *at = take(reader, 1);

	return at == NULL ? 0 : *at;
}

uint32_t wire_get_u32(struct wire_reader *reader)
{
	const uint8_t *at = take(reader, 4);

	return at == NULL ? 0 : wire_peek_u32(at);
}

uint64_t wire_get_u64(struct wire_reader *reader)
{
	const uint8_t *at = take(reader, 8);
	uint64_t value;

	if (at == NULL)
		return 0;
	memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

struct wire_span wire_get_string(struct wire_reader *reader)
{
	uint32_t len = wire_get_u32(reader);
	const uint8_t *at = take(reader, len);

	return (struct wire_span){.data = at, .len = at == NULL ? 0 : len};
}

size_t wire_left(const struct wire_reader *reader)
{
	return reader->len - reader->at;
}

/* Room for len bytes, or NULL and failed. */
static uint8_t *claim(struct wire_writer *writer, size_t len)
{
	uint8_t *at = writer->data + writer->at;

	if (writer->failed || len > writer->cap - writer->at) {
		writer->failed = true;
		return NULL;
	}
	writer->at += len;
	return at;
}

void wire_put_u8(struct wire_writer *writer, uint8_t value)
{
	uint8_t *at = claim(writer, 1);

	if (at != NULL)
		*at = value;
}

void wire_put_u32(struct wire_writer *writer, uint32_t value)
{
	uint8_t *at = claim(writer, 4);

	value = htobe32(value);
	if (at != NULL)
		memcpy(at, &value, sizeof(value));
}

void wire_put_u64(struct wire_writer *writer, uint64_t value)
{
	uint8_t *at = claim(writer, 8);

	value = htobe64(value);
	if (at != NULL)
		memcpy(at, &value, sizeof(value));
}

void wire_put_string(struct wire_writer *writer, const void *data, size_t len)
{
	uint8_t *at;

	wire_put_u32(writer, (uint32_t)len);
	at = claim(writer, len);
	if (at != NULL && len > 0)
		memcpy(at, data, len);
}

void wire_put_text(struct wire_writer *writer, const char *text)
{
	wire_put_string(writer, text, strlen(text));
}

void wire_patch_u32(struct wire_writer *writer, size_t at, uint32_t value)
{
	value = htobe32(value);
	if (!writer->failed && at + sizeof(value) <= writer->at)
		memcpy(writer->data + at, &value, sizeof(value));
}
