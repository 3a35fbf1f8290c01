/* pam: whether a login is admitted.  Never exits, never waits without bound, and refuses only what the
 * policy or the PAM file says. */
#ifndef SD_PAM_ADMIT_H
#define SD_PAM_ADMIT_H

#include "arguments.h"

/* The hook that asks.  sshd runs them in this order, and what is not known in one is decided in the
 * next. */
enum admit_stage {
	ADMIT_AUTH,    /* before a password is asked; nothing is claimed */
	ADMIT_ACCOUNT, /* the user is who he says; the key of the last method is not known yet */
	ADMIT_SESSION, /* everything is known, but the client cannot be told a reason any more */
};

/* Decides, logs and, but for the session, tells the client why it is refused (unless flags has
 * PAM_SILENT); from ADMIT_ACCOUNT on with an entry in the session table, and after ADMIT_SESSION the
 * connection is registered or the log says why not.  Returns PAM_SUCCESS, PAM_PERM_DENIED, or
 * PAM_USER_UNKNOWN where the account hook is asked for a user who does not exist. */
int admit_login(
    pam_handle_t *pamh, int flags, const struct arguments *arguments, enum admit_stage stage);

#endif
