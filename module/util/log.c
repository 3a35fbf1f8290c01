/* util: the only place that writes log lines. */
#include "util/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

static struct {
	enum log_level level;
	bool to_stderr;
	int facility;
	const char *ident;
} state = {.level = LEVEL_ERROR, .to_stderr = true, .ident = "sftp-drain"};

/* Held while a line is written, for log_hold: syslog(3) has a lock that fork(2) does not see to. */
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

static const struct {
	const char *name;
	enum log_level level;
	int priority;
	const char *prefix; /* of the line in syslog, as OpenSSH's programs have it */
} levels[] = {
    {"QUIET", LEVEL_QUIET, LOG_CRIT, ""},
    {"FATAL", LEVEL_FATAL, LOG_CRIT, "fatal: "},
    {"ERROR", LEVEL_ERROR, LOG_ERR, "error: "},
    {"INFO", LEVEL_INFO, LOG_INFO, ""},
    {"VERBOSE", LEVEL_VERBOSE, LOG_INFO, ""},
    {"DEBUG1", LEVEL_DEBUG1, LOG_DEBUG, "debug1: "},
    {"DEBUG2", LEVEL_DEBUG2, LOG_DEBUG, "debug2: "},
    {"DEBUG3", LEVEL_DEBUG3, LOG_DEBUG, "debug3: "},
    {"DEBUG", LEVEL_DEBUG1, LOG_DEBUG, "debug1: "},
};

static const struct {
	const char *name;
	int facility;
} facilities[] = {
    {"DAEMON", LOG_DAEMON},
    {"USER", LOG_USER},
    {"AUTH", LOG_AUTH},
    {"AUTHPRIV", LOG_AUTHPRIV},
    {"LOCAL0", LOG_LOCAL0},
    {"LOCAL1", LOG_LOCAL1},
    {"LOCAL2", LOG_LOCAL2},
    {"LOCAL3", LOG_LOCAL3},
    {"LOCAL4", LOG_LOCAL4},
    {"LOCAL5", LOG_LOCAL5},
    {"LOCAL6", LOG_LOCAL6},
    {"LOCAL7", LOG_LOCAL7},
};

void log_open(const char *ident, enum log_level level, int facility, bool to_stderr)
{
	state.ident = ident;
	state.level = level;
	state.to_stderr = to_stderr;
	state.facility = facility;
	if (!to_stderr)
		openlog(ident, LOG_PID | (level >= LEVEL_INFO ? LOG_NDELAY : 0), facility);
}

void log_hold(void)
{
	pthread_mutex_lock(&writing);
}

void log_release(void)
{
	pthread_mutex_unlock(&writing);
}

void log_close(void)
{
	if (state.to_stderr)
		return;
	closelog();
	/* It is opened again by the next line that is written. */
	openlog(state.ident, LOG_PID, state.facility);
}

int log_level_parse(const char *name, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcasecmp(name, levels[i].name) == 0) {
			*level = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

int log_facility_parse(const char *name, int *facility)
{
	for (size_t i = 0; i < sizeof(facilities) / sizeof(facilities[0]); i++) {
		if (strcasecmp(name, facilities[i].name) == 0) {
			*facility = facilities[i].facility;
			return 0;
		}
	}
	return -EINVAL;
}

bool log_enabled(enum log_level level)
{
	return level != LEVEL_QUIET && level <= state.level;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[2048];
	int saved = errno;
	va_list args;

	if (!log_enabled(level))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log_hold();
	/* The first rows of the table stand in the order of the enumeration. */
	if (state.to_stderr)
		fprintf(stderr, "%s[%ld]: %s\n", state.ident, (long)getpid(), line);
	else
		syslog(levels[level].priority, "%s%s", levels[level].prefix, line);
	log_release();
	errno = saved;
}
