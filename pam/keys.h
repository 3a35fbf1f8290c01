/* pam: the keys with which sshd has authenticated a user.  Pure but for memory; never logs. */
#ifndef SD_PAM_KEYS_H
#define SD_PAM_KEYS_H

#include "policy/policy_key.h"

#include <stddef.h>

/* Fills fingerprints with those of the keys in info, the value of SSH_AUTH_INFO_0 as sshd exports it
 * (ExposeAuthInfo in sshd_config(5)): one line for each authentication method that has succeeded, of which
 * those that say "publickey TYPE BASE64" are looked at.  A certificate counts as the key that it
 * certifies, as for `ssh-keygen -l`; who has signed it does not count.  A line that makes no sense is
 * passed over.  info may be NULL.  Returns their number, at most POLICY_KEYS_MAX. */
size_t keys_read(const char *info, char fingerprints[POLICY_KEYS_MAX][POLICY_KEY_MAX]);

#endif
