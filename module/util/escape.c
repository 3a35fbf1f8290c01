/* util: text from elsewhere made safe to print.  No I/O, no allocation. */
#include "util/escape.h"

#include <stdbool.h>

/* Length of the well-formed UTF-8 sequence at in (2 to 4), or 0 (RFC 3629 section 4). */
static size_t utf8_length(const unsigned char *in, size_t len)
{
	unsigned char lowest = 0x80, highest = 0xbf;
	size_t want;

	if (in[0] >= 0xc2 && in[0] <= 0xdf)
		want = 2;
	else if (in[0] >= 0xe0 && in[0] <= 0xef)
		want = 3;
	else if (in[0] >= 0xf0 && in[0] <= 0xf4)
		want = 4;
	else
		return 0;
	if (in[0] == 0xe0)
		lowest = 0xa0;
	else if (in[0] == 0xed)
		highest = 0x9f;
	else if (in[0] == 0xf0)
		lowest = 0x90;
	else if (in[0] == 0xf4)
		highest = 0x8f;
	if (len < want || in[1] < lowest || in[1] > highest)
		return 0;
	for (size_t i = 2; i < want; i++) {
		if (in[i] < 0x80 || in[i] > 0xbf)
			return 0;
	}
	return want;
}

static bool plain_byte(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '\\' && c != '"';
}

char *escape_text(const char *in, size_t in_len, char *out, size_t out_len)
{
	const unsigned char *from = (const unsigned char *)in;
	size_t used = 0;

	for (size_t i = 0; i < in_len && from[i] != '\0';) {
		size_t run = plain_byte(from[i]) ? 1 : utf8_length(from + i, in_len - i);
		bool c1 = run == 2 && from[i] == 0xc2 && from[i + 1] < 0xa0;

		if (run > 0 && !c1) {
			if (used + run >= out_len)
				break;
			while (run-- > 0)
				out[used++] = (char)from[i++];
			continue;
		}
		if (used + ESCAPE_GROWTH >= out_len)
			break;
		out[used++] = '\\';
		out[used++] = (char)('0' + (from[i] >> 6));
		out[used++] = (char)('0' + ((from[i] >> 3) & 7));
		out[used++] = (char)('0' + (from[i] & 7));
		i++;
	}
	out[used] = '\0';
	return out;
}
