/* unit tests: the forced end of what a deadline has left over, step by step: its clock is the test's.  Sessions,
 * guards, sshd and its monitor are real children. */
#include "control/force.h"
#include "table/lock.h"
#include "table/members.h"
#include "table_scratch.h"
#include "util/clock.h"
#include "util/safe_open.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define DEADLINE UINT64_C(1000000000000)
#define DUE (DEADLINE + FORCE_GRACE_NS)
#define KILL_DUE (DUE + LATE_SIGNAL_NS)

static struct connection connection;
static struct members_reader reader;
static struct force force;
static struct drain_plan plan;

static void set_up(void)
{
	scratch_begin();
	connection = scratch_connection();
	connection.ref = (struct connection_ref){.slot = 3, .generation = 9};
	reader.fd = -1;
	plan = (struct drain_plan){.drain = POLICY_DRAIN_SESSION, .deadline_ns = DEADLINE};
}

static void tear_down(void)
{
	members_reader_close(&reader);
	scratch_end();
}

TestSuite(force, .init = set_up, .fini = tear_down, .timeout = 60);

static void make_file(uid_t uid, gid_t gid)
{
	connection.uid = uid;
	cr_assert_eq(members_create(scratch_shmdir, connection.ref, uid, gid), 0);
	cr_assert_eq(members_reader_open(scratch_shmdir, &connection, &reader), 0);
}

static uint64_t step(uint64_t now_ns)
{
	return force_step(&force, &connection, false, &reader, &plan, now_ns);
}

static void leave_properly(int signal)
{
	(void)signal;
	_exit(7);
}

enum conduct {
	ENDS_AT_SIGTERM,
	IGNORES_SIGTERM,
	IS_STOPPED, /* and ends properly once it goes on */
	IS_GUARD,   /* no session, and ignores SIGTERM */
};

static pid_t start(enum conduct conduct)
{
	struct membership own;
	int ready[2], status;
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGTERM, conduct == ENDS_AT_SIGTERM ? SIG_DFL : SIG_IGN);
		if (conduct == IS_STOPPED)
			signal(SIGTERM, leave_properly);
		if (members_open(scratch_shmdir, connection.ref, &own) != 0 ||
		    (conduct == IS_GUARD ? members_become_guard(&own) : members_join(&own)) != 0)
			_exit(1);
		if (conduct != IS_GUARD)
			atomic_store(&members_row(&own)->state, MEMBER_ACTIVE);
		(void)!write(ready[1], "", 1);
		if (conduct == IS_STOPPED)
			raise(SIGSTOP);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1, "the child failed");
	close(ready[0]);
	if (conduct == IS_STOPPED)
		cr_assert(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	return pid;
}

static bool is_there(pid_t pid)
{
	int status;

	/* What it was sent takes its time. */
	clock_sleep_ns(100 * NS_PER_MS);
	return waitpid(pid, &status, WNOHANG) == 0;
}

static int end_of(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	(void)end_of(pid);
}

/* G5: waiting changes nothing that an order has not given up. */
Test(force, nothing_before_its_time)
{
	pid_t pid;

	make_file(geteuid(), getegid());
	pid = start(ENDS_AT_SIGTERM);
	plan.drain = POLICY_DRAIN_UNSET;
	cr_expect_eq(step(DUE + 1000 * NS_PER_S), UINT64_MAX, "without an order");
	plan.drain = POLICY_DRAIN_SESSION;
	cr_expect_eq(step(DEADLINE - 1), DUE);
	cr_expect_eq(step(DUE - 1), DUE, "within the grace");
	cr_expect(is_there(pid));
	end(pid);
}

