/* Tests of the PAM module: its hooks as an application calls them, through libpam and the built
 * module, with a service file of the test's own.  No sshd: that is tests/e2e. */
#include "service.h"
#include "table/members.h"
#include "table/table.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(pam, .init = service_begin, .fini = service_end, .timeout = 60);

static struct connection_ref exported(pam_handle_t *pamh)
{
	const char *variable = pam_getenv(pamh, "SFTP_DRAIN_CONNECTION");
	struct connection_ref ref;

	cr_assert_not_null(variable, "not registered");
	cr_assert_eq(connection_ref_parse(variable, &ref), 0);
	return ref;
}

static struct table open_table(void)
{
	struct table table;

	cr_assert_eq(table_open_or_create(service_rundir, &table), 0);
	return table;
}

static bool file_exists(struct connection_ref ref)
{
	char text[CONNECTION_REF_TEXT_MAX], path[160];

	snprintf(path, sizeof(path), "%s/%s", service_shmdir, connection_ref_format(ref, text));
	return access(path, F_OK) == 0;
}

Test(pam, a_connection_is_registered_and_released)
{
	struct passwd *nobody = getpwnam("nobody");
	pam_handle_t *pamh = service_start("nobody");
	struct connection connection;
	struct connection_ref ref;
	struct table table;

	service_configure("default = { deadline = \"7m\"; };\n");
	cr_assert_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	ref = exported(pamh);
	table = open_table();
	cr_assert_eq(table_find_connection(&table, ref, &connection), 0);
	cr_expect_eq(connection.state, ENTRY_OPEN);
	cr_expect_eq(connection.monitor.pid, getpid());
	cr_expect_eq(connection.uid, nobody->pw_uid);
	cr_expect_str_eq(connection.user, "nobody");
	cr_expect_str_eq(connection.address, "192.0.2.9");
	cr_expect_eq(connection.policy.deadline_ns, 420 * NS_PER_S);
	cr_expect(file_exists(ref));
	cr_assert_eq(pam_open_session(pamh, 0), PAM_SUCCESS, "a second time");
	cr_expect_eq(exported(pamh).generation, ref.generation);
	cr_assert_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(table_find_connection(&table, ref, &connection), -ENOENT);
	cr_expect(!file_exists(ref));
	cr_assert_eq(pam_close_session(pamh, 0), PAM_SUCCESS, "a second time");
	cr_assert_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
	table_close(&table);
}

Test(pam, a_handle_that_ends_without_close_leaves_nothing)
{
	pam_handle_t *pamh = service_start("nobody");
	struct connection connection;
	struct connection_ref ref;
	struct table table;

	cr_assert_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	ref = exported(pamh);
	cr_assert_eq(pam_end(pamh, PAM_ABORT), PAM_SUCCESS);
	table = open_table();
	cr_expect_eq(table_find_connection(&table, ref, &connection), -ENOENT);
	cr_expect(!file_exists(ref));
	table_close(&table);
}

