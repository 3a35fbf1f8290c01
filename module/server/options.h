/* server: the command line, OpenSSH's flags and our own. */
#ifndef SD_SERVER_OPTIONS_H
#define SD_SERVER_OPTIONS_H

#include "util/log.h"

#include <pwd.h>
#include <stdbool.h>

struct options {
	const char *start_directory; /* -d, expanded; NULL: where we are */
	const char *allowed;         /* -p, names separated by commas; NULL: all */
	const char *denied;          /* -P */
	bool read_only;              /* -R */
	bool to_stderr;              /* -e */
	bool umask_set;              /* -u; the umask itself is set at once */
	enum log_level log_level;    /* -l */
	int log_facility;            /* -f */
	const char *config, *rundir, *shmdir;
	struct passwd
	    self; /* who runs this; not from the command line.  Its strings are borrowed */
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE,  /* all was said (-h, -Q): exit status 0 or, for -h as in OpenSSH, 1 */
	OPTIONS_WRONG, /* a message is on stderr; the exit status is *status */
};

/* Reads the command line as OpenSSH's sftp-server does, and leaves out->self empty.  -c ends it: what
 * follows is ignored, for accounts whose shell this program is.  The next call frees start_directory. */
enum options_result options_parse(int argc, char **argv, struct options *out, int *status);

#endif
