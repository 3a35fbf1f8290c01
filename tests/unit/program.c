/* unit tests: an SFTP server as a program of its own, over pipes, with its log. */
#include "program.h"

#include "codec/sftp.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 65536

struct program_kind program_ours(void)
{
	return (struct program_kind){
	    .path = getenv("SD_SERVER"),
	    .flags = {"--config=/nonexistent", "--rundir=/nonexistent", "--shmdir=/nonexistent"},
	};
}

struct program_kind program_reference(void)
{
	static const char *const places[] = {"/usr/lib/openssh/sftp-server",
	    "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server",
	    "/usr/lib/ssh/sftp-server"};
	const char *path = getenv("SD_REFERENCE");

	for (size_t i = 0; path == NULL && i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i], X_OK) == 0)
			path = places[i];
	}
	return (struct program_kind){.path = path != NULL && access(path, X_OK) == 0 ? path : NULL};
}

/* In the child. */
static void execute(const struct program_kind *kind, const char *const flags[])
{
	char *argv[2 * PROGRAM_WORDS + 2] = {(char *)(uintptr_t) "sftp-server"};
	size_t count = 1;

	for (size_t i = 0; kind->flags[i] != NULL; i++)
		argv[count++] = (char *)(uintptr_t)kind->flags[i];
	for (size_t i = 0; flags[i] != NULL && i < PROGRAM_WORDS; i++)
		argv[count++] = (char *)(uintptr_t)flags[i];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	unsetenv("SFTP_DRAIN_CONNECTION");
	setenv("SSH_CONNECTION", "192.0.2.7 1024 192.0.2.1 22", 1);
	setenv("TZ", "UTC", 1);
	umask(022);
	execv(kind->path, argv);
	_exit(127);
}

/* A file for what it writes, which no directory shows. */
static int open_capture(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	return fd;
}

void program_start(struct program *program, const struct program_kind *kind, const char *directory,
    const char *const flags[])
{
	int to[2], from[2];

	snprintf(program->directory, sizeof(program->directory), "%s", directory);
	cr_assert_eq(pipe2(to, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(from, O_CLOEXEC), 0);
	program->log = open_capture();
	program->log_seen = 0;
	program->pid = fork();
	cr_assert_geq(program->pid, 0);
	if (program->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		dup2(program->log, 2);
		if (chdir(directory) != 0)
			_exit(127);
		execute(kind, flags);
	}
	close(to[0]);
	close(from[1]);
	program->to = to[1];
	program->from = from[0];
	signal(SIGPIPE, SIG_IGN);
}

void program_send(struct program *program, const struct packet *packet)
{
	static struct packet framed;

	framed.len = 0;
	packet_add(&framed, "x", (const void *)packet->bytes, packet->len);
	cr_assert_eq(write(program->to, framed.bytes, framed.len), (ssize_t)framed.len);
}

static void take(struct program *program, uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t got = read(program->from, out, len);

		cr_assert_gt(got, 0, "the replies end");
		out += got;
		len -= (size_t)got;
	}
}

void program_receive(struct program *program, struct packet *reply)
{
	take(program, reply->bytes, 4);
	reply->len = 4;
	reply->len = packet_u32(reply, 0);
	cr_assert(reply->len > 4 && reply->len <= SFTP_PACKET_MAX);
	take(program, reply->bytes, reply->len);
}

/* Adds a line without its ends. */
static void add_line(FILE *out, const char *line, size_t len, bool first)
{
	size_t skip = 0;
	int end = 0;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (strncmp(line, "sftp-server[", 12) == 0)
		skip = strcspn(line, ":") + 2;
	else if (sscanf(line, "process_%*[a-z_]: %n", &end) == 0)
		skip = (size_t)end;
	fprintf(out, "%s%.*s", first ? "" : "; ", (int)(len - skip), line + skip);
}

const char *program_log(struct program *program)
{
	static char raw[TEXT_MAX], text[TEXT_MAX];
	ssize_t got = pread(program->log, raw, sizeof(raw) - 1, program->log_seen);
	FILE *out = fmemopen(text, sizeof(text), "w");

	cr_assert(got >= 0 && out != NULL);
	raw[got] = '\0';
	program->log_seen += got;
	for (char *line = raw; *line != '\0';) {
		size_t len = strcspn(line, "\n");
		bool more = line[len] == '\n';

		line[len] = '\0';
		add_line(out, line, len, line == raw);
		line += len + more;
	}
	cr_assert_eq(fclose(out), 0);
	if (got == 0)
		text[0] = '\0';
	return text;
}

static int wait_for(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

int program_stop(struct program *program)
{
	int status;

	close(program->to);
	status = wait_for(program->pid);
	close(program->from);
	return status;
}

static const char *take_capture(int fd, char text[TEXT_MAX])
{
	ssize_t got = pread(fd, text, TEXT_MAX - 1, 0);

	cr_assert_geq(got, 0);
	text[got] = '\0';
	close(fd);
	return text;
}

int program_run(
    const struct program_kind *kind, const char *const flags[], const char **out, const char **err)
{
	static char texts[2][TEXT_MAX];
	int out_fd = open_capture(), err_fd = open_capture(), status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(out_fd, 1);
		dup2(err_fd, 2);
		execute(kind, flags);
	}
	status = wait_for(pid);
	*out = take_capture(out_fd, texts[0]);
	*err = take_capture(err_fd, texts[1]);
	return status;
}
