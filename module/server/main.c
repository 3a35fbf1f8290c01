/* server: the program sftp-server: options, joining, serving, leaving. */
#include "server/closer.h"
#include "server/dispatch.h"
#include "server/engine.h"
#include "server/options.h"
#include "server/signals.h"
#include "util/escape.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const int exit_no_user = 1, exit_fatal = 255; /* as OpenSSH's */

/* Descriptors that the session needs beside the clients' handles. */
#define DESCRIPTORS_KEPT 16

static uint32_t handle_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= DESCRIPTORS_KEPT)
		return DESCRIPTORS_KEPT;
	return limit.rlim_cur > UINT32_MAX ? UINT32_MAX
					   : (uint32_t)(limit.rlim_cur - DESCRIPTORS_KEPT);
}

/* Goes to the directory of -d; as in OpenSSH, a failure is told and the session goes on. */
static void enter_start_directory(const struct options *options)
{
	const char *directory = options->start_directory;

	if (directory != NULL && chdir(directory) != 0)
		log_error("chdir to \"%s\" failed: %s", directory, strerror(errno));
}

static void client_address(char *out, size_t out_len)
{
	const char *connection = getenv("SSH_CONNECTION");

	if (connection == NULL)
		connection = "UNKNOWN";
	/* The environment may be the user's own. */
	escape_text(connection, strcspn(connection, " "), out, out_len);
}

/* Whoever starts us without them: the files that we open must not become standard input or output. */
static void fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* What the client left open. */
static void close_handles(struct server *server)
{
	const struct handle *handle;
	uint32_t at = 0;

	while ((handle = handle_next(&server->handles, &at)) != NULL)
		op_log_close(handle, "forced ");
	handle_table_free(&server->handles);
}

/* The last one out sees to the connection's end. */
static void leave(struct session *session, enum member_end end)
{
	if (session_leave(session, end) != LEFT_LAST)
		return;
	if (!closer_start(session))
		session_let_go(session);
	session_free(session);
}

/* A session that is not admitted holds nobody while it says so to its client. */
static void turn_away(struct session *session, const char *refusal)
{
	log_info("session refused: %s", refusal);
	session_show_refused(session);
	leave(session, END_REFUSED);
}

/* Joins, serves, leaves.  Returns the exit status. */
static int serve(const struct options *options)
{
	static struct server server;
	static struct session session;
	char refusal[SESSION_TEXT_MAX], address[64];
	struct engine_result result = {.status = exit_fatal};
	int rc;

	client_address(address, sizeof(address));
	log_info("session opened for local user %s from [%s]", options->self.pw_name, address);
	server = (struct server){.options = options, .session = &session};
	if (session_join(&session, options, refusal) != 0) {
		server.refusal = refusal;
		turn_away(&session, refusal);
	}
	enter_start_directory(options);
	if (getcwd(server.start_directory, sizeof(server.start_directory)) == NULL)
		strcpy(server.start_directory, "?");
	handle_table_init(&server.handles, handle_limit());
	rc = engine_run(&server, STDIN_FILENO, STDOUT_FILENO, &result);
	if (rc != 0)
		log_error("cannot start: %s", strerror(-rc));
	close_handles(&server);
	log_info("session closed for local user %s from [%s]", options->self.pw_name, address);
	leave(&session, result.forced ? END_FORCED : END_CLEAN);
	session_free(&session);
	return result.status;
}

int main(int argc, char **argv)
{
	static char strings[4096];
	struct passwd record, *self;
	struct options options;
	int status = 0;

	fill_standard_descriptors();
	/* Into memory of our own: the next look-up reuses the library's. */
	if (getpwuid_r(getuid(), &record, strings, sizeof(strings), &self) != 0 || self == NULL) {
		fprintf(
		    stderr, "sftp-server: No user found for uid %lu\n", (unsigned long)getuid());
		return exit_no_user;
	}
	if (options_parse(argc, argv, self, &options, &status) != OPTIONS_RUN)
		return status;
	log_open("sftp-server", options.log_level, options.log_facility, options.to_stderr);
	/* The user may not read or steer this process through /proc/PID/mem and ptrace(2): a
	 * session confined to a few requests must stay so. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	/* Before anything is written or joined; what comes in the meantime waits. */
	signals_init();
	dispatch_set_permissions(&options);
	return serve(&options);
}
