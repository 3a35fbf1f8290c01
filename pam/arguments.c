/* pam: the words after the module's name in a PAM file. */
#include "arguments.h"

#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

/* Whether word is NAME=VALUE; *value is then what follows the sign. */
static bool takes_value(const char *word, const char *name, const char **value)
{
	size_t len = strlen(name);

	if (strncmp(word, name, len) != 0 || word[len] != '=' || word[len + 1] == '\0')
		return false;
	*value = word + len + 1;
	return true;
}

void arguments_parse(pam_handle_t *pamh, int argc, const char **argv, struct arguments *out)
{
	*out = (struct arguments){.config = SD_CONFIG, .rundir = SD_RUNDIR, .shmdir = SD_SHMDIR};
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "debug") == 0)
			out->debug = true;
		else if (strcmp(argv[i], "on_error=refuse") == 0)
			out->on_error = ON_ERROR_REFUSE;
		else if (strcmp(argv[i], "on_error=built-in") == 0)
			out->on_error = ON_ERROR_BUILT_IN;
		else if (!takes_value(argv[i], "config", &out->config) &&
			 !takes_value(argv[i], "rundir", &out->rundir) &&
			 !takes_value(argv[i], "shmdir", &out->shmdir))
			pam_syslog(pamh, LOG_ERR, "unknown argument \"%s\" is ignored", argv[i]);
	}
}
