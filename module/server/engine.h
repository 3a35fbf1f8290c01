/* server: the loop of a session: requests in, replies out, orders minded. */
#ifndef SD_SERVER_ENGINE_H
#define SD_SERVER_ENGINE_H

#include "server/server.h"
#include "server/session.h"

#include <stdbool.h>

struct engine_result {
	int status;  /* to exit with, OpenSSH's values */
	bool forced; /* the session was ended before the client was done */
};

/* Serves in and out (signals_init has been called), which are made non-blocking for that time, until the session ends: by the
 * client, by an order, at a signal.  Every request that was received by then has been carried out,
 * also when nobody reads the replies any more; open handles are still open.  Returns 0 or a
 * negative errno when it could not start. */
int engine_run(struct server *server, int in, int out, struct engine_result *result);

#endif
