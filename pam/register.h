/* pam: a connection's entry in the session table, from login to end.  Never exits; what fails is
 * logged. */
#ifndef SD_PAM_REGISTER_H
#define SD_PAM_REGISTER_H

#include "arguments.h"
#include "login.h"

/* Claims the entry of the connection that pamh authenticates; a later call, or register_open, finds it
 * again and brings it up to date.  It may run in a child of the connection's monitor: sshd has
 * keyboard-interactive logins done by one.  The entry goes with the handle, or with the monitor.  Returns 0,
 * -EDQUOT when the user has as many connections as the policy allows (not logged), or another negative
 * errno. */
int register_claim(
    pam_handle_t *pamh, const struct arguments *arguments, const struct login *login);

/* As register_claim, and registers the connection: puts the members file in place and exports
 * SFTP_DRAIN_CONNECTION to its sessions.  Once per handle; a second call does nothing and returns 0.
 * Returns likewise; then the connection is not registered. */
int register_open(pam_handle_t *pamh, const struct arguments *arguments, const struct login *login);

/* Refuses newcomers from here on, holds until the sessions are gone or the policy's deadline has
 * passed, and frees the entry.  Does nothing when the connection is not registered. */
void register_close(pam_handle_t *pamh, const struct arguments *arguments);

#endif
