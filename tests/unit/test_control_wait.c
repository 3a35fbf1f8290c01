/* unit tests: waiting until nothing is live. */
#include "control/options.h"
#include "control/target.h"
#include "control/watch.h"
#include "control_scratch.h"
#include "silent_mount.h"
#include "table/members_file.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(waiting, .init = make_dirs, .fini = remove_dirs, .timeout = 60);

Test(waiting, nothing_is_live)
{
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	open_connection();
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_lt(result.took_ns, NS_PER_S);
	run("wait connection=0.2");
	EXPECT_STATUS(STATUS_DONE);
}

Test(waiting, clean_end)
{
	open_connection();
	start_session(ENDS_CLEAN, 1200);
	start_session(ENDS_CLEAN, 1000);
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_eq(result.out, "host: no session left; ended: 2 clean, 0 by force\n");
	cr_expect_gt(result.took_ns, 200 * NS_PER_MS);
	cr_expect_lt(result.took_ns, 1800 * NS_PER_MS, "not woken by the end");
}

/* G6: a lease on a user's own file makes root's open fail; that must end nobody's wait. */
Test(waiting, a_lease_on_a_members_file)
{
	char text[CONNECTION_REF_TEXT_MAX], path[160];
	sigset_t lease;
	int fd;

	open_connection();
	snprintf(path, sizeof(path), "%s/%s", shmdir, connection_ref_format(ref, text));
	fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0)
		cr_skip_test("this file system has no leases");
	sigemptyset(&lease);
	sigaddset(&lease, SIGIO);
	sigprocmask(SIG_BLOCK, &lease, NULL);
	run("wait --timeout 300ms");
	cr_expect_neq(result.status, STATUS_ERROR, "%s", result.err);
	close(fd);
}