/* A forked child ends its copy of the handle, as sshd's does: the parent's entry stays. */
Test(pam, a_child_does_not_release_its_parents_entry)
{
	pam_handle_t *pamh = service_start("nobody");
	struct connection connection;
	struct connection_ref ref;
	struct table table;
	pid_t pid;

	cr_assert_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	ref = exported(pamh);
	pid = fork();
	if (pid == 0) {
		pam_end(pamh, PAM_SUCCESS);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	table = open_table();
	cr_expect_eq(table_find_connection(&table, ref, &connection), 0);
	cr_expect(file_exists(ref));
	pam_close_session(pamh, 0);
	pam_end(pamh, PAM_SUCCESS);
	table_close(&table);
}

/* A child that is a member of the connection, and lasts for that long or until SIGTERM or SIGKILL. */
static pid_t start_member(struct connection_ref ref, uint64_t for_ns, bool stubborn)
{
	const struct order_target host = {.scope = SCOPE_HOST};
	struct drain_plan plan = {.drain = POLICY_DRAIN_UNSET};
	struct table table = open_table();
	struct order order;
	struct passwd *nobody = getpwnam("nobody");
	int ready[2];
	char byte;
	pid_t pid;

	/* It has seen the order on the host, if there is one. */
	if (table_read_order(&table, &host, &order, NULL) == 0)
		plan.issued_ns[SCOPE_HOST] = order.issued_ns;
	table_close(&table);
	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct membership own;

		if (setgid(nobody->pw_gid) != 0 || setuid(nobody->pw_uid) != 0 ||
		    members_open(service_shmdir, ref, &own) != 0 || members_join(&own) != 0)
			_exit(1);
		atomic_store(&members_row(&own)->state, MEMBER_ACTIVE);
		members_show_orders(&own, &plan);
		if (stubborn)
			signal(SIGTERM, SIG_IGN);
		(void)!write(ready[1], "", 1);
		clock_sleep_ns(for_ns);
		while (stubborn)
			pause();
		members_leave(&own, END_CLEAN);
		_exit(0);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

Test(pam, close_waits_for_the_sessions)
{
	const struct order_target host = {.scope = SCOPE_HOST};
	const struct order_change change = {.drain = POLICY_DRAIN_UNSET};
	pam_handle_t *pamh = service_start("nobody");
	struct order_tally tally;
	struct connection_ref ref;
	struct table table;
	struct order order;
	uint64_t began;
	pid_t member;
	int status;

	cr_assert_eq(chmod(service_dir, 0755), 0);
	cr_assert_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	ref = exported(pamh);
	table = open_table();
	/* Whoever has ended before the order is not counted under it. */
	member = start_member(ref, 0, false);
	cr_expect_eq(waitpid(member, &status, 0), member);
	cr_assert_eq(table_order(&table, &host, &change), 0);
	member = start_member(ref, 600 * NS_PER_MS, false);
	began = clock_now_ns();
	cr_assert_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	cr_expect_geq(clock_now_ns() - began, 400 * NS_PER_MS, "did not wait");
	cr_expect_eq(waitpid(member, &status, 0), member);
	cr_expect_eq(status, 0, "was not left to end by itself");
	cr_expect_eq(table_connection_state(&table, ref), ENTRY_FREE);
	cr_assert_eq(table_read_order(&table, &host, &order, &tally), 0);
	cr_expect_eq(tally.clean, 1);
	cr_expect_eq(tally.forced, 0);
	pam_end(pamh, PAM_SUCCESS);
	table_close(&table);
}

Test(pam, close_ends_sessions_at_the_deadline)
{
	const struct order_target host = {.scope = SCOPE_HOST};
	const struct order_change change = {.drain = POLICY_DRAIN_UNSET};
	pam_handle_t *pamh = service_start("nobody");
	struct order_tally tally;
	struct table table;
	struct order order;
	uint64_t began;
	pid_t member;
	int status;

	service_configure("default = { deadline = \"300ms\"; };\n");
	cr_assert_eq(chmod(service_dir, 0755), 0);
	cr_assert_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	table = open_table();
	cr_assert_eq(table_order(&table, &host, &change), 0);
	member = start_member(exported(pamh), 0, true);
	began = clock_now_ns();
	cr_assert_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	/* SIGTERM at the deadline, which this one ignores, and SIGKILL two seconds later. */
	cr_expect_geq(clock_now_ns() - began, 2300 * NS_PER_MS);
	cr_expect_eq(waitpid(member, &status, 0), member);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_assert_eq(table_read_order(&table, &host, &order, &tally), 0);
	cr_expect_eq(tally.forced, 1);
	pam_end(pamh, PAM_SUCCESS);
	table_close(&table);
}

Test(pam, logins_during_a_drain)
{
	const struct order_target host = {.scope = SCOPE_HOST};
	const struct order_change change = {.message = "back at noon"};
	struct table table = open_table();
	pam_handle_t *pamh = service_start("nobody");

	cr_assert_eq(table_order(&table, &host, &change), 0);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS, "by default logins pass");
	service_configure("default = { while_draining = \"refuse-login\"; };\n");
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	cr_expect_str_eq(service_said, "server is draining: back at noon");
	service_said[0] = '\0';
	cr_expect_eq(pam_acct_mgmt(pamh, PAM_SILENT), PAM_PERM_DENIED);
	cr_expect_str_eq(service_said, "");
	cr_assert_eq(table_reopen(&table, &host), 0);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, PAM_SUCCESS);
	table_close(&table);
}

Test(pam, what_is_broken_locks_nobody_out)
{
	pam_handle_t *pamh = service_start("nobody");

	service_configure("default = { nonsense\n");
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_expect(service_has_logged("conf:2: "));
	cr_assert_eq(chmod(service_rundir, 0777), 0);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_null(pam_getenv(pamh, "SFTP_DRAIN_CONNECTION"));
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(chmod(service_rundir, 0755), 0);
	cr_assert_eq(mkdir(service_shmdir, 0700), 0);
	cr_assert_eq(chmod(service_shmdir, 0777), 0);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_null(pam_getenv(pamh, "SFTP_DRAIN_CONNECTION"));
	cr_assert_eq(chmod(service_shmdir, 0711), 0);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_not_null(pam_getenv(pamh, "SFTP_DRAIN_CONNECTION"), "the policy is broken only");
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, PAM_SUCCESS);
}

/* As behind pam_limits with a limit on file sizes: SIGXFSZ would end sshd. */
Test(pam, a_limit_on_file_sizes_is_survived_and_kept)
{
	struct rlimit limit, after;
	pam_handle_t *pamh = service_start("nobody");

	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 1000;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_not_null(pam_getenv(pamh, "SFTP_DRAIN_CONNECTION"));
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &after), 0);
	cr_expect_eq(after.rlim_cur, limit.rlim_cur);
	cr_expect_eq(after.rlim_max, limit.rlim_max);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	/* Where it cannot be lifted, at worst the connection is not registered. */
	limit.rlim_max = 1000;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, PAM_SUCCESS);
}

Test(pam, a_user_who_does_not_exist)
{
	pam_handle_t *pamh = service_start("no-such-user-here");

	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_USER_UNKNOWN);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_null(pam_getenv(pamh, "SFTP_DRAIN_CONNECTION"));
	pam_end(pamh, PAM_SUCCESS);
}
