/* util: text from elsewhere made safe to print.  No I/O, no allocation. */
#ifndef SD_UTIL_ESCAPE_H
#define SD_UTIL_ESCAPE_H

#include <stddef.h>

/* Bytes that one byte of input can become. */
#define ESCAPE_GROWTH 4

/* Copies at most in_len bytes of in (ending earlier at a NUL) to out, of out_len bytes, NUL
 * included; out_len must be at least 1.  A control character, DEL, a backslash and a double quote
 * become \ooo (three octal digits, as vis(3) VIS_OCTAL writes them), so that no name can forge a
 * log line or drive a terminal.  Well-formed UTF-8 passes, for names, but for the C1 controls,
 * which are escaped; so is each byte of 0x80 and above that is not part of well-formed UTF-8.  What
 * does not fit is cut at a whole character or escape.  Returns out. */
char *escape_text(const char *in, size_t in_len, char *out, size_t out_len);

#endif
