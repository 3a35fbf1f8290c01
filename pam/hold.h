/* pam: holding the end of a connection until its sessions are gone.  Runs as root on files that
 * users may write; never blocks without bound. */
#ifndef SD_PAM_HOLD_H
#define SD_PAM_HOLD_H

#include "table/members_read.h"

/* How a hold ended. */
enum hold_result {
	HOLD_CLEAN,    /* every session had ended by itself */
	HOLD_FORCED,   /* some were sent SIGTERM or SIGKILL after the deadline */
	HOLD_GIVEN_UP, /* some are still there: not even SIGKILL ended them in time */
};

/* Waits until the kernel says that nobody holds the membership any more.  At first the sessions are
 * woken, so that they see that the connection ends; limit_ns later those that remain are sent
 * SIGTERM (members_terminate), two seconds later SIGKILL, and two seconds after that the hold ends in any case. */
enum hold_result hold_until_gone(struct members_reader *reader, uint64_t limit_ns);

#endif
