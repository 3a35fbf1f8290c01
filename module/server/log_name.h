/* server: names of clients, made safe for a log line. */
#ifndef SD_SERVER_LOG_NAME_H
#define SD_SERVER_LOG_NAME_H

#include <stddef.h>

/* The name escaped (util/escape.h), cut at a length that a log line can carry.  The text is good
 * until the second call after this one: a line names at most two files.  One thread only. */
const char *log_name(const char *name);

/* The same of len bytes, which may be NULL when there are none. */
const char *log_bytes(const void *bytes, size_t len);

#endif
