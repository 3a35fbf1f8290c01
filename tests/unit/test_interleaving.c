/* unit tests: interleavings that the model (tests/model) found or excludes, step by step: the linker puts the
 * __wrap_ functions in the place of those that they are named after, and each lets somebody else act once,
 * in the middle of what the code under test does. */
#include "server/session.h"
#include "table/lock.h"
#include "table/members.h"
#include "table/members_file.h"
#include "table/table.h"
#include "table_scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int __real_lock_try(int fd, off_t at, enum lock_kind kind);
int __real_lock_wait(int fd, off_t at, enum lock_kind kind, uint64_t limit_ns);
int __real_lock_is_held(int fd, off_t at, off_t len, off_t *where);
int __wrap_lock_try(int fd, off_t at, enum lock_kind kind);
int __wrap_lock_wait(int fd, off_t at, enum lock_kind kind, uint64_t limit_ns);
int __wrap_lock_is_held(int fd, off_t at, off_t len, off_t *where);
void __real_order_write(struct order_cell *cell, const struct order *order);
void __wrap_order_write(struct order_cell *cell, const struct order *order);

/* What others do: when a conversion has been refused, before a session asks for its lock, when nobody
 * was found to be a member, when a row is taken already, when an order stands and nothing says so yet. */
static void (*on_refusal)(void), (*before_joining)(void), (*on_nobody)(void), (*on_taken_row)(void),
    (*on_order)(void);

static void act(void (**others)(void))
{
	void (*once)(void) = *others;

	*others = NULL;
	if (once != NULL)
		once();
}

int __wrap_lock_try(int fd, off_t at, enum lock_kind kind)
{
	int rc = __real_lock_try(fd, at, kind);

	if (at == LOCK_MEMBERS && kind == LOCK_EXCLUSIVE && rc == -EAGAIN)
		act(&on_refusal);
	if (at >= LOCK_ROWS && rc == -EAGAIN)
		act(&on_taken_row);
	return rc;
}

int __wrap_lock_wait(int fd, off_t at, enum lock_kind kind, uint64_t limit_ns)
{
	if (at == LOCK_MEMBERS && kind == LOCK_SHARED)
		act(&before_joining);
	return __real_lock_wait(fd, at, kind, limit_ns);
}

int __wrap_lock_is_held(int fd, off_t at, off_t len, off_t *where)
{
	int rc = __real_lock_is_held(fd, at, len, where);

	if (at == LOCK_MEMBERS && rc == 0)
		act(&on_nobody);
	return rc;
}

void __wrap_order_write(struct order_cell *cell, const struct order *order)
{
	__real_order_write(cell, order);
	act(&on_order);
}

static struct table table;
static struct connection_ref ref;
static struct membership first, second;
static enum members_left second_left;

static void set_up(void)
{
	scratch_begin();
	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
}

static void tear_down(void)
{
	members_close(&first);
	members_close(&second);
	table_close(&table);
	scratch_end();
}

TestSuite(interleaving, .init = set_up, .fini = tear_down, .timeout = 60);

static void join(struct membership *membership)
{
	cr_assert_eq(members_open(scratch_shmdir, ref, membership), 0);
	cr_assert_eq(members_join(membership), 0);
}

static void second_leaves(void)
{
	second_left = members_leave(&second, END_CLEAN);
}

/* G3: the first is refused because of the second and is then stopped for longer than the second waits for
 * its turn. */
Test(interleaving, one_of_two_is_the_last_though_one_is_stopped)
{
	enum members_left first_left;

	ref = scratch_register(&table);
	join(&first);
	join(&second);
	on_refusal = second_leaves;
	first_left = members_leave(&first, END_CLEAN);
	cr_expect_null(on_refusal, "nobody was in the way");
	cr_expect_eq(second_left, LEFT_OTHERS);
	cr_expect_eq(first_left, LEFT_LAST, "nobody was the last one out");
}

/* G3: a session that gets no row is in the way of the only other one, which leaves at that moment. */
Test(interleaving, who_gets_no_row_is_the_last_one_instead)
{
	ref = scratch_register(&table);
	join(&second);
	cr_assert_eq(members_open(scratch_shmdir, ref, &first), 0);
	first.rows_max = 1;
	on_taken_row = second_leaves;
	cr_assert_eq(members_join(&first), -ENOSPC);
	cr_expect_null(on_taken_row, "no row was taken");
	cr_expect_eq(second_left, LEFT_OTHERS);
	cr_expect(first.joined);
	cr_expect_eq(members_leave(&first, END_REFUSED), LEFT_LAST, "nobody was the last one out");
}

static void second_joins(void)
{
	join(&second);
}

/* G3, G7: the monitor is dead, and a session that was about to join does so between a reaper's look for
 * members and its claim. */
