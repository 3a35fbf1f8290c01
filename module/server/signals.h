/* server: the signals that a session minds.  */
#ifndef SD_SERVER_SIGNALS_H
#define SD_SERVER_SIGNALS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Minds SIGTERM, SIGHUP, SIGINT and SIGURG from now on, whatever whoever started us did with them, and
 * ignores SIGPIPE and SIGXFSZ: a broken pipe, or a file at its limit, is seen where it is written.
 * Counts as a wake-up itself.  May be called again. */
void signals_init(void);

/* Names the pipe, by its blocking end, in which the session waits by read(2) and without poll(2); -1:
 * none.  A signal makes it non-blocking, so that a read which had not begun when the signal came
 * returns too, with EAGAIN.  signals_rearm_read makes it blocking again; it comes before the signals
 * are asked for. */
void signals_watch_read(int fd);
void signals_rearm_read(void);

/* poll(2); limit_ns UINT64_MAX waits without limit.  Returns as ppoll(2), -1 with EINTR at a signal,
 * also at one that came before and has not been taken. */
int signals_poll(struct pollfd *fds, nfds_t count, uint64_t limit_ns);

/* Keeps the signals from the calling thread and those that it starts, until they are let through. */
void signals_block(void);
void signals_unblock(void);

/* Whether a signal of the kind has come since the last time it was asked: an end was asked for
 * (SIGTERM, SIGHUP, SIGINT); orders are to be read again (SIGURG). */
bool signals_take_end(void);
bool signals_take_wake(void);

/* Whether signals_take_end would tell of one, which it still does then: for what takes long. */
bool signals_end_waits(void);

#endif
