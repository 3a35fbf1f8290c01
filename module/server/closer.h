/* server: the processes that stay behind to end a connection.  Both are detached children that run as
 * the user, and both end with the connection or with the reason to end it. */
#ifndef SD_SERVER_CLOSER_H
#define SD_SERVER_CLOSER_H

#include "server/session.h"

#include <stdbool.h>

/* Called by the last one out, which holds the membership's write lock.  When an order or the policy
 * says that the connection is to end, forks a child that inherits the lock and does so (closing.h); when
 * something else keeps the connection, the child lets go of the lock and stays as the guard.  Returns,
 * in the parent only, whether there is such a child; when there is none, the caller lets go of the lock. */
bool closer_start(struct session *session);

/* Called by a member while the connection is to end after its last session: makes sure that it has a
 * guard, a child that ends the connection when the last session is killed and so cannot.  It holds no
 * lock that is in anybody's way, no file, and uses no processor until then. */
void closer_guard(struct session *session);

#endif
