/* unit tests: orders given and taken back by the operator's command. */
#include "control/target.h"
#include "control_scratch.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(orders, .init = make_dirs, .fini = remove_dirs, .timeout = 30);

static struct order order_on(const char *text)
{
	struct order_target order_target;
	struct target target;
	struct order order;

	cr_assert_eq(target_parse(text, &target), 0);
	order_target = target_of_order(&target);
	cr_assert_eq(table_read_order(&table, &order_target, &order, NULL), 0);
	return order;
}

Test(orders, host_is_the_default_and_repeats)
{
	struct order first, second;

	run("close --deadline 1h");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "host draining: drain as each policy says, deadline in 59m 5");
	EXPECT_IN(result.out, "s; sessions: 0, connections: 0\n");
	cr_assert_eq(table_open(rundir, true, &table), 0);
	first = order_on("host");
	run("close host --drain session --quiet");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_empty(result.out);
	second = order_on("host");
	cr_expect_eq(first.active, 1);
	cr_expect_eq(first.issued_ns, second.issued_ns);
	cr_expect_eq(first.deadline_ns, second.deadline_ns);
	cr_expect_eq(second.drain, POLICY_DRAIN_SESSION);
	run("reopen");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_eq(order_on("host").active, 0);
	run("reopen");
	EXPECT_STATUS(STATUS_DONE);
}

static volatile sig_atomic_t woken;

static void note_wake(int signal)
{
	(void)signal;
	woken = 1;
}

/* A session that ends, clean, once it is woken. */
static pid_t start_obedient_session(void)
{
	struct sigaction action = {.sa_handler = note_wake};
	struct membership membership;
	int ready;
	pid_t pid = fork_ready(&ready);

	if (pid > 0)
		return pid;
	sigaction(SIGURG, &action, NULL);
	if (members_open(shmdir, ref, &membership) != 0 || members_join(&membership) != 0 ||
	    write(ready, "", 1) != 1)
		_exit(1);
	while (!woken)
		clock_sleep_ns(10 * NS_PER_MS);
	end_session(&membership, ENDS_CLEAN, 0);
	_exit(1);
}

Test(orders, connection_is_woken_and_awaited)
{
	open_connection();
	start_obedient_session();
	start_obedient_session();
	run("close connection=0.1 --wait --timeout 10s");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "connection=0.1 draining: ");
	EXPECT_IN(result.out, "sessions: 2, connections: 1\n");
	EXPECT_IN(result.out, "no session left; ended: 2 clean, 0 by force\n");
	cr_expect_eq(order_on("connection=0.1").active, 1);
	run("reopen connection=0.1");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_eq(order_on("connection=0.1").active, 0);
}

/* G5: twice is once, and the first time counts. */
Test(orders, abort_repeats)
{
	struct order first, second;

	open_connection();
	run("close connection=0.1 --deadline 1h --message moving");
	start_obedient_session();
	run("abort connection=0.1");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "connection=0.1 draining: drain now, deadline passed, \"moving\"");
	EXPECT_IN(result.out, "no session left; ended: 1 clean, 0 by force\n");
	first = order_on("connection=0.1");
	run("abort -q connection=0.1 --message gone");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_empty(result.out);
	second = order_on("connection=0.1");
	cr_expect_eq(second.issued_ns, first.issued_ns);
	cr_expect_eq(second.deadline_ns, first.deadline_ns);
	cr_expect_str_eq(second.message, "gone");
	/* What is said after that counts. */
	run("close --drain session --deadline 1h connection=0.1");
	second = order_on("connection=0.1");
	cr_expect_gt(second.deadline_ns, clock_now_ns());
	cr_expect_eq(second.drain, POLICY_DRAIN_SESSION);
	run("abort connection=0.2");
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "abort: connection=0.2: no such connection");
}

/* Whom an order in force passes over, for the policy has admitted him since, an abort does not. */
Test(orders, abort_reaches_the_admitted)
{
	struct order before;

	open_connection();
	run("close -q --message moving");
	before = order_on("host");
	run("abort -q");
	cr_expect_eq(order_on("host").issued_ns, before.issued_ns, "nobody was passed over");
	newcomers_get = POLICY_ADMIT;
	open_connection();
	start_obedient_session();
	before = order_on("host");
	run("abort");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "no session left; ended: 1 clean, 0 by force\n");
	cr_expect_gt(order_on("host").issued_ns, before.issued_ns);
	cr_expect_gt(order_on("host").deadline_ns, before.deadline_ns);
	cr_expect_str_eq(order_on("host").message, "moving");
	open_connection();
	run("list -o connection,state");
	EXPECT_IN(result.out, "0.1         draining\n1.1         draining\n2.1         open\n");
}

Test(orders, unknown_connection)
{
	run("close connection=0.1");
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "close: connection=0.1: no such connection");
	cr_expect_eq(access(rundir, F_OK), -1, "an order for nobody made a table");
	open_connection();
	run("close connection=0.2");
	EXPECT_STATUS(STATUS_ERROR);
	run("reopen connection=4096.1");
	EXPECT_STATUS(STATUS_ERROR);
	run("close connection=%lu/1.1", (unsigned long)geteuid());
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "no such connection");
}

