/* bench: from an order to the last exit, over a thousand idle sessions: real sftp-server processes on pipes,
 * four to a connection.  A connection is two processes, which stand for sshd's: the monitor, which has the
 * entry, and below it the one that serves the sessions and that their last one ends. */
#include "table.h"

#include "server.h"
#include "util/clock.h"
#include "util/proc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTIONS 250
#define SESSIONS 4
#define LIMIT_MS 60000

/* What a connection tells when its sessions are there. */
struct told {
	pid_t sessions[SESSIONS];
};

struct drain {
	pid_t monitors[CONNECTIONS];
	int monitor_count;
	int pins[CONNECTIONS * SESSIONS];
	int pin_count;
	int told[2]; /* a pipe */
};

/* INIT is answered after the session has joined. */
static int await_version(const struct server_process *server)
{
	static const unsigned char init[] = {0, 0, 0, 5, 1, 0, 0, 0, 3};
	struct pollfd wait = {.fd = server->out, .events = POLLIN};
	char answer[1024];

	if (write(server->in, init, sizeof(init)) != (ssize_t)sizeof(init) ||
	    poll(&wait, 1, LIMIT_MS) != 1 || read(server->out, answer, sizeof(answer)) < 9)
		return -EIO;
	return 0;
}

/* The process that serves the connection: holds the pipes until it is ended. */
static void be_sshd(const struct table_bench *table, struct connection_ref ref, int told)
{
	static struct bench bench;
	char command[5 * PLACE_MAX], text[CONNECTION_REF_TEXT_MAX];
	struct told sessions;
	struct side side;

	snprintf(command, sizeof(command), "%s --config %s --rundir %s --shmdir %s", table->server,
	    table->config, table->rundir, table->shmdir);
	snprintf(bench.membership.variable, sizeof(bench.membership.variable),
	    "SFTP_DRAIN_CONNECTION=%s", connection_ref_format(ref, text));
	side = (struct side){.argv = server_command(command, &bench.membership)};
	for (int i = 0; i < SESSIONS; i++) {
		struct server_process server;

		if (side.argv == NULL || server_start(&bench, &side, &server) != 0 ||
		    await_version(&server) != 0)
			_exit(1);
		sessions.sessions[i] = server.pid;
	}
	if (write(told, &sessions, sizeof(sessions)) != (ssize_t)sizeof(sessions))
		_exit(1);
	close(told);
	/* Their ends are to be seen by whoever looks for our children. */
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	for (;;)
		pause();
}

/* What the PAM module does, without a login around it. */
static void be_monitor(struct table_bench *bench, int told)
{
	struct connection_ref ref;
	pid_t child;

	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGHUP, SIG_DFL);
	if (connection_open(bench, &ref) != 0)
		_exit(1);
	child = fork();
	if (child == 0)
		be_sshd(bench, ref, told);
	close(told);
	if (child > 0)
		(void)waitpid(child, NULL, 0);
	connection_close(bench, ref);
	_exit(0);
}

static int pin_sessions(struct table_bench *bench, struct drain *drain, const struct told *told)
{
	for (int i = 0; i < SESSIONS; i++) {
		struct proc_stat stat;
		int rc = proc_read_stat(told->sessions[i], &stat);

		if (rc == 0)
			rc = proc_pin(stat.id, &drain->pins[drain->pin_count]);
		if (rc != 0)
			return table_bench_fail(bench, rc, "drain: a session is gone");
		drain->pin_count++;
	}
	return 0;
}

static int begin(struct table_bench *bench, struct drain *drain)
{
	int rc = 0;

	if (pipe(drain->told) != 0)
		return table_bench_fail(bench, -errno, "drain: no pipe");
	while (rc == 0 && drain->monitor_count < CONNECTIONS) {
		struct told told;
		pid_t child = fork();

		if (child == 0) {
			close(drain->told[0]);
			be_monitor(bench, drain->told[1]);
		}
		if (child < 0)
			return table_bench_fail(bench, -errno, "drain: fork");
		drain->monitors[drain->monitor_count++] = child;
		if (read(drain->told[0], &told, sizeof(told)) != (ssize_t)sizeof(told))
			return table_bench_fail(bench, -EIO, "drain: sessions do not start");
		rc = pin_sessions(bench, drain, &told);
	}
	return rc;
}

/* Waits for the end of every session. */
static int await_exits(struct table_bench *bench, const struct drain *drain)
{
	for (int i = 0; i < drain->pin_count; i++) {
		struct pollfd wait = {.fd = drain->pins[i], .events = POLLIN};

		if (poll(&wait, 1, LIMIT_MS) != 1)
			return table_bench_fail(bench, -ETIMEDOUT, "drain: a session does not end");
	}
	return 0;
}

static bool monitor_has_ended(pid_t monitor)
{
	return waitpid(monitor, NULL, WNOHANG) == monitor;
}

/* Waits for the end of every connection. */
static int await_connections(struct table_bench *bench, struct drain *drain)
{
	uint64_t started = clock_now_ns();

	while (drain->monitor_count > 0) {
		if (monitor_has_ended(drain->monitors[drain->monitor_count - 1]))
			drain->monitor_count--;
		else if (clock_now_ns() - started > LIMIT_MS * NS_PER_MS)
			return table_bench_fail(
			    bench, -ETIMEDOUT, "drain: a connection does not end");
		else
			clock_sleep_ns(NS_PER_MS);
	}
	return 0;
}

static void add(struct table_bench *bench, enum figure_id id, uint64_t since)
{
	series_add(&bench->figures[id].series, (double)(clock_now_ns() - since) / 1e6);
}

static int order_and_wait(struct table_bench *bench, struct drain *drain)
{
	static const char *const close_words[] = {"close", NULL};
	static const char *const reopen_words[] = {"reopen", NULL};
	uint64_t ordered = clock_now_ns();
	int rc = control_run(bench, "/dev/null", close_words);

	if (rc != 0)
		return table_bench_fail(bench, -EIO, "drain: the command ended with %d", rc);
	add(bench, FIGURE_CLOSE, ordered);
	rc = await_exits(bench, drain);
	if (rc == 0)
		add(bench, FIGURE_DRAIN, ordered);
	if (rc == 0)
		rc = await_connections(bench, drain);
	if (rc == 0)
		add(bench, FIGURE_GONE, ordered);
	(void)control_run(bench, "/dev/null", reopen_words);
	return rc;
}

/* After a failure: what is left of the connections; their sessions end with the pipes. */
static void end(struct drain *drain)
{
	while (drain->monitor_count > 0) {
		pid_t monitor = drain->monitors[--drain->monitor_count], child;
		size_t count;

		if (proc_read_children(monitor, &child, 1, &count) == 0 && count > 0)
			kill(child, SIGKILL);
		(void)waitpid(monitor, NULL, 0);
	}
	while (drain->pin_count > 0)
		close(drain->pins[--drain->pin_count]);
	for (int i = 0; i < 2; i++)
		close(drain->told[i]);
}

int drain_measure(struct table_bench *bench)
{
	struct drain *drain = calloc(1, sizeof(*drain));
	int rc = drain == NULL ? -ENOMEM : begin(bench, drain);

	if (rc == 0)
		rc = order_and_wait(bench, drain);
	if (drain != NULL)
		end(drain);
	free(drain);
	return rc;
}
