/* table: how many sessions a user has at a time (max_sessions).  Never logs or exits.
 *
 * A share is a lock in a file of the user's, for his sessions run as he does: it counts those that
 * cooperate, over all of his connections, and it ends with its holder, however that ends. */
#ifndef SD_TABLE_SESSION_SHARE_H
#define SD_TABLE_SESSION_SHARE_H

#include <stdint.h>

/* Takes one of the caller's first max shares.  Returns a descriptor that holds it and is the caller's to
 * close; -EAGAIN when all are taken; or another negative errno when they cannot be counted. */
int session_share_take(const char *shmdir, uint32_t max);

#endif
