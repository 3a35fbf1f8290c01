/* util: whole numbers in text, as /proc and the names of files have them.  Plain loops: printf(3) and
 * strtoull(3) pull several pages of the library in, which each session's start would pay for. */
#ifndef SD_UTIL_DECIMAL_H
#define SD_UTIL_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

/* Room for any uint64_t and a NUL. */
#define DECIMAL_MAX 21

/* Writes value and a NUL.  Returns where the NUL is. */
char *decimal_put(uint64_t value, char out[DECIMAL_MAX]);

/* Reads the digits at *text, at least one, and no zero before another digit; leaves *text behind
 * them.  Returns false, with both unchanged, when there are none or the number is above max. */
bool decimal_take(const char **text, uint64_t max, uint64_t *value);

#endif
