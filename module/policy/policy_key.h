/* policy: fingerprints of public keys, as texts.  No I/O; computes none (that is pam/keys). */
#ifndef SD_POLICY_POLICY_KEY_H
#define SD_POLICY_POLICY_KEY_H

#include <stdbool.h>

/* "SHA256:" and 43 characters of base64, and a NUL. */
#define POLICY_KEY_MAX 51

/* As many keys as a subject has; a login takes as many as AuthenticationMethods (sshd_config(5)) names
 * "publickey". */
#define POLICY_KEYS_MAX 8

/* Whether text is a fingerprint as `ssh-keygen -l` prints it: "SHA256:" and base64 of 32 bytes, without
 * padding. */
bool policy_key_is_fingerprint(const char *text);

#endif
