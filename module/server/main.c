/* server: the program sftp-server: options, joining, serving, leaving. */
#include "server/closer.h"
#include "server/dispatch.h"
#include "server/engine.h"
#include "server/options.h"
#include "server/self.h"
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
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		/* The lowest number that is free is this one. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return;
	}
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

/* The last one out, which is said, sees to the connection's end. */
static bool see_to_end(struct session *session, enum members_left left)
{
	if (left == LEFT_LAST && !closer_start(session))
		session_let_go(session);
	return left == LEFT_LAST;
}

static bool leave(struct session *session, enum member_end end)
{
	return see_to_end(session, session_leave(session, end));
}

static void go_alone(struct session *session)
{
	(void)see_to_end(session, session_go_alone(session));
	members_close(&session->membership);
}

/* A session that is not admitted holds nobody while it says so to its client. */
static void turn_away(struct session *session, const char *refusal)
{
	log_info("session refused: %s", refusal);
	session_show_refused(session);
	if (leave(session, END_REFUSED))
		session_free(session);
}

/* Who runs this: root's table has the name of whom the PAM module has let in.  0, or -ENOENT. */
static int find_self(const struct session *session, struct options *options)
{
	const struct passwd *entry;

	if (session_user(session) != NULL) {
		options->self = (struct passwd){
		    .pw_name = (char *)(uintptr_t)session_user(session), .pw_uid = getuid()};
		return 0;
	}
	entry = self_find();
	if (entry != NULL)
		options->self = *entry;
	return entry == NULL ? -ENOENT : 0;
}

/* Joins, serves, leaves.  Returns the exit status. */
static int serve(struct options *options)
{
	/* Zero already: large, and mostly never touched. */
	static struct server server;
	struct session session;
	char refusal[SESSION_TEXT_MAX], address[64];
	struct engine_result result = {.status = exit_fatal};
	int rc;

	session_begin(&session, options);
	if (find_self(&session, options) != 0) {
		fprintf(
		    stderr, "sftp-server: No user found for uid %lu\n", (unsigned long)getuid());
		return exit_no_user;
	}
	client_address(address, sizeof(address));
	log_info("session opened for local user %s from [%s]", options->self.pw_name, address);
	server.options = options;
	server.session = &session;
	if (session_join(&session, refusal) != 0) {
		server.refusal = refusal;
		turn_away(&session, refusal);
	} else if (session_is_listed(&session)) {
		session.on_order = closer_guard;
	} else {
		go_alone(&session);
	}
	enter_start_directory(options);
	handle_table_init(&server.handles, handle_limit());
	rc = engine_run(&server, STDIN_FILENO, STDOUT_FILENO, &result);
	if (rc != 0)
		log_error("cannot start: %s", strerror(-rc));
	close_handles(&server);
	log_info("session closed for local user %s from [%s]", options->self.pw_name, address);
	/* Locks and mappings end with the process, which is cheaper than one by one. */
	(void)leave(&session, result.forced ? END_FORCED : END_CLEAN);
	return result.status;
}

int main(int argc, char **argv)
{
	struct options options;
	int status = 0;

	fill_standard_descriptors();
	if (options_parse(argc, argv, &options, &status) != OPTIONS_RUN)
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
