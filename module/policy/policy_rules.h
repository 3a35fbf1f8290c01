/* policy: what a parsed configuration file says for one subject; every setting in it is checked on
 * the way.  No I/O; never logs or exits. */
#ifndef SD_POLICY_POLICY_RULES_H
#define SD_POLICY_POLICY_RULES_H

#include "policy/policy_libconfig.h"
#include "policy/policy_load.h"

#include <stdbool.h>

/* One reading of one file.  Everything pointed to is borrowed. */
struct policy_loading {
	const char *path;                     /* for messages */
	const struct policy_subject *subject; /* NULL: only rules without a match match */
	struct policy *policy;                /* holds the built-in values at first */
	struct policy_origins *origins;       /* may be NULL */
	struct policy_error *error;
	const struct policy_libconfig *lib; /* for policy_rules_load */
	bool given[POLICY_SETTINGS];        /* the first to give a setting has given it */
};

/* Checks the whole file and takes from it what is for the subject.  Returns 0, or -EINVAL with
 * *error filled and *policy half done. */
int policy_rules_load(struct policy_loading *loading, const config_setting_t *root);

#endif
