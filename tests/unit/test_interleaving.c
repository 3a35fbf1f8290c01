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

/* What others do: when a conversion has been refused, before a session asks for its lock, when nobody
 * was found to be a member. */
static void (*on_refusal)(void), (*before_joining)(void), (*on_nobody)(void);

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

/* Joins the connection in a child, as sshd's monitor sees it. */
static pid_t start_session(void)
{
	static char user[] = "tester", home[] = "/";
	static const char nowhere[] = "/nonexistent/sftp-drain.conf";
	struct options options = {
	    .config = nowhere,
	    .rundir = scratch_rundir,
	    .shmdir = scratch_shmdir,
	    .self = {.pw_name = user, .pw_dir = home, .pw_uid = geteuid()},
	};
	char refusal[SESSION_TEXT_MAX], text[CONNECTION_REF_TEXT_MAX];
	struct session session;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	unsetenv("SSH_CONNECTION");
	setenv("SFTP_DRAIN_CONNECTION", connection_ref_format(ref, text), 1);
	before_joining = monitor_closes;
	session_begin(&session, &options);
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
