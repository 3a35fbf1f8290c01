/* bench: a server process at the far end of three blocking pipes of the default size, as sshd has it.
 * Our own ends do not block. */
#ifndef SD_BENCH_SERVER_H
#define SD_BENCH_SERVER_H

#include "bench.h"

struct server_process {
	pid_t pid;
	int in, out, err; /* our ends of its standard input, output and error */
};

/* Splits a command at its blanks and puts the places in: %c the configuration file, %r the directory
 * of the session table, %s that of the members files.  Returns a list that is the caller's, or NULL
 * without memory. */
char **server_command(const char *text, const struct membership_place *membership);
void server_command_free(char **argv);

/* Starts it as the leader of a session, with the environment that sshd would give it.  Returns 0 or
 * a negative errno. */
int server_start(struct bench *bench, const struct side *side, struct server_process *out);

/* Closes our ends and waits for its end.  *cpu is what it used, user and system, in seconds, and
 * *status is wait4(2)'s.  Returns 0 or a negative errno. */
int server_end(struct server_process *server, double *cpu, int *status);

#endif
