/* server: ending a connection step by step, once nobody is a member any more. */
#ifndef SD_SERVER_CLOSING_H
#define SD_SERVER_CLOSING_H

#include "server/session.h"

/* What is to become of the connection. */
enum closing {
	STILL_CLOSING,
	GONE,       /* sshd has ended, or is already closing: nothing is left to do */
	OTHERS,     /* a sibling has come in linger; the end is its business now */
	KEPT,       /* sshd serves something else on it: a shell, a command */
	CALLED_OFF, /* the order was taken back */
};

/* Whether there is a reason still, an order or the policy: STILL_CLOSING, GONE or CALLED_OFF. */
enum closing closing_look(struct session *session);

/* With the write lock held.  Refuses newcomers, waits until the session proper has exited (a pidfd; -1:
 * there is none) and its replies and exit status have reached the client, makes sure that nothing else
 * uses the connection, and then ends it by SIGTERM to the pinned sshd process.  Every wait is bounded.
 * Returns GONE after that.  Otherwise why it has not: after OTHERS no lock is held, after the rest the
 * write lock may be. */
enum closing closing_run(struct session *session, int session_proper);

#endif
