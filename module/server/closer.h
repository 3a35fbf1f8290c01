/* server: ending the connection after the last session: the work of the last one out. */
#ifndef SD_SERVER_CLOSER_H
#define SD_SERVER_CLOSER_H

#include "server/session.h"

#include <stdbool.h>

/* Called by the last one out, which holds the membership's write lock.  When an order or the policy
 * says that the connection is to end, forks a detached child that inherits the lock, waits until
 * the session proper has exited and its replies and exit status have reached the client, makes sure
 * that nothing else uses the connection, and then ends it by SIGTERM to the pinned sshd process.
 * Every wait is bounded.  Returns, in the parent only, whether there is such a child; when there
 * is none, the caller lets go of the lock. */
bool closer_start(struct session *session);

#endif