Test(interleaving, an_entry_that_is_joined_meanwhile_is_not_reaped)
{
	struct membership third;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct connection connection = scratch_connection();

		_exit(table_claim(&table, scratch_shmdir, &connection, &ref) == 0 &&
			      members_create(scratch_shmdir, ref, geteuid(), getegid()) == 0 &&
			      table_publish(&table, ref) == 0
			  ? 0
			  : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	ref = (struct connection_ref){.slot = 0, .generation = 1};
	on_nobody = second_joins;
	cr_expect(!table_reap(&table, scratch_shmdir, ref.slot), "reaped with a member inside");
	cr_expect_eq(table_connection_state(&table, ref), ENTRY_OPEN);
	cr_expect_eq(members_open(scratch_shmdir, ref, &third), 0, "the file has lost its name");
	members_close(&third);
	members_close(&second);
	cr_expect(table_reap(&table, scratch_shmdir, ref.slot));
}

static int ask_monitor[2], monitor_answers[2];

/* In the session's process. */
static void monitor_closes(void)
{
	char byte = 0;

	if (write(ask_monitor[1], &byte, 1) != 1 || read(monitor_answers[0], &byte, 1) != 1)
		_exit(99);
}

/* Begins a session in a child, which returns 0; in the parent returns as fork(2). */
static pid_t begin_session(struct session *session)
{
	static char user[] = "tester", home[] = "/";
	static const char nowhere[] = "/nonexistent/sftp-drain.conf";
	static struct options options;
	char text[CONNECTION_REF_TEXT_MAX];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	unsetenv("SSH_CONNECTION");
	setenv("SFTP_DRAIN_CONNECTION", connection_ref_format(ref, text), 1);
	options = (struct options){
	    .config = nowhere,
	    .rundir = scratch_rundir,
	    .shmdir = scratch_shmdir,
	    .self = {.pw_name = user, .pw_dir = home, .pw_uid = geteuid()},
	};
	session_begin(session, &options);
	return 0;
}

/* Joins the connection in a child, as sshd's monitor sees it. */
static pid_t start_session(void)
{
	char refusal[SESSION_TEXT_MAX];
	struct session session;
	pid_t pid = begin_session(&session);

	if (pid != 0)
		return pid;
	before_joining = monitor_closes;
	_exit(session_join(&session, refusal) == -ESHUTDOWN ? 0 : 1);
}

/* G3: a session that finds its connection open, and joins only when the monitor has waited for its members
 * in vain and given the entry up. */
Test(interleaving, a_connection_that_is_gone_is_not_joined)
{
	int status;
	char byte;
	pid_t pid;

	ref = scratch_register(&table);
	cr_assert_eq(pipe(ask_monitor), 0);
	cr_assert_eq(pipe(monitor_answers), 0);
	pid = start_session();
	cr_assert_eq(read(ask_monitor[0], &byte, 1), 1);
	cr_assert_eq(table_begin_closing(&table, ref), 0);
	cr_assert_eq(table_release(&table, ref), 0);
	cr_assert_eq(write(monitor_answers[1], &byte, 1), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0, "a session was admitted to a connection that is gone");
}

/* G3: the same of a session that its policy refuses for its siblings' number. */
Test(interleaving, a_session_too_many_is_the_last_one_instead)
{
	struct connection connection = scratch_connection();
	char refusal[SESSION_TEXT_MAX];
	struct session session;
	int status;
	pid_t pid;

	connection.policy.max_sessions_per_connection = 1;
	cr_assert_eq(table_claim(&table, scratch_shmdir, &connection, &ref), 0);
	cr_assert_eq(members_create(scratch_shmdir, ref, geteuid(), getegid()), 0);
	cr_assert_eq(table_publish(&table, ref), 0);
	join(&second);
	pid = begin_session(&session);
	if (pid == 0) {
		on_taken_row = second_leaves;
		if (session_join(&session, refusal) != -ENOSPC || second_left != LEFT_OTHERS)
			_exit(1);
		_exit(session_leave(&session, END_REFUSED) == LEFT_LAST ? 0 : 2);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0, "nobody was the last one out");
}

static void die(void)
{
	raise(SIGKILL);
}

static const struct order_target host = {.scope = SCOPE_HOST};

/* An operator in a child, killed when his order stands and nothing has been raised yet. */
static void give_order_and_die(enum policy_drain drain)
{
	const struct order_change change = {.drain = drain};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		on_order = die;
		/* The lock is the description's, which the parent shares. */
		if (table_open(scratch_rundir, true, &table) == 0)
			(void)table_order(&table, &host, &change);
		_exit(1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* In the session's process, which finds what table_order of before has left behind. */
static void follow_orders(struct session *session, const enum policy_drain *expected, size_t count)
{
	char refusal[SESSION_TEXT_MAX];
	char byte = 0;

	if (session_join(session, refusal) != 0)
		_exit(90);
	for (size_t i = 0; i < count; i++) {
		if (write(ask_monitor[1], &byte, 1) != 1 || read(monitor_answers[0], &byte, 1) != 1)
			_exit(99);
		session_update(session, false);
		if (session->plan.drain != expected[i])
			_exit(1 + (int)i);
	}
	_exit(0);
}

/* G7: whoever looks sees an order whose giver was killed before he could say that there is one, and those
 * that come after. */
Test(interleaving, an_order_whose_giver_was_killed_is_seen)
{
	static const enum policy_drain expected[] = {
	    POLICY_DRAIN_SESSION, POLICY_DRAIN_TRANSFER, POLICY_DRAIN_UNSET, POLICY_DRAIN_NOW};
	struct session session;
	int status;
	char byte;
	pid_t pid;

	ref = scratch_register(&table);
	cr_assert_eq(pipe(ask_monitor), 0);
	cr_assert_eq(pipe(monitor_answers), 0);
	pid = begin_session(&session);
	if (pid == 0)
		follow_orders(&session, expected, sizeof(expected) / sizeof(expected[0]));
	/* So that its end is seen. */
	close(ask_monitor[1]);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		cr_assert_eq(read(ask_monitor[0], &byte, 1), 1);
		if (expected[i] == POLICY_DRAIN_UNSET) {
			cr_assert_eq(table_reopen(&table, &host), 0);
			cr_expect_eq(table_order_epoch(&table) & ORDER_EPOCH_MARK, 0);
		} else {
			give_order_and_die(expected[i]);
			cr_expect_neq(table_order_epoch(&table) & ORDER_EPOCH_MARK, 0);
		}
		cr_assert_eq(write(monitor_answers[1], &byte, 1), 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "look %d found something else",
	    WEXITSTATUS(status));
}
