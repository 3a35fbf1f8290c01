/* util: whole numbers in text, as /proc and the names of files have them.  No I/O, no allocation. */
#include "util/decimal.h"

#include <stddef.h>

char *decimal_put(uint64_t value, char out[DECIMAL_MAX])
{
	size_t digits = 1;

	for (uint64_t rest = value; rest > 9; rest /= 10)
		digits++;
	out[digits] = '\0';
	for (size_t i = digits; i > 0; i--) {
		out[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + digits;
}

bool decimal_take(const char **text, uint64_t max, uint64_t *value)
{
	const char *at = *text;
	uint64_t number = 0;

	if (at[0] == '0' && at[1] >= '0' && at[1] <= '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (number > (max - digit) / 10 || digit > max)
			return false;
		number = number * 10 + digit;
	}
	if (at == *text)
		return false;
	*text = at;
	*value = number;
	return true;
}
