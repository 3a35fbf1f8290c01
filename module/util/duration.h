/* util: durations as people write them ("90s", "5m").  No I/O. */
#ifndef SD_UTIL_DURATION_H
#define SD_UTIL_DURATION_H

#include <stddef.h>
#include <stdint.h>

/* Longest text that duration_format writes, its NUL included. */
#define DURATION_TEXT_MAX 32

/* Reads a whole number followed by ms, s, m, h or d, nothing before, between or after, into *ns.
 * Returns 0, -EINVAL when the text is not of that form, -ERANGE past 10,000 days.  *ns is written
 * only on success. */
int duration_parse(const char *text, uint64_t *ns);

/* Writes ns in the largest unit that gives a whole number ("5m", "1500ms"; "0s" for nothing);
 * what is below a millisecond is cut off.  Returns out. */
char *duration_format(uint64_t ns, char out[DURATION_TEXT_MAX]);

#endif
