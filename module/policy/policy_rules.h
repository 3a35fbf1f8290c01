/* policy: what a parsed configuration file says for one subject; every setting in it is checked on
 * the way.  No I/O; never logs or exits. */
#ifndef SD_POLICY_POLICY_RULES_H
#define SD_POLICY_POLICY_RULES_H

#include "policy/policy_libconfig.h"
#include "policy/policy_load.h"

#include <stdbool.h>

/* As much of a bad word as a message shows. */
#define POLICY_SHOWN_MAX 64

/* One reading of one file.  Everything pointed to is borrowed. */
struct policy_loading {
	const char *path; /* for messages */
	const struct policy_subject *subject;
	struct policy *policy;          /* holds the built-in values at first */
	struct policy_origins *origins; /* may be NULL */
	struct policy_error *error;
	const struct policy_libconfig *lib; /* for policy_rules_load */
	bool given[POLICY_SETTINGS];        /* the first to give a setting has given it */
};

/* Checks the whole file and takes from it what is for the subject.  Returns 0, or -EINVAL with
 * *error filled and *policy half done. */
int policy_rules_load(struct policy_loading *loading, const config_setting_t *root);

/* For messages: the line of a setting; and text as a message may quote it, in out, which is
 * returned. */
unsigned int policy_rules_line(const config_setting_t *setting);
const char *policy_rules_shown(const char *text, char out[POLICY_SHOWN_MAX]);

/* Fills the loading's error: place has no such setting, known are those that it has.  Returns
 * -EINVAL. */
int policy_rules_refuse_unknown(const struct policy_loading *loading,
    const config_setting_t *setting, const char *place, const char *known);

#endif
