/* util: the only place that writes log lines.  Levels and facilities are sshd's. */
#ifndef SD_UTIL_LOG_H
#define SD_UTIL_LOG_H

#include <stdbool.h>

/* As LogLevel in sshd_config(5), from quiet to chatty. */
enum log_level {
	LEVEL_QUIET,
	LEVEL_FATAL,
	LEVEL_ERROR,
	LEVEL_INFO,
	LEVEL_VERBOSE,
	LEVEL_DEBUG1,
	LEVEL_DEBUG2,
	LEVEL_DEBUG3,
};

/* Starts the log: lines up to level go to stderr, or to syslog under ident and facility (a LOG_
 * value of syslog(3)).  From LEVEL_INFO on the socket is opened at once; below it most sessions have
 * nothing to say and need none.  ident is kept, not copied.  Until this is called, errors go to stderr. */
void log_open(const char *ident, enum log_level level, int facility, bool to_stderr);

/* Around fork(2) in a process with threads: no line is being written in between, so that the child can
 * write.  Parent and child release it. */
void log_hold(void);
void log_release(void);

/* Closes the log's descriptor, as a forked child does with what it has inherited; the next line opens it
 * again. */
void log_close(void);

/* Reads a level's name as sshd_config(5) LogLevel has it, case-insensitively ("DEBUG" is DEBUG1).
 * Returns 0 or -EINVAL. */
int log_level_parse(const char *name, enum log_level *level);

/* Reads a facility's name as sshd_config(5) SyslogFacility has it.  Returns 0 or -EINVAL. */
int log_facility_parse(const char *name, int *facility);

/* Whether a line of this level would be written: asked before work that only the line needs. */
bool log_enabled(enum log_level level);

/* Writes one line; the format ends without a newline.  Names of others go through escape_text
 * first.  errno is kept. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The arguments are not evaluated when the line is not wanted. */
#define log_at(level, ...)                                                                         \
	do {                                                                                       \
		if (log_enabled(level))                                                            \
			log_write(level, __VA_ARGS__);                                             \
	} while (0)
#define log_error(...) log_at(LEVEL_ERROR, __VA_ARGS__)
#define log_info(...) log_at(LEVEL_INFO, __VA_ARGS__)
#define log_verbose(...) log_at(LEVEL_VERBOSE, __VA_ARGS__)
#define log_debug(...) log_at(LEVEL_DEBUG1, __VA_ARGS__)

#endif
