/* unit tests: an SFTP server as a program of its own, over pipes, with its log. */
#ifndef SD_TESTS_PROGRAM_H
#define SD_TESTS_PROGRAM_H

#include "packet.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define PROGRAM_WORDS 16

/* Which server: what it is started as, and how its log lines begin. */
struct program_kind {
	const char *path;
	const char *flags[PROGRAM_WORDS]; /* that it always gets; NULL behind the last */
};

/* Ours, told that there is neither table nor configuration; and OpenSSH's, its path NULL where it is
 * not installed.  Both ask the environment: SD_SERVER, SD_REFERENCE. */
struct program_kind program_ours(void);
struct program_kind program_reference(void);

struct program {
	pid_t pid;
	int to, from, log;
	off_t log_seen;
	char directory[PATH_MAX];
};

/* Starts it in a directory (absolute), with flags, up to a NULL, after its own.  SSH_CONNECTION is
 * from 192.0.2.7, the time zone UTC, the umask 022. */
void program_start(struct program *program, const struct program_kind *kind, const char *directory,
    const char *const flags[]);

/* Sends a packet, its length put in front; takes the next one that comes. */
void program_send(struct program *program, const struct packet *packet);
void program_receive(struct program *program, struct packet *reply);

/* What it has logged since the last call: lines joined by "; ", without what OpenSSH's and ours have
 * at both ends of a line (the program's name and number; a carriage return, the name of a function).
 * In a buffer that the next call overwrites. */
const char *program_log(struct program *program);

/* Closes its input, waits for its end and returns the exit status. */
int program_stop(struct program *program);

/* Runs it to its end with an empty input and returns the exit status.  What it wrote to standard
 * output and standard error is in buffers that the next call overwrites. */
int program_run(
    const struct program_kind *kind, const char *const flags[], const char **out, const char **err);

#endif
