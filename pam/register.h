/* pam: a connection's entry in the session table, from login to end.  Never exits; what fails is
 * logged and leaves the connection unregistered, never refused. */
#ifndef SD_PAM_REGISTER_H
#define SD_PAM_REGISTER_H

#include "arguments.h"

/* Registers the connection that pamh authenticates and exports SFTP_DRAIN_CONNECTION to its
 * sessions.  Once per handle; a second call does nothing. */
void register_open(pam_handle_t *pamh, const struct arguments *arguments);

/* Refuses newcomers from here on, holds until the sessions are gone or the policy's deadline has
 * passed, and frees the entry.  Does nothing when the connection is not registered. */
void register_close(pam_handle_t *pamh, const struct arguments *arguments);

#endif
