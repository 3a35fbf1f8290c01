/* table: open-file-description locks on single bytes (fcntl(2), F_OFD_SETLK).  Nothing else. */
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

/* Gives up this description's lock on the byte. */
void lock_drop(int fd, off_t at);

/* Whether a write lock on any of len bytes from at would be refused; if so *where is the first byte
 * that is held.  where may be NULL.  Works on descriptors opened for reading only.  Returns 1, 0 or
 * a negative errno. */
int lock_is_held(int fd, off_t at, off_t len, off_t *where);

#endif
