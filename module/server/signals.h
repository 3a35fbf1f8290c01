/* server: the signals that a session minds.  They are delivered only while it waits. */
#ifndef SD_SERVER_SIGNALS_H
#define SD_SERVER_SIGNALS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks SIGTERM, SIGHUP, SIGINT and SIGURG until signals_poll, and ignores SIGPIPE and SIGXFSZ: a
 * broken pipe, or a file at its limit, is seen where it is written.  Counts as a wake-up itself.  May
 * be called again. */
void signals_init(void);

/* poll(2) with those signals let through; limit_ns UINT64_MAX waits without limit.  Returns as
 * ppoll(2), -1 with EINTR after a signal. */
int signals_poll(struct pollfd *fds, nfds_t count, uint64_t limit_ns);

/* Whether a signal of the kind has come since the last time it was asked: an end was asked for
 * (SIGTERM, SIGHUP, SIGINT); orders are to be read again (SIGURG). */
bool signals_take_end(void);
bool signals_take_wake(void);

#endif
