/* bench: a server process at the far end of three blocking pipes of the default size, as sshd has it. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define WORDS_MAX 64
#define ENVIRONMENT_MAX 256

static const char *place_of(char letter, const struct membership_place *membership)
{
	switch (letter) {
	case 'c':
		return membership->config;
	case 'r':
		return membership->rundir;
	case 's':
		return membership->shmdir;
	default:
		return NULL;
	}
}

char **server_command(const char *text, const struct membership_place *membership)
{
	char **argv = calloc(WORDS_MAX + 1, sizeof(*argv)), *copy = strdup(text), *rest = NULL;
	size_t count = 0;

	if (argv == NULL || copy == NULL)
		goto out;
	for (char *word = strtok_r(copy, " \t", &rest); word != NULL && count < WORDS_MAX;
	     word = strtok_r(NULL, " \t", &rest)) {
		const char *place = word[0] == '%' && word[1] != '\0' && word[2] == '\0'
					? place_of(word[1], membership)
					: NULL;

		argv[count++] = strdup(place != NULL ? place : word);
	}
out:
	free(copy);
	return argv;
}

void server_command_free(char **argv)
{
	for (size_t i = 0; argv != NULL && argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}

/* Our own environment with the connection's variables. */
static void make_environment(struct bench *bench, char *out[ENVIRONMENT_MAX])
{
	static char connection[] = "SSH_CONNECTION=127.0.0.1 50000 127.0.0.1 22";
	size_t count = 0;

	for (char **at = environ; *at != NULL && count < ENVIRONMENT_MAX - 3; at++) {
		if (strncmp(*at, "SSH_", 4) != 0 && strncmp(*at, "SFTP_DRAIN_", 11) != 0)
			out[count++] = *at;
	}
	out[count++] = connection;
	if (bench->membership.registered == 0)
		out[count++] = bench->membership.variable;
	out[count] = NULL;
}

static int spawn(struct bench *bench, const struct side *side, const int ends[3], pid_t *pid)
{
	char *environment[ENVIRONMENT_MAX];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int error;

	make_environment(bench, environment);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_adddup2(&actions, ends[fd], fd);
	error = posix_spawnp(pid, side->argv[0], &actions, &attr, side->argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -error;
}

static void close_pair(int pair[2])
{
	for (int end = 0; end < 2; end++) {
		if (pair[end] >= 0)
			close(pair[end]);
	}
}

int server_start(struct bench *bench, const struct side *side, struct server_process *out)
{
	int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
	int ours[3], theirs[3], rc = 0;

	for (int fd = 0; fd < 3 && rc == 0; fd++) {
		if (pipe2(pipes[fd], O_CLOEXEC) != 0)
			rc = -errno;
		ours[fd] = pipes[fd][fd == 0 ? 1 : 0];
		theirs[fd] = pipes[fd][fd == 0 ? 0 : 1];
	}
	for (int fd = 0; fd < 3 && rc == 0; fd++) {
		if (fcntl(ours[fd], F_SETFL, fcntl(ours[fd], F_GETFL) | O_NONBLOCK) != 0)
			rc = -errno;
	}
	if (rc == 0)
		rc = spawn(bench, side, theirs, &out->pid);
	if (rc != 0) {
		for (int fd = 0; fd < 3; fd++)
			close_pair(pipes[fd]);
		return rc;
	}
	for (int fd = 0; fd < 3; fd++)
		close(theirs[fd]);
	out->in = ours[0];
	out->out = ours[1];
	out->err = ours[2];
	return 0;
}

int server_end(struct server_process *server, double *cpu, int *status)
{
	struct rusage usage;
	pid_t pid;

	close(server->in);
	close(server->out);
	close(server->err);
	do
		pid = wait4(server->pid, status, 0, &usage);
	while (pid < 0 && errno == EINTR);
	server->pid = 0;
	if (pid < 0)
		return -errno;
	*cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	return 0;
}