/* G9: whoever does not end by himself is ended; G2: one that was stopped may do so even then. */
Test(force, step_by_step)
{
	pid_t obedient, stubborn, stopped, guard;
	int status;

	make_file(geteuid(), getegid());
	obedient = start(ENDS_AT_SIGTERM);
	stubborn = start(IGNORES_SIGTERM);
	stopped = start(IS_STOPPED);
	guard = start(IS_GUARD);
	cr_expect_eq(step(DUE), KILL_DUE);
	status = end_of(obedient);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	status = end_of(stopped);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 7, "it was not let go on");
	cr_expect_eq(step(KILL_DUE - 1), KILL_DUE);
	cr_expect(is_there(stubborn));
	step(KILL_DUE);
	status = end_of(stubborn);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_expect(is_there(guard), "the guard is to end the connection now");
	cr_expect_eq(step(KILL_DUE + NS_PER_S), UINT64_MAX);
	cr_expect_not(force_is_ending(&force, KILL_DUE + NS_PER_S), "the guard does that");
	end(guard);
}

/* G5: a deadline that is put off, and an order that is taken back, call it off in the middle. */
Test(force, called_off_in_the_middle)
{
	pid_t pid;

	make_file(geteuid(), getegid());
	pid = start(IGNORES_SIGTERM);
	cr_expect_eq(step(DUE), KILL_DUE);
	plan.deadline_ns += 60 * NS_PER_S;
	cr_expect_eq(step(KILL_DUE), DUE + 60 * NS_PER_S);
	plan.deadline_ns = DEADLINE;
	cr_expect_eq(step(KILL_DUE + 1), KILL_DUE + 1 + LATE_SIGNAL_NS, "it is to begin anew");
	plan.drain = POLICY_DRAIN_UNSET;
	cr_expect_eq(step(KILL_DUE + 10 * NS_PER_S), UINT64_MAX);
	cr_expect(is_there(pid));
	end(pid);
}

