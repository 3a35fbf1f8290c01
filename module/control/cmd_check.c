/* control: "check".  Reads the configuration file and nothing else; takes no privilege. */
#include "control/control.h"

#include "policy/policy_load.h"
#include "util/escape.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum control_status cmd_check(struct control *control)
{
	const char *path = control->options.config;
	bool named = (control->options.given & OPTION_BIT(OPTION_CONFIG)) != 0;
	bool missing = access(path, F_OK) != 0 && errno == ENOENT;
	char shown[1024];
	struct policy_error error;
	struct policy policy;

	escape_text(path, strlen(path), shown, sizeof(shown));
	/* Nobody needs a configuration file; but one that was named is meant to be there. */
	if (named && missing) {
		control_error(control, "check: %s: %s", shown, strerror(ENOENT));
		return STATUS_ERROR;
	}
	if (policy_load(path, NULL, &policy, NULL, &error) != 0) {
		control_error(control, "check: %s", error.text);
		return STATUS_ERROR;
	}
	fprintf(control->out, "%s: %s\n", shown,
	    missing ? "missing, so the built-in values apply" : "no errors");
	return STATUS_DONE;
}
