/* control: ending the connections that an order finds without a session. */
#ifndef SD_CONTROL_IDLE_H
#define SD_CONTROL_IDLE_H

#include "control/scope.h"

/* Sends SIGTERM to the sshd process of each registered connection of the scope to which an order applies,
 * on which SFTP sessions have been and none is any more, and on which sshd serves nothing else: nobody
 * else is left to end it.  One that has never had a session is none of our business.  Who holds one and has
 * no row may be about to go: that is waited for, a tenth of a second in all.  Sets *ended to
 * their number.  Run by root.  Returns as scope_walk. */
int idle_end(struct scope *scope, size_t *ended);

/* Sends the signal to the sshd process of a registered connection on which no session is left, unless sshd
 * serves something else; SIGKILL not to a monitor.  Run by root.  Returns whether it was sent. */
bool idle_end_connection(const struct connection *connection, int signal);

#endif
