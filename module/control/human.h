/* control: quantities as people read them.  No I/O. */
#ifndef SD_CONTROL_HUMAN_H
#define SD_CONTROL_HUMAN_H

#include <stdint.h>

#define HUMAN_TEXT_MAX 32

/* Writes a number of bytes with three or four digits and a binary unit: "0B", "1023B", "1.5K",
 * "12M". What is below the last digit is cut off.  Returns out. */
char *human_size(uint64_t bytes, char out[HUMAN_TEXT_MAX]);

/* Writes a span of time in its two largest units: "0s", "42s", "4m 10s", "3h", "2d 4h".  What is
 * below is cut off.  Returns out. */
char *human_span(uint64_t ns, char out[HUMAN_TEXT_MAX]);

/* From then to now in nanoseconds; 0 where then is in the future. */
uint64_t human_since(uint64_t then_ns, uint64_t now_ns);

#endif
