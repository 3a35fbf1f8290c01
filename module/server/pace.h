/* server: whether the file systems that this session uses are slow.  Pure: no I/O, no clock. */
#ifndef SD_SERVER_PACE_H
#define SD_SERVER_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pace {
	uint64_t average_ns; /* of the last few requests */
	bool slow;
};

/* Notes that a request which changes nothing took took_ns and brought len bytes of a file.  Many bytes
 * take their time on any file system: what they take beyond the first 32 KiB is not counted. */
void pace_note(struct pace *pace, uint64_t took_ns, size_t len);

#endif
