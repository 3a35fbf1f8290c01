/* bench: the content of every file, known without reading it.  Never does I/O. */
#include "content.h"

#include <string.h>

#define PERIOD 65521u

static uint8_t stream[PERIOD + CONTENT_PIECE_MAX];

uint64_t content_random(uint64_t index)
{
	uint64_t word = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
	return word ^ word >> 31;
}

void content_init(void)
{
	for (size_t i = 0; i < sizeof(stream); i++)
		stream[i] = (uint8_t)content_random(i % PERIOD);
}

const uint8_t *content_at(uint64_t position)
{
	return stream + position % PERIOD;
}

bool content_matches(uint64_t position, const uint8_t *data, size_t len)
{
	return len <= CONTENT_PIECE_MAX && memcmp(content_at(position), data, len) == 0;
}
