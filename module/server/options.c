/* server: the command line, OpenSSH's flags and our own. */
#include "server/options.h"

#include "server/dispatch.h"
#include "server/path.h"
#include "server/self.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <syslog.h>

static const int exit_usage = 1, exit_fatal = 255; /* as OpenSSH's */

enum { OPTION_CONFIG = 256, OPTION_RUNDIR, OPTION_SHMDIR };

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"rundir", required_argument, NULL, OPTION_RUNDIR},
    {"shmdir", required_argument, NULL, OPTION_SHMDIR},
    {NULL, 0, NULL, 0},
};

static void usage(void)
{
	fputs("usage: sftp-server [-ehR] [-d start_directory] [-f log_facility] [-l log_level]\n"
	      "\t[-P denied_requests] [-p allowed_requests] [-u umask]\n"
	      "\t[--config file] [--rundir directory] [--shmdir directory]\n"
	      "       sftp-server -Q requests\n",
	    stderr);
}

static enum options_result wrong(int *status, int value, const char *what, const char *argument)
{
	fprintf(stderr, "sftp-server: %s \"%s\"\n", what, argument);
	*status = value;
	return OPTIONS_WRONG;
}

static int parse_umask(const char *text, mode_t *mask)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 8);
	if (errno != 0 || end == text || *end != '\0' || value < 0 || value > 0777)
		return -EINVAL;
	*mask = (mode_t)value;
	return 0;
}

static enum options_result set_list(
    const char **list, const char *names, const char *already, int *status)
{
	char unknown[64];

	if (*list != NULL)
		return wrong(status, exit_fatal, already, names);
	if (!dispatch_names_known(names, unknown, sizeof(unknown)))
		fprintf(stderr, "sftp-server: no request is called \"%s\"\n", unknown);
	*list = names;
	return OPTIONS_RUN;
}

/* Expanded at once: a name that cannot be is the command line's fault.  Who runs this is looked up for
 * no other flag. */
static enum options_result set_start_directory(const char *name, struct options *out, int *status)
{
	static char *kept;
	const struct passwd *self = self_find();
	char tilde[PATH_MAX], path[PATH_MAX];

	if (self == NULL)
		return wrong(status, exit_usage, "No home for", name);
	if (path_expand_tilde(name, self, tilde) != 0 ||
	    path_expand_percent(tilde, self, path) != 0)
		return wrong(status, exit_fatal, "Invalid start directory", name);
	free(kept);
	out->start_directory = kept = strdup(path);
	return out->start_directory != NULL ? OPTIONS_RUN
					    : wrong(status, exit_fatal, "No memory for", name);
}

static enum options_result set_umask(const char *text, struct options *out, int *status)
{
	mode_t mask;

	if (parse_umask(text, &mask) != 0)
		return wrong(status, exit_fatal, "Invalid umask", text);
	umask(mask);
	out->umask_set = true;
	return OPTIONS_RUN;
}

/* As in OpenSSH, a bad name is told at once, and it is the last one given that counts, when the log
 * would be opened. */
struct bad_log {
	bool level, facility;
};

/* One flag. */
static enum options_result set_option(
    int flag, struct options *out, struct bad_log *bad, int *status)
{
	switch (flag) {
	case 'd':
		return set_start_directory(optarg, out, status);
	case 'e':
		out->to_stderr = true;
		return OPTIONS_RUN;
	case 'f':
		bad->facility = log_facility_parse(optarg, &out->log_facility) != 0;
		if (bad->facility)
			(void)wrong(status, exit_usage, "Invalid log facility", optarg);
		return OPTIONS_RUN;
	case 'l':
		bad->level = log_level_parse(optarg, &out->log_level) != 0;
		if (bad->level)
			(void)wrong(status, exit_usage, "Invalid log level", optarg);
		return OPTIONS_RUN;
	case 'P':
		return set_list(
		    &out->denied, optarg, "Refused requests already set before", status);
	case 'p':
		return set_list(
		    &out->allowed, optarg, "Permitted requests already set before", status);
	case 'Q':
		if (strcasecmp(optarg, "requests") != 0)
			return wrong(status, exit_usage, "Invalid query type", optarg);
		dispatch_print_names(stdout);
		*status = 0;
		return OPTIONS_DONE;
	case 'R':
		out->read_only = true;
		return OPTIONS_RUN;
	case 'u':
		return set_umask(optarg, out, status);
	case OPTION_CONFIG:
		out->config = optarg;
		return OPTIONS_RUN;
	case OPTION_RUNDIR:
		out->rundir = optarg;
		return OPTIONS_RUN;
	case OPTION_SHMDIR:
		out->shmdir = optarg;
		return OPTIONS_RUN;
	default:
		usage();
		*status = exit_usage;
		return flag == 'h' ? OPTIONS_DONE : OPTIONS_WRONG;
	}
}

enum options_result options_parse(int argc, char **argv, struct options *out, int *status)
{
	enum options_result result = OPTIONS_RUN;
	struct bad_log bad = {.level = false};
	int flag;

	*out = (struct options){
	    .log_level = LEVEL_ERROR,
	    .log_facility = LOG_AUTH,
	    .config = SD_CONFIG,
	    .rundir = SD_RUNDIR,
	    .shmdir = SD_SHMDIR,
	};
	optind = 1;
	while (result == OPTIONS_RUN) {
		flag = getopt_long(argc, argv, "+cd:ef:hl:P:p:Q:Ru:", long_options, NULL);
		if (flag == -1 || flag == 'c')
			break;
		result = set_option(flag, out, &bad, status);
	}
	/* On standard error no facility is needed. */
	if (result == OPTIONS_RUN && (bad.level || (bad.facility && !out->to_stderr)))
		return OPTIONS_WRONG;
	return result;
}