/* G6: what a user mounts over his members file makes root neither fail nor wait for it. */
static void wait_beside_a_mount(bool others_too)
{
	char text[CONNECTION_REF_TEXT_MAX], path[160];

	open_connection_of(NOBODY);
	snprintf(path, sizeof(path), "%s/%s", shmdir, connection_ref_format(ref, text));
	if (!silent_mount(path, NOBODY, others_too)) {
		remove_dirs();
		cr_skip_test("mounting a fuse file system needs root and /dev/fuse");
	}
	run("wait --timeout 300ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	run("list");
	EXPECT_STATUS(STATUS_DONE);
	run("close --wait --timeout 300ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	open_connection();
	start_session(ENDS_CLEAN, 1000);
	run("wait --timeout 5s connection=%s", connection_ref_format(ref, text));
	EXPECT_STATUS(STATUS_DONE);
	silent_unmount(path);
}

Test(waiting, a_mount_over_a_members_file)
{
	wait_beside_a_mount(false);
}

Test(waiting, a_mount_over_a_members_file_for_all)
{
	wait_beside_a_mount(true);
}

Test(waiting, a_mount_over_an_advisory_directory)
{
	char path[128];

	snprintf(path, sizeof(path), "%s-%d", shmdir, NOBODY);
	cr_assert_eq(mkdir(path, 0700), 0);
	if (chown(path, NOBODY, NOBODY) != 0 || !silent_mount(path, NOBODY, true)) {
		remove_dirs();
		cr_skip_test("mounting a fuse file system needs root and /dev/fuse");
	}
	run("wait --timeout 300ms");
	EXPECT_STATUS(STATUS_DONE);
	run("list user=%d", NOBODY);
	EXPECT_STATUS(STATUS_DONE);
	run("close connection=%d/1.1", NOBODY);
	EXPECT_STATUS(STATUS_ERROR);
	silent_unmount(path);
}

Test(waiting, processes_are_held_not_polled)
{
	const struct options options = {
	    .rundir = rundir, .shmdir = shmdir, .config = "/nonexistent"};
	const struct target host = {.kind = TARGET_HOST};
	struct scope scope;
	struct watch watch;

	open_connection();
	start_session(STAYS, 0);
	start_session(STAYS, 0);
	cr_assert_eq(scope_open(&scope, &options, &host, SCOPE_READ), 0);
	cr_assert_eq(watch_begin(&watch, &scope, false), 0);
	cr_expect_eq(watch.live, 1);
	cr_expect_eq(watch.fds.pins, 3, "two sessions and the monitor");
	cr_expect_eq(watch.fds.loose, 0);
	watch_end(&watch);
	scope_close(&scope);
}

Test(waiting, forced_end)
{
	open_connection();
	start_session(ENDS_FORCED, 1000);
	start_session(ENDS_CLEAN, 1000);
	run("wait -q user=%lu", (unsigned long)geteuid());
	EXPECT_STATUS(STATUS_FORCED);
	cr_expect_str_empty(result.out);
}

Test(waiting, killed_is_forced)
{
	open_connection();
	/* Long enough for `wait` to see it alive, on a busy machine too. */
	start_session(ENDS_KILLED, 1500);
	run("wait connection=0.1");
	EXPECT_STATUS(STATUS_FORCED);
	EXPECT_IN(result.out, "ended: 0 clean, 1 by force");
	/* That was then; nobody ends by force now. */
	run("wait connection=0.1");
	EXPECT_STATUS(STATUS_DONE);
}

Test(waiting, times_out)
{
	char text[32];

	open_connection();
	snprintf(text, sizeof(text), "session %d\n", (int)start_session(STAYS, 0));
	run("wait --timeout 200ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	EXPECT_IN(result.err, "connection 0.1 of m\\033ila: ");
	EXPECT_IN(result.err, text);
	cr_expect_lt(result.took_ns, 900 * NS_PER_MS);
}

/* An order whose deadline passed long ago. */
static void order_of_yesterday(void)
{
	const struct order order = {
	    .active = 1, .drain = POLICY_DRAIN_NOW, .issued_ns = 1, .deadline_ns = 1};

	order_write(&table.header->host, &order);
}

static pid_t start_nobodys_session(bool stubborn)
{
	struct membership membership;
	int ready;
	pid_t pid = fork_ready(&ready);

	if (pid > 0)
		return pid;
	signal(SIGTERM, stubborn ? SIG_IGN : SIG_DFL);
	if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0 ||
	    members_open(shmdir, ref, &membership) != 0 || members_join(&membership) != 0)
		_exit(1);
	show_work(&membership);
	if (write(ready, "", 1) != 1)
		_exit(1);
	end_session(&membership, STAYS, 0);
	_exit(1);
}

/* G9: root's waiting carries out what an order has given up; G5: another's only watches. */
Test(waiting, of_root_ends_what_a_deadline_left_over)
{
	pid_t obedient, stubborn;

	if (geteuid() != 0)
		cr_skip_test("takes root");
	open_connection_of(NOBODY);
	obedient = start_nobodys_session(false);
	stubborn = start_nobodys_session(true);
	order_of_yesterday();
	cr_expect_eq(
	    status_as_nobody("wait --timeout 300ms user=65534", "timed out"), STATUS_TIMED_OUT);
	cr_expect_eq(waitpid(obedient, NULL, WNOHANG), 0);
	cr_expect_eq(waitpid(stubborn, NULL, WNOHANG), 0);
	run("wait --timeout 30s");
	EXPECT_STATUS(STATUS_FORCED);
	EXPECT_IN(result.out, "ended: 0 clean, 2 by force");
	cr_expect_gt(result.took_ns, 1500 * NS_PER_MS, "SIGKILL before its time");
	cr_expect_lt(result.took_ns, 10 * NS_PER_S);
}

/* G5: a deadline that has passed and is put off ends nobody any more, by whoever puts it off either. */
Test(waiting, close_puts_a_deadline_off_before_it_looks_at_it)
{
	pid_t session;

	if (geteuid() != 0)
		cr_skip_test("takes root");
	open_connection_of(NOBODY);
	session = start_nobodys_session(false);
	order_of_yesterday();
	run("close --deadline 1h --wait --timeout 300ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	cr_expect_eq(waitpid(session, NULL, WNOHANG), 0, "it has been ended");
}

Test(waiting, tallies_count_who_ended_before)
{
	open_connection();
	run("close");
	table_count_ended(&table, &(struct order_target){.scope = SCOPE_HOST}, 4, 1);
	run("wait");
	EXPECT_STATUS(STATUS_FORCED);
	EXPECT_IN(result.out, "ended: 4 clean, 1 by force");
	run("wait connection=0.1");
	EXPECT_STATUS(STATUS_DONE);
	run("reopen");
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
}

/* Waits for a session to end; the next that joins takes its row over when again is set. */
static void await_session(pid_t pid, bool again)
{
	siginfo_t info;

	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	for (int i = 0; again && i < MEMBERS_ROWS; i++) {
		struct membership membership;

		cr_assert_eq(members_open(shmdir, ref, &membership), 0);
		cr_assert_eq(members_join(&membership), 0);
		members_leave(&membership, END_REFUSED);
		members_close(&membership);
	}
}

/* G5: whoever was killed before the order is no business of it. */
Test(waiting, killed_before_the_order)
{
	for (int again = 0; again < 2; again++) {
		open_connection();
		await_session(start_session(ENDS_KILLED, 0), again != 0);
		run("close");
		see_host_order();
		start_session(ENDS_CLEAN, 1000);
		run("wait");
		EXPECT_STATUS(STATUS_DONE);
		EXPECT_IN(result.out, "ended: 1 clean, 0 by force");
		run("reopen");
		sessions_see = (struct drain_plan){.issued_ns = {0}};
	}
}

/* G5: whoever was killed under it is, also when that was before the waiting and the connection stays. */
Test(waiting, killed_under_the_order_before_the_waiting)
{
	for (int again = 0; again < 2; again++) {
		open_connection();
		run("close");
		see_host_order();
		await_session(start_session(ENDS_CLEAN, 0), false);
		await_session(start_session(ENDS_KILLED, 0), again != 0);
		run("wait");
		EXPECT_STATUS(STATUS_FORCED);
		EXPECT_IN(result.out, "ended: 1 clean, 1 by force");
		run("wait user=%lu", (unsigned long)geteuid());
		EXPECT_STATUS(STATUS_DONE);
		/* What has gone into the tally stands there alone, once the entry is free. */
		members_remove(shmdir, ref);
		cr_assert_eq(table_release(&table, ref), 0);
		table_count_ended(&table, &(struct order_target){.scope = SCOPE_HOST}, 1, 1);
		run("wait");
		EXPECT_IN(result.out, "ended: 1 clean, 1 by force");
		run("reopen");
		run("wait");
		EXPECT_STATUS(STATUS_DONE);
		sessions_see = (struct drain_plan){.issued_ns = {0}};
	}
}

/* The order on one connection: its sessions' ends, before the waiting too. */
Test(waiting, killed_under_the_connections_order)
{
	char text[CONNECTION_REF_TEXT_MAX];
	struct connection connection;

	open_connection();
	connection_ref_format(ref, text);
	run("close connection=%s", text);
	cr_assert_eq(table_find_connection(&table, ref, &connection), 0);
	sessions_see =
	    (struct drain_plan){.issued_ns[SCOPE_CONNECTION] = connection.order.issued_ns};
	await_session(start_session(ENDS_KILLED, 0), false);
	run("wait connection=%s", text);
	EXPECT_STATUS(STATUS_FORCED);
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
}

Test(waiting, killed_under_the_order_and_advisory)
{
	char id[SCOPE_ID_MAX];

	open_connection();
	run("close");
	see_host_order();
	start_advisory_session(ENDS_CLEAN, 500, id);
	await_session(start_advisory_session(ENDS_KILLED, 0, id), false);
	run("wait");
	EXPECT_STATUS(STATUS_FORCED);
}

Test(waiting, forked_child_keeps_the_membership)
{
	struct membership membership;
	int ready;

	open_connection();
	if (fork_ready(&ready) == 0) {
		if (members_open(shmdir, ref, &membership) != 0 || members_join(&membership) != 0)
			_exit(1);
		if (fork() == 0) {
			clock_sleep_ns(300 * NS_PER_MS);
			_exit(0);
		}
		(void)!write(ready, "", 1);
		_exit(0);
	}
	run("wait");
	EXPECT_STATUS(STATUS_FORCED);
	cr_expect_gt(result.took_ns, 200 * NS_PER_MS);
	cr_expect_lt(result.took_ns, 900 * NS_PER_MS);
}

Test(waiting, advisory_connection)
{
	char id[SCOPE_ID_MAX];

	start_advisory_session(ENDS_KILLED, 1000, id);
	run("wait");
	EXPECT_STATUS(STATUS_FORCED);
	run("wait connection=%s", id);
	EXPECT_STATUS(STATUS_DONE);
}

/* The last session of an advisory connection takes the file's name away; a later one makes a file anew. */
Test(waiting, advisory_connection_that_is_left_and_joined_again)
{
	const struct options options = {
	    .rundir = rundir, .shmdir = shmdir, .config = "/nonexistent"};
	const struct target host = {.kind = TARGET_HOST};
	const uint64_t soon = 300 * NS_PER_MS;
	struct watch_ended ended;
	char id[SCOPE_ID_MAX];
	struct scope scope;
	struct watch watch;
	pid_t pid;

	pid = start_advisory_session(ENDS_KILLED, 200, id);
	cr_assert_eq(scope_open(&scope, &options, &host, SCOPE_READ), 0);
	cr_assert_eq(watch_begin(&watch, &scope, false), 0);
	await_session(pid, false);
	remove_advisory(id);
	pid = start_advisory_session(ENDS_CLEAN, 600, id);
	cr_expect_eq(watch_run(&watch, &soon), -ETIMEDOUT, "a session is there");
	cr_expect_eq(watch_run(&watch, NULL), 0);
	ended = watch_read_ended(&watch);
	cr_expect_eq(ended.clean, 1);
	cr_expect_eq(ended.forced, 1);
	watch_end(&watch);
	scope_close(&scope);
}

Test(waiting, many_sessions)
{
	for (int i = 0; i < 16; i++) {
		open_connection();
		for (unsigned int j = 0; j < 3; j++)
			start_session(ENDS_CLEAN, 1000 + 50 * j);
	}
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "by force");
	cr_expect_lt(result.took_ns, 3 * NS_PER_S);
}