Test(orders, advisory_connection)
{
	char id[SCOPE_ID_MAX], quoted[SCOPE_ID_MAX + 16];
	pid_t pid = start_advisory_session(STAYS, 0, id);

	snprintf(quoted, sizeof(quoted), "\"id\": \"%s\"", id);
	run("list --json");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, quoted);
	EXPECT_IN(result.out, "198.51.100.1");
	run("close connection=%s --drain now --message bye", id);
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "drain now");
	EXPECT_IN(result.out, "sessions: 1, connections: 1");
	run("close connection=%s --deadline 1h", id);
	run("list --json connection=%s", id);
	EXPECT_IN(result.out, "\"state\": \"draining\"");
	EXPECT_IN(result.out, "\"drain\": \"now\"");
	EXPECT_IN(result.out, "\"message\": \"bye\"");
	run("reopen connection=%s", id);
	EXPECT_STATUS(STATUS_DONE);
	run("list --json user=%lu", (unsigned long)geteuid());
	EXPECT_IN(result.out, "\"state\": \"open\"");
	EXPECT_IN(result.out, "\"order\": null");
	end_child(pid);
	run("list");
	cr_expect_str_empty(result.out);
}

enum life {
	NO_SESSION_EVER,
	SESSION_LEFT,
	SESSION_THERE,
	SESSION_LEFT_GUARD_THERE,
	SESSION_LEFT_COMMAND_THERE,
	SESSION_ABOUT_TO_GO,
	CLOSER_THERE,
};

/* A monitor and, below it, the process that serves the connection for its user, which returns its end in
 * *served. */
static void start_sshd(enum life life, int *served)
{
	int ready, ends[2];

	cr_assert_eq(pipe(ends), 0);
	*served = ends[0];
	if (fork_ready(&ready) > 0) {
		close(ends[1]);
		return;
	}
	signal(SIGTERM, SIG_DFL);
	open_connection();
	if (fork() == 0) {
		struct membership membership;

		if (members_open(shmdir, ref, &membership) != 0)
			_exit(1);
		if (life != NO_SESSION_EVER && members_join(&membership) != 0)
			_exit(1);
		if (life >= SESSION_LEFT && life != SESSION_THERE) {
			members_leave(&membership, END_CLEAN);
			if (life < SESSION_ABOUT_TO_GO)
				members_stop_closing(&membership);
		}
		if (life == SESSION_LEFT_GUARD_THERE && members_become_guard(&membership) != 0)
			_exit(1);
		if (life == SESSION_LEFT_COMMAND_THERE && fork() == 0) {
			close(ends[1]);
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!write(ready, "", 1);
		if (life == SESSION_ABOUT_TO_GO) {
			/* So that the command comes first. */
			clock_sleep_ns(30 * NS_PER_MS);
			members_stop_closing(&membership);
		}
		pause();
		_exit(0);
	}
	close(ends[1]);
	close(ready);
	pause();
	_exit(0);
}

static bool ends_soon(int served)
{
	struct pollfd end = {.fd = served, .events = POLLIN};
	bool ended = poll(&end, 1, 300) == 1;

	close(served);
	return ended;
}

/* G3: an order that finds a connection whose sessions are over ends it; nobody else would. */
Test(orders, connection_without_a_session)
{
	static const struct {
		enum life life;
		bool ends;
	} cases[] = {
	    {NO_SESSION_EVER, false},
	    {SESSION_LEFT, true},
	    {SESSION_THERE, false},
	    {SESSION_LEFT_GUARD_THERE, false},
	    {SESSION_LEFT_COMMAND_THERE, false},
	    {SESSION_ABOUT_TO_GO, true},
	    {CLOSER_THERE, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int served;

		start_sshd(cases[i].life, &served);
		run("close");
		EXPECT_STATUS(STATUS_DONE);
		cr_expect_eq(ends_soon(served), cases[i].ends, "case %zu", i);
		cr_expect_eq(
		    strstr(result.out, "without a session and ended: 1") != NULL, cases[i].ends);
		end_child(children[--child_count]);
		run("reopen");
	}
}

/* A guard is woken as a session is: reopen sends it home. */
Test(orders, a_guard_is_woken)
{
	struct membership membership;
	int ready, status, number = 0;
	sigset_t wake;
	pid_t pid;

	open_connection();
	/* SIGURG is taken only where it is blocked: its default is to be ignored. */
	sigemptyset(&wake);
	sigaddset(&wake, SIGURG);
	sigprocmask(SIG_BLOCK, &wake, NULL);
	pid = fork_ready(&ready);
	if (pid == 0) {
		if (members_open(shmdir, ref, &membership) != 0 ||
		    members_become_guard(&membership) != 0 || write(ready, "", 1) != 1)
			_exit(1);
		_exit(sigwait(&wake, &number) == 0 && number == SIGURG ? 7 : 1);
	}
	run("reopen");
	child_count--;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
