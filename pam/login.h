/* pam: who logs in, and what the policy says of it.  Never exits; decides nothing. */
#ifndef SD_PAM_LOGIN_H
#define SD_PAM_LOGIN_H

#include "arguments.h"
#include "policy/policy_load.h"
#include "table/table_format.h"

#include <stdbool.h>
#include <sys/types.h>

struct login {
	const char *user; /* borrowed from the PAM handle */
	bool exists;      /* in the user database; else uid and gid mean nothing */
	uid_t uid;
	gid_t gid;
	char address[ADDRESS_MAX]; /* the client's, as sshd has it */
	bool broken;               /* the configuration file could not be used */
	struct policy policy;      /* built-in values when it is broken */
	struct policy_origins origins;
};

/* Whether the PAM handle is of an SSH server, which exports SSH_CONNECTION to it (OpenSSH does since
 * 8.0).  Every other service is none of our business. */
bool login_is_ssh(pam_handle_t *pamh, const struct arguments *arguments);

/* Describes the login that pamh is about.  keys_open: sshd may yet add a key to those that it has
 * exported, as it does after the account hooks (struct policy_subject).  A configuration file that cannot
 * be used is logged.  Returns 0, or -ENOENT when there is no user's name. */
int login_describe(
    pam_handle_t *pamh, const struct arguments *arguments, bool keys_open, struct login *out);

/* Whether a setting's value is known, whatever key there may yet be. */
bool login_is_certain(const struct login *login, enum policy_setting setting);

#endif
