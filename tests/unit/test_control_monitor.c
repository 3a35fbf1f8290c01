/* unit tests: waiting for connections whose monitor closes, ends, or was killed. */
#include "control/options.h"
#include "control/target.h"
#include "control/watch.h"
#include "control_scratch.h"
#include "table/members_file.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(monitors, .init = make_dirs, .fini = remove_dirs, .timeout = 60);

/* A monitor that closes, releases and ends, with pauses between. */
static pid_t start_monitor(unsigned int closing_ms, unsigned int ending_ms)
{
	int ready;
	pid_t pid = fork_ready(&ready);

	if (pid > 0)
		return pid;
	open_connection();
	if (table_begin_closing(&table, ref) != 0 || write(ready, "", 1) != 1)
		_exit(1);
	clock_sleep_ns(closing_ms * NS_PER_MS);
	members_remove(shmdir, ref);
	if (table_release(&table, ref) != 0)
		_exit(1);
	clock_sleep_ns(ending_ms * NS_PER_MS);
	_exit(0);
}

Test(monitors, closing_connection_until_its_monitor_ends)
{
	start_monitor(200, 200);
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_gt(result.took_ns, 350 * NS_PER_MS);
	cr_expect_lt(result.took_ns, 900 * NS_PER_MS, "not woken by the end");
}

/* A monitor whose own session is the last one out and closes the connection. */
static void start_closer(void)
{
	struct membership membership;
	int ready;

	if (fork_ready(&ready) > 0)
		return;
	open_connection();
	if (members_open(shmdir, ref, &membership) != 0 || members_join(&membership) != 0 ||
	    write(ready, "", 1) != 1 || members_leave(&membership, END_CLEAN) != LEFT_LAST)
		_exit(1);
	members_begin_closing(&membership);
	clock_sleep_ns(150 * NS_PER_MS);
	members_close(&membership);
	/* Nobody is left, and the monitor has not noticed yet. */
	clock_sleep_ns(150 * NS_PER_MS);
	if (table_begin_closing(&table, ref) != 0 || table_release(&table, ref) != 0)
		_exit(1);
	clock_sleep_ns(100 * NS_PER_MS);
	_exit(0);
}

Test(monitors, closer_until_the_monitor_ends)
{
	start_closer();
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_gt(result.took_ns, 350 * NS_PER_MS);
	cr_expect_lt(result.took_ns, 900 * NS_PER_MS, "not woken by the end");
}

Test(monitors, released_connection_is_bounded)
{
	start_monitor(100, 60000);
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_gt(result.took_ns, 4 * NS_PER_S);
	cr_expect_lt(result.took_ns, 8 * NS_PER_S);
}

Test(monitors, dead_monitor_holds_nobody)
{
	pid_t monitor = start_monitor(60000, 0);

	run("wait --timeout 100ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	EXPECT_IN(result.err, "its sshd, ");
	end_child(monitor);
	run("wait --timeout 5s");
	EXPECT_STATUS(STATUS_DONE);
	run("list");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_empty(result.out);
}

/* The module adds ends to an order's tally, but not that of a monitor that was killed. */
Test(monitors, killed_monitor_whose_entry_is_reaped)
{
	const struct options options = {
	    .rundir = rundir, .shmdir = shmdir, .config = "/nonexistent"};
	const struct target host = {.kind = TARGET_HOST};
	const uint64_t soon = 300 * NS_PER_MS;
	pid_t monitor, session, other;
	struct watch_ended ended;
	struct connection found;
	struct scope scope;
	struct watch watch;
	int ready;

	open_connection();
	other = start_session(STAYS, 0);
	monitor = fork_ready(&ready);
	if (monitor == 0) {
		open_connection();
		(void)!write(ready, "", 1);
		pause();
		_exit(0);
	}
	ref.slot++;
	cr_assert_eq(table_read_connection(&table, ref.slot, &found), 0);
	ref = found.ref;
	run("close");
	see_host_order();
	session = start_session(STAYS, 0);
	cr_assert_eq(scope_open(&scope, &options, &host, SCOPE_READ), 0);
	cr_assert_eq(watch_begin(&watch, &scope, false), 0);
	end_child(monitor);
	end_child(session);
	cr_expect_eq(watch_run(&watch, &soon), -ETIMEDOUT);
	cr_assert(table_reap(&table, shmdir, ref.slot));
	end_child(other);
	child_count = 0;
	cr_expect_eq(watch_run(&watch, NULL), 0);
	ended = watch_read_ended(&watch);
	cr_expect_eq(ended.clean, 0);
	cr_expect_eq(ended.forced, 2);
	watch_end(&watch);
	scope_close(&scope);
}

/* A user who spoils his members file must not break the waiting for all others. */
Test(monitors, spoilt_file_counts_as_live)
{
	char path[128];

	open_connection();
	snprintf(path, sizeof(path), "%s/0.1", shmdir);
	cr_assert_eq(chmod(path, 0644), 0);
	run("wait --timeout 100ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert_eq(truncate(path, 0), 0);
	start_monitor(0, 0);
	run("wait --timeout 5s");
	EXPECT_STATUS(STATUS_DONE);
}