/* G9: but nobody by the time that another one had. */
Test(force, whoever_comes_later_has_his_time)
{
	pid_t pid;
	int status;

	make_file(geteuid(), getegid());
	pid = start(ENDS_AT_SIGTERM);
	cr_expect_eq(step(DUE), KILL_DUE);
	(void)end_of(pid);
	cr_expect_eq(step(DUE + 1), UINT64_MAX);
	pid = start(ENDS_AT_SIGTERM);
	cr_expect_eq(step(KILL_DUE), KILL_DUE + LATE_SIGNAL_NS);
	status = end_of(pid);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* G6: a row that names another user's process, rightly in every detail, is no way to have it killed. */
Test(force, nobody_elses_process)
{
	struct member_row row = {.state = MEMBER_ACTIVE};
	struct proc_stat stat;
	char path[128];
	pid_t pid;
	int fd;

	if (geteuid() != 0)
		cr_skip_test("only root can give files away");
	make_file(NOBODY, NOBODY);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "%s/3.9", scratch_shmdir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert_eq(lock_try(fd, LOCK_MEMBERS, LOCK_SHARED), 0);
	cr_assert_eq(lock_try(fd, LOCK_ROWS, LOCK_EXCLUSIVE), 0);
	cr_assert_eq(proc_read_stat(pid, &stat), 0);
	row.pid = (uint32_t)stat.id.pid;
	row.start = stat.id.start;
	cr_assert_eq(safe_pwrite(fd, &row, sizeof(row), MEMBERS_ROWS_AT), 0);
	cr_expect_eq(step(DUE), KILL_DUE);
	step(KILL_DUE);
	step(KILL_DUE + NS_PER_S);
	cr_expect(is_there(pid));
	end(pid);
	close(fd);
}

/* A monitor, below it the process that serves the connection for its user, below that a session, and perhaps
 * something else. */
static struct {
	pid_t monitor, session;
	int served; /* ends with sshd */
} tree;

static void run_session(int ready)
{
	struct membership own;

	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (members_open(scratch_shmdir, connection.ref, &own) != 0 || members_join(&own) != 0)
		_exit(1);
	atomic_store(&members_row(&own)->state, MEMBER_ACTIVE);
	(void)!write(ready, &(pid_t){getpid()}, sizeof(pid_t));
	for (;;)
		pause();
}

static void run_sshd(bool stubborn, bool shell, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, stubborn ? SIG_IGN : SIG_DFL);
	/* So that no child of its own is left as a zombie. */
	signal(SIGCHLD, SIG_IGN);
	if (shell && fork() == 0) {
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (fork() == 0)
		run_session(ready);
	for (;;)
		pause();
}

static void start_tree(bool stubborn, bool shell)
{
	struct table table;
	int ready[2], ends[2];

	cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	tree.monitor = fork();
	if (tree.monitor == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
		connection.ref = scratch_register(&table);
		close(ends[0]);
		if (fork() == 0)
			run_sshd(stubborn, shell, ready[1]);
		close(ends[1]);
		for (;;)
			pause();
	}
	close(ends[1]);
	tree.served = ends[0];
	cr_assert_eq(read(ready[0], &tree.session, sizeof(pid_t)), sizeof(pid_t));
	close(ready[0]);
	close(ready[1]);
	cr_assert_eq(table_open(scratch_rundir, false, &table), 0);
	connection.ref = (struct connection_ref){.slot = 0, .generation = 1};
	cr_assert_eq(table_find_connection(&table, connection.ref, &connection), 0);
	table_close(&table);
	cr_assert_eq(members_reader_open(scratch_shmdir, &connection, &reader), 0);
}

static void end_tree(void)
{
	end(tree.monitor);
	close(tree.served);
}

/* The session has the pipe too, so this is after its end. */
static bool sshd_ends(int within_ms)
{
	struct pollfd end_of_it = {.fd = tree.served, .events = POLLIN};

	return poll(&end_of_it, 1, within_ms) == 1;
}

static void kill_session(void)
{
	cr_expect_eq(step(DUE), KILL_DUE);
	step(KILL_DUE);
	for (int i = 0; i < 500 && members_any(&reader); i++)
		clock_sleep_ns(10 * NS_PER_MS);
	cr_assert_not(members_any(&reader));
}

/* G9: a connection whose only session was stopped before the order has no guard: nobody else would end it. */
Test(force, the_connection_of_a_killed_session)
{
	start_tree(false, false);
	kill_session();
	step(KILL_DUE + 1);
	cr_expect(sshd_ends(5000));
	cr_expect(force_is_ending(&force, KILL_DUE + NS_PER_S), "its monitor is to follow");
	end_tree();
}

/* G6: the monitor's only child is not a process of the connection's user. */
Test(force, an_sshd_of_another_user_stays)
{
	start_tree(false, false);
	kill_session();
	connection.uid++;
	step(KILL_DUE + 1);
	cr_expect_not(sshd_ends(300));
	end_tree();
}

Test(force, an_sshd_that_is_stubborn)
{
	start_tree(true, false);
	kill_session();
	step(KILL_DUE + 1);
	cr_expect_not(sshd_ends(100));
	step(KILL_DUE + LATE_SIGNAL_NS);
	cr_expect_not(sshd_ends(100));
	step(KILL_DUE + 1 + LATE_SIGNAL_NS);
	cr_expect(sshd_ends(5000));
	end_tree();
}

/* G10: a shell keeps it, and is not waited for. */
Test(force, a_connection_with_a_shell_stays)
{
	start_tree(false, true);
	kill_session();
	step(KILL_DUE + 1);
	cr_expect(force_is_ending(&force, KILL_DUE + 2), "it might be about to go");
	cr_expect_eq(step(KILL_DUE + 1 + LATE_SIGNAL_NS), UINT64_MAX);
	cr_expect_not(force_is_ending(&force, KILL_DUE + 1 + LATE_SIGNAL_NS));
	cr_expect_not(sshd_ends(100));
	end_tree();
}

/* G6: what serves an advisory connection only its user says. */
Test(force, an_advisory_connection_is_left_to_its_user)
{
	start_tree(false, false);
	kill_session();
	cr_expect_eq(
	    force_step(&force, &connection, true, &reader, &plan, KILL_DUE + 1), UINT64_MAX);
	cr_expect_not(sshd_ends(100));
	end_tree();
}
