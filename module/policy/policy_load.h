/* policy: the configuration file, read with libconfig.  Never logs or exits; never acts on a file
 * that others than root could have written. */
#ifndef SD_POLICY_POLICY_LOAD_H
#define SD_POLICY_POLICY_LOAD_H

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* Whom the policy is for.  Borrowed for the call.  What is not known matches no pattern. */
struct policy_subject {
	const char *user;
	const char *const *groups; /* names, primary group included */
	size_t group_count;
	const char *address; /* as sshd gives it; NULL, or a host's name: not known */
	/* Fingerprints ("SHA256:...") of the keys that have authenticated him. */
	const char *const *keys;
	size_t key_count;
	bool keys_open; /* there may be one more, which is not known yet */
};

#define POLICY_ERROR_MAX 512
#define POLICY_ORIGIN_MAX 64

/* What went wrong: "FILE:LINE: what", or "FILE: what" where it is about the file as a whole; safe
 * to print. */
struct policy_error {
	char text[POLICY_ERROR_MAX];
};

/* Where each setting's value came from: "built-in", "default, line 7" or "rules[1], line 21".  The
 * first rule is rules[0], as in libconfig's own paths. */
struct policy_origins {
	char of[POLICY_SETTINGS][POLICY_ORIGIN_MAX];
	/* With keys_open: whether a rule would give the setting another value for some key. */
	bool may_change[POLICY_SETTINGS];
};

/* Reads the file at path whole, checks every setting in it, also those of rules that do not match,
 * and resolves the policy for the subject: for each setting the first matching rule that gives it
 * wins, then default, then the built-in value.  A file that does not exist gives the built-in
 * values.  subject may be NULL to check only: then only rules without a match match.  origins may
 * be NULL.  Groups are matched as sshd_config(5) matches them (PATTERNS in ssh_config(5)).
 * Returns 0 with *error empty, or with *error filled: -EPERM when the file is a link, no regular
 * file, does not belong to root (or to the caller's effective user) or may be written by anybody
 * else, -EFBIG when it is larger than 1 MiB, -EINVAL for what it says, or another negative errno.
 * *policy is always filled, on an error with the built-in values; so is *origins. */
int policy_load(const char *path, const struct policy_subject *subject, struct policy *policy,
    struct policy_origins *origins, struct policy_error *error);

/* As policy_load, with the groups of the subject's user looked up (getgrouplist(3)); what the subject
 * says of groups is not looked at.  A user who does not exist has no groups; where the user database
 * cannot be asked that is an error, since a rule that should match would not. */
int policy_load_user(const char *path, const struct policy_subject *subject, struct policy *policy,
    struct policy_origins *origins, struct policy_error *error);

#endif
