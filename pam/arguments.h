/* pam: the words after the module's name in a PAM file.  No I/O but pam_syslog. */
#ifndef SD_PAM_ARGUMENTS_H
#define SD_PAM_ARGUMENTS_H

#include <security/pam_modules.h>
#include <stdbool.h>

/* What is done when the configuration file cannot be used.  It stands in the PAM file, for the
 * configuration file cannot say it then. */
enum on_error {
	ON_ERROR_BUILT_IN, /* the built-in policy applies */
	ON_ERROR_REFUSE,   /* nobody is admitted */
};

struct arguments {
	const char *config, *rundir, *shmdir;
	enum on_error on_error;
	bool debug;
};

/* Reads config=FILE, rundir=DIR, shmdir=DIR, on_error=built-in|refuse and debug; what is left out has its built-in value.  A
 * word that is none of these is logged and passed over, for a typing error must lock nobody out.
 * The texts are borrowed from argv. */
void arguments_parse(pam_handle_t *pamh, int argc, const char **argv, struct arguments *out);

#endif
