/* policy: whether a rule of the configuration file is for a subject; each pattern is checked on the
 * way.  No I/O; never logs or exits. */
#ifndef SD_POLICY_POLICY_RULE_MATCH_H
#define SD_POLICY_POLICY_RULE_MATCH_H

#include "policy/policy_rules.h"

enum policy_rule_match {
	POLICY_RULE_NO,
	POLICY_RULE_MAYBE, /* it depends on a key that is not known yet */
	POLICY_RULE_YES,
};

/* Reads the match of the rule that place names: all its keys must match.  Returns 0 and fills *out, or
 * -EINVAL with the loading's error filled. */
int policy_rule_match(const struct policy_loading *loading, const config_setting_t *match,
    const char *place, enum policy_rule_match *out);

#endif
