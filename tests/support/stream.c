/* tests: the content of test files, a stream of bytes that follows from a seed.  Never does I/O. */
#include "stream.h"

/* SplitMix64 (Steele, Lea, Flood 2014): word number index of a seed's stream, without the words
 * before it. */
static uint64_t word_at(uint64_t seed, uint64_t index)
{
	uint64_t word = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
	return word ^ word >> 31;
}

void stream_fill(uint64_t seed, uint64_t offset, unsigned char *out, size_t len)
{
	uint64_t word = word_at(seed, offset / 8);

	for (size_t i = 0; i < len; i++, offset++) {
		if (offset % 8 == 0)
			word = word_at(seed, offset / 8);
		out[i] = (unsigned char)(word >> offset % 8 * 8);
	}
}

size_t stream_match(uint64_t seed, uint64_t offset, const unsigned char *in, size_t len)
{
	uint64_t word = word_at(seed, offset / 8);
	size_t i;

	for (i = 0; i < len; i++, offset++) {
		if (offset % 8 == 0)
			word = word_at(seed, offset / 8);
		if (in[i] != (unsigned char)(word >> offset % 8 * 8))
			break;
	}
	return i;
}
