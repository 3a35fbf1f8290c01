/* bench: a session table of our own with one connection in it, this process's, so that sftp-drain's
 * server joins it as it would below sshd with the PAM module.  Other servers take no notice.
 * Never touches the host's own table. */
#ifndef SD_BENCH_MEMBERSHIP_H
#define SD_BENCH_MEMBERSHIP_H

#include "place.h"

struct membership_place {
	char config[PLACE_MAX];
	char rundir[PLACE_MAX];
	char shmdir[PLACE_MAX];
	int registered;     /* 0, or why there is no connection: a negative errno */
	char variable[128]; /* the connection, for a server's environment */
};

/* Makes configuration, table and connection; the members files lie in shared memory. */
void membership_make(const struct place *place, struct membership_place *out);

void membership_remove(const struct membership_place *membership);

#endif
