/* table: locks on single bytes, of open file descriptions but for one (fcntl(2)).  Nothing else. */
#ifndef SD_TABLE_LOCK_H
#define SD_TABLE_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum lock_kind {
	LOCK_SHARED,
	LOCK_EXCLUSIVE,
};

/* Takes the lock on one byte, or converts the one that this description holds there, without
 * waiting.  A conversion that is refused leaves the old lock in place.  Returns 0, -EAGAIN when
 * another description's lock is in the way, or another negative errno. */
int lock_try(int fd, off_t at, enum lock_kind kind);

/* As lock_try, again and again until limit_ns have passed.  Returns -ETIMEDOUT then.  (F_OFD_SETLKW
 * could wait for ever behind a stopped process.) */
int lock_wait(int fd, off_t at, enum lock_kind kind, uint64_t limit_ns);

/* Waits for the write lock on one byte, for ever, or until a signal is handled: -EINTR.  While it waits
 * it is in nobody's way. */
int lock_wait_exclusive(int fd, off_t at);

/* The write lock on one byte that belongs to the process, not to the description (F_SETLK): no child
 * inherits it, and it is gone when the process closes any descriptor of the file.  Returns as
 * lock_try.  lock_drop_own gives it up. */
int lock_try_own(int fd, off_t at);
void lock_drop_own(int fd, off_t at);

/* The process that holds the byte by lock_try_own, as the kernel says; 0 when there is none, or it cannot
 * be seen from here. */
pid_t lock_owner(int fd, off_t at);

/* Takes the write lock on the first of count bytes from first on that nobody holds.  Returns its place,
 * -EAGAIN when all are held, or another negative errno. */
off_t lock_take_one(int fd, off_t first, uint32_t count);

/* Gives up this description's lock on the byte. */
void lock_drop(int fd, off_t at);

/* Whether a write lock on any of len bytes from at would be refused; if so *where is the first byte
 * that is held.  where may be NULL.  Works on descriptors opened for reading only.  Returns 1, 0 or
 * a negative errno. */
int lock_is_held(int fd, off_t at, off_t len, off_t *where);

#endif
