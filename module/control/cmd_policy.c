/* control: "policy".  Resolves a user's policy as a login would, and says where it comes from. */
#include "control/control.h"

#include "policy/policy_load.h"
#include "util/escape.h"

#include <pwd.h>
#include <string.h>

enum control_status cmd_policy(struct control *control)
{
	const struct options *options = &control->options;
	const char *user = control->user;
	const struct policy_subject subject = {
	    .user = user,
	    .address = options->address,
	    .keys = options->keys,
	    .key_count = options->key_count,
	};
	char shown[256], value[POLICY_VALUE_MAX];
	struct policy_origins origins;
	struct policy_error error;
	struct policy policy;

	if (policy_load_user(options->config, &subject, &policy, &origins, &error) != 0) {
		control_error(control, "policy: %s", error.text);
		return STATUS_ERROR;
	}
	/* Rules may name users of another day; this one has no groups. */
	if (getpwnam(user) == NULL)
		control_error(control, "policy: %s: no such user, so rules for groups are left out",
		    escape_text(user, strlen(user), shown, sizeof(shown)));
	for (int i = 0; i < POLICY_SETTINGS; i++) {
		enum policy_setting setting = (enum policy_setting)i;

		fprintf(control->out, "%-27s  %-16s  %s\n", policy_setting_name(setting),
		    policy_setting_format(setting, &policy, value), origins.of[i]);
	}
	return STATUS_DONE;
}
