/* Tests of the room table: members files, from a session's side and as root reads them. */
#include "table/lock.h"
#include "table/members.h"
#include "table/members_read.h"
#include "table_scratch.h"
#include "util/clock.h"
#include "util/safe_open.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(members_file, .init = scratch_begin, .fini = scratch_end, .timeout = 60);

static const struct connection_ref ref = {.slot = 3, .generation = 9};

static void make_file(void)
{
	cr_assert_eq(members_create(scratch_shmdir, ref, geteuid(), getegid()), 0);
}

static char *file_path(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/3.9", scratch_shmdir);
	return path;
}

static struct membership open_file(void)
{
	struct membership membership;

	cr_assert_eq(members_open(scratch_shmdir, ref, &membership), 0);
	return membership;
}

static struct membership joined(void)
{
	struct membership membership = open_file();

	cr_assert_eq(members_join(&membership), 0);
	return membership;
}

static struct members_reader reader(void)
{
	struct connection connection = scratch_connection();
	struct members_reader out;

	connection.ref = ref;
	cr_assert_eq(members_reader_open(scratch_shmdir, &connection, &out), 0);
	return out;
}

Test(members_file, is_private_and_its_directory_is_not_listed)
{
	mode_t mask = umask(0);
	struct stat st;

	make_file();
	umask(mask);
	cr_assert_eq(stat(scratch_shmdir, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0711);
	cr_assert_eq(stat(file_path(), &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_expect_eq((size_t)st.st_size, MEMBERS_SIZE);
	make_file();
	members_remove(scratch_shmdir, ref);
	members_remove(scratch_shmdir, ref);
	cr_expect_eq(access(file_path(), F_OK), -1);
}

Test(members_file, is_given_to_its_user)
{
	struct stat st;

	if (geteuid() != 0)
		cr_skip_test("only root can give files away");
	cr_assert_eq(members_create(scratch_shmdir, ref, 65534, 65533), 0);
	cr_assert_eq(stat(file_path(), &st), 0);
	cr_expect_eq(st.st_uid, 65534);
	cr_expect_eq(st.st_gid, 65533);
}

Test(members_file, prepared_by_others_is_refused)
{
	struct membership membership;
	int fd;

	make_file();
	cr_assert_eq(chmod(file_path(), 0640), 0);
	cr_expect_eq(members_open(scratch_shmdir, ref, &membership), -EPERM);
	cr_assert_eq(unlink(file_path()), 0);
	cr_expect_eq(members_open(scratch_shmdir, ref, &membership), -ENOENT);
	cr_assert_eq(symlink("/etc/passwd", file_path()), 0);
	cr_expect_eq(members_open(scratch_shmdir, ref, &membership), -ELOOP);
	cr_assert_eq(unlink(file_path()), 0);
	cr_assert_eq(mkfifo(file_path(), 0600), 0);
	cr_expect_eq(members_open(scratch_shmdir, ref, &membership), -EINVAL);
	cr_assert_eq(unlink(file_path()), 0);
	fd = open(file_path(), O_CREAT | O_WRONLY, 0600);
	cr_expect_eq(members_open(scratch_shmdir, ref, &membership), -EPROTO);
	cr_assert_eq(ftruncate(fd, (off_t)MEMBERS_SIZE), 0);
	close(fd);
	cr_expect_eq(members_open(scratch_shmdir, ref, &membership), -EPROTO, "no magic");
	cr_assert_eq(chmod(scratch_shmdir, 0777), 0);
	cr_expect_eq(members_create(scratch_shmdir, ref, geteuid(), getegid()), -EPERM);
}

Test(members_file, last_one_out)
{
	struct members_reader seen;
	struct membership a, b, c;

	make_file();
	seen = reader();
	cr_expect(!members_any(&seen));
	a = joined();
	b = joined();
	cr_expect(members_any(&seen));
	cr_expect_eq(members_leave(&a, END_CLEAN), LEFT_OTHERS);
	cr_expect_eq(members_try_last(&b), LEFT_LAST);
	cr_expect(members_any(&seen), "the last one out is still there");
	/* Whoever comes meanwhile waits, unless the connection is said to close. */
	members_begin_closing(&b);
	c = open_file();
	cr_expect_eq(members_join(&c), -ESHUTDOWN);
	cr_expect(members_is_closing(&seen));
	members_resume(&b);
	cr_expect(!members_is_closing(&seen));
	cr_expect_eq(members_join(&c), 0);
	cr_expect_eq(members_leave(&b, END_CLEAN), LEFT_OTHERS);
	cr_expect_eq(members_leave(&c, END_CLEAN), LEFT_LAST);
	members_close(&c);
	cr_expect(!members_any(&seen));
	members_close(&a);
	members_close(&b);
	members_reader_close(&seen);
}

Test(members_file, a_lock_held_without_a_word_times_out)
{
	struct membership a, b;

	make_file();
	a = joined();
	cr_assert_eq(members_leave(&a, END_CLEAN), LEFT_LAST);
	b = open_file();
	cr_expect_eq(members_join(&b), -ETIMEDOUT);
	members_close(&a);
	cr_expect_eq(members_join(&b), 0);
	members_close(&b);
}

Test(members_file, the_gate_of_a_dead_closer_opens)
{
	struct membership a;
	pid_t pid;

	make_file();
	pid = fork();
	if (pid == 0) {
		a = joined();
		if (members_leave(&a, END_CLEAN) == LEFT_LAST)
			members_begin_closing(&a);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	a = open_file();
	cr_expect_eq(atomic_load(&a.header->gate), GATE_CLOSING);
	cr_expect_eq(members_join(&a), 0);
	cr_expect_eq(atomic_load(&a.header->gate), GATE_OPEN);
	members_close(&a);
}

Test(members_file, a_file_without_a_name_is_stale)
{
	struct membership a;

	make_file();
	a = open_file();
	members_remove(scratch_shmdir, ref);
	cr_expect_eq(members_join(&a), -ESTALE);
	cr_expect_not(a.joined);
	cr_expect_eq(lock_is_held(a.fd, LOCK_MEMBERS, 1, NULL), 0);
	members_close(&a);
}

Test(members_file, rows_run_out)
{
	static struct membership all[MEMBERS_ROWS];
	struct membership more;

	make_file();
	for (size_t i = 0; i < MEMBERS_ROWS; i++)
		all[i] = joined();
	more = open_file();
	cr_expect_eq(members_join(&more), -ENOSPC);
	cr_expect_eq(members_leave(&more, END_REFUSED), LEFT_OTHERS);
	cr_expect_eq(members_leave(&all[100], END_CLEAN), LEFT_OTHERS);
	cr_expect_eq(members_join(&more), 0);
	cr_expect_eq(more.row_index, 100);
	/* One that was killed leaves its row marked. */
	members_close(&more);
	more = joined();
	cr_expect_eq(more.row_index, 100);
	members_close(&more);
	for (size_t i = 0; i < MEMBERS_ROWS; i++)
		members_close(&all[i]);
}

static void unmount_small(void)
{
	(void)umount2(scratch_shmdir, MNT_DETACH);
}

/* G6: whoever fills the file system that is shared by all does not kill sessions of others. */
Test(members_file, no_memory_for_a_row_is_an_error, .fini = unmount_small)
{
	struct membership a, b;

	cr_assert_eq(mkdir(scratch_shmdir, 0711), 0);
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", scratch_shmdir, "tmpfs", 0, "size=8k,mode=0711") != 0)
		cr_skip_test("a small file system cannot be mounted here: %s", strerror(errno));
	make_file();
	a = joined();
	b = open_file();
	cr_expect_eq(members_join(&b), -ENOMEM);
	cr_expect(b.joined);
	/* G3: the only other one leaves, and is not the last one because of it. */
	cr_expect_eq(members_leave(&a, END_CLEAN), LEFT_OTHERS);
	cr_expect_eq(members_leave(&b, END_REFUSED), LEFT_LAST, "nobody was the last one out");
	members_close(&b);
	members_close(&a);
}

Test(members_file, what_a_session_shows)
{
	struct members_reader seen;
	struct member_row *row;
	struct file_row *file;
	struct membership a;
	struct member member;
	char path[600];

	make_file();
	a = joined();
	row = members_row(&a);
	atomic_store(&row->state, MEMBER_ACTIVE);
	atomic_store(&row->written_bytes, 5);
	file = members_file_begin(&a, "/srv/in/a.part", FILE_WRITE);
	atomic_store(&file->size, 10);
	atomic_store(&file->offset, 7);
	memset(path, 'p', sizeof(path));
	memcpy(path + sizeof(path) - 5, ".end", 5);
	cr_assert_not_null(members_file_begin(&a, path, FILE_READ));
	seen = reader();
	cr_assert_eq(members_next(&seen, &member), 1);
	cr_expect_eq(member.id.pid, getpid());
	cr_expect_eq(member.state, MEMBER_ACTIVE);
	cr_expect_eq(member.written_bytes, 5);
	cr_assert_eq(member.file_count, 2);
	cr_expect_str_eq(member.files[0].path, "/srv/in/a.part");
	cr_expect_eq(member.files[0].direction, FILE_WRITE);
	cr_expect_eq(member.files[0].offset, 7);
	cr_expect_eq(member.files[0].size, 10);
	cr_expect_eq(strlen(member.files[1].path), FILE_PATH_MAX - 1);
	cr_expect_str_eq(member.files[1].path + FILE_PATH_MAX - 5, ".end");
	cr_expect_eq(members_next(&seen, &member), 0);
	for (size_t i = 2; i < MEMBERS_FILES; i++)
		cr_assert_not_null(members_file_begin(&a, "x", FILE_READ));
	cr_expect_null(members_file_begin(&a, "x", FILE_READ), "more files than a row has");
	members_file_end(file);
	cr_expect_eq(members_file_begin(&a, "y", FILE_READ), file);
	members_close(&a);
	members_reader_close(&seen);
}

/* G7: what was killed while it changed a file's row has left an odd version; the row's next files are shown. */
Test(members_file, a_file_row_that_was_left_half_written_serves_the_next)
{
	struct members_reader seen;
	struct membership a;
	struct member member;

	make_file();
	a = joined();
	atomic_store(&members_row(&a)->state, MEMBER_ACTIVE);
	atomic_store(&members_row(&a)->files[0].version, 7);
	cr_assert_not_null(members_file_begin(&a, "/srv/in/b", FILE_WRITE));
	seen = reader();
	cr_assert_eq(members_next(&seen, &member), 1);
	cr_assert_eq(member.file_count, 1);
	cr_expect_str_eq(member.files[0].path, "/srv/in/b");
	members_close(&a);
	members_reader_close(&seen);
}

/* G6: a file's row that is sound in all but its path, which has no end. */
Test(members_file, a_path_without_an_end_is_passed_over)
{
	struct members_reader seen;
	struct file_row *file;
	struct membership a;
	struct member member;

	make_file();
	a = joined();
	atomic_store(&members_row(&a)->state, MEMBER_ACTIVE);
	file = members_file_begin(&a, "x", FILE_WRITE);
	memset(file->path, 'x', sizeof(file->path));
	seen = reader();
	cr_assert_eq(members_next(&seen, &member), 1);
	cr_expect_eq(member.id.pid, getpid());
	cr_expect_eq(member.file_count, 0);
	members_close(&a);
	members_reader_close(&seen);
}

/* A child that is a member until it is killed. */
static pid_t start_member(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct membership own = joined();

		atomic_store(&members_row(&own)->state, MEMBER_ACTIVE);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* G4: the kernel lets go for a session that is killed, and it is counted as ended by force. */
Test(members_file, a_killed_session_holds_nobody)
{
	static struct membership all[MEMBERS_ROWS];
	struct members_reader seen;
	struct members_ended ended;
	pid_t pid;

	make_file();
	pid = start_member();
	seen = reader();
	cr_expect(members_any(&seen));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect(!members_any(&seen));
	cr_assert_eq(members_read_ended(&seen, &ended), 0);
	cr_expect_eq(ended.forced, 1);
	/* G7: with its row taken over, which is the last to be, the count moves from there to the header. */
	for (size_t i = 0; i < MEMBERS_ROWS; i++)
		all[i] = joined();
	for (size_t i = 0; i < MEMBERS_ROWS; i++) {
		members_leave(&all[i], END_CLEAN);
		members_close(&all[i]);
	}
	cr_assert_eq(members_read_ended(&seen, &ended), 0);
	cr_expect_eq(ended.forced, 1);
	cr_expect_eq(ended.clean, MEMBERS_ROWS);
	members_reader_close(&seen);
}

/* A guard, which writes a byte once the lock is its own, and then keeps it.  What the parent has must not
 * live on in it. */
static pid_t start_guard(struct membership *parents, int *has_lock)
{
	int ready[2];
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct membership own = open_file();

		if (parents != NULL)
			members_close(parents);
		if (members_become_guard(&own) != 0 || members_wait_last(&own) != 0)
			_exit(1);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	*has_lock = ready[0];
	return pid;
}

static bool has_come(int fd, int within_ms)
{
	struct pollfd come = {.fd = fd, .events = POLLIN};

	return poll(&come, 1, within_ms) == 1;
}

/* G3: the lock comes to the guard when the last session was killed; until then it is in nobody's way. */
Test(members_file, the_guard_is_the_last_one_when_the_last_was_killed)
{
	struct members_reader seen;
	struct membership a;
	pid_t member, guard;
	int has_lock;

	make_file();
	seen = reader();
	member = start_member();
	guard = start_guard(NULL, &has_lock);
	cr_expect_not(has_come(has_lock, 100));
	cr_expect(members_is_guarded(&seen));
	a = joined();
	cr_expect(members_has_guard(&a));
	cr_expect_eq(members_become_guard(&a), -EAGAIN, "there is one");
	cr_expect_eq(members_leave(&a, END_CLEAN), LEFT_OTHERS);
	cr_expect_not(has_come(has_lock, 100));
	kill(member, SIGKILL);
	waitpid(member, NULL, 0);
	cr_expect(has_come(has_lock, 5000));
	cr_expect(members_any(&seen), "whoever awaits the members awaits it");
	cr_expect_eq(members_join(&a), -ETIMEDOUT, "nobody joins");
	kill(guard, SIGKILL);
	waitpid(guard, NULL, 0);
	cr_expect_not(members_any(&seen));
	cr_expect_not(members_is_guarded(&seen));
	close(has_lock);
	members_close(&a);
	members_reader_close(&seen);
}

/* Who resigns makes room for another guard, and may become it again. */
Test(members_file, a_guard_resigns)
{
	struct membership a;
	pid_t guard;
	int has_lock;

	make_file();
	a = joined();
	cr_expect_eq(members_become_guard(&a), 0);
	members_resign_guard(&a);
	guard = start_guard(NULL, &has_lock);
	cr_expect_not(has_come(has_lock, 100));
	cr_expect(members_has_guard(&a));
	cr_expect_eq(members_become_guard(&a), -EAGAIN);
	kill(guard, SIGKILL);
	waitpid(guard, NULL, 0);
	cr_expect_eq(members_become_guard(&a), 0);
	close(has_lock);
	members_close(&a);
}

/* It takes nothing from a session that leaves properly. */
Test(members_file, the_guard_leaves_the_lock_to_the_last_one)
{
	struct membership a;
	pid_t guard;
	int has_lock;

	make_file();
	a = joined();
	guard = start_guard(&a, &has_lock);
	cr_expect_not(has_come(has_lock, 100));
	cr_expect_eq(members_leave(&a, END_CLEAN), LEFT_LAST);
	cr_expect_not(has_come(has_lock, 100));
	members_close(&a);
	cr_expect(has_come(has_lock, 5000));
	kill(guard, SIGKILL);
	waitpid(guard, NULL, 0);
	close(has_lock);
}

/* A child that has shared a member's description gets one of its own: it holds nobody. */
Test(members_file, reopened_in_a_child)
{
	struct members_reader seen;
	struct membership a;
	int told[2];
	char byte = 0;
	pid_t pid;

	make_file();
	seen = reader();
	a = joined();
	cr_assert_eq(pipe(told), 0);
	pid = fork();
	if (pid == 0) {
		byte = members_reopen(&a) == 0 && a.row_index == -1;
		(void)!write(told[1], &byte, 1);
		for (;;)
			pause();
	}
	cr_assert_eq(read(told[0], &byte, 1), 1);
	cr_expect_eq(byte, 1);
	cr_expect(members_any(&seen));
	members_close(&a);
	cr_expect_not(members_any(&seen), "the child holds what its parent held");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(told[0]);
	close(told[1]);
	members_reader_close(&seen);
}

static struct members_ended ended_under(const struct members_reader *from, uint64_t issued_ns)
{
	struct members_ended ended;

	cr_assert_eq(members_read_ended_under(from, SCOPE_HOST, issued_ns, &ended), 0);
	return ended;
}

static void leave_under(uint64_t issued_ns, enum member_end end)
{
	const struct drain_plan plan = {.issued_ns[SCOPE_HOST] = issued_ns};
	struct membership a = joined();

	members_show_orders(&a, &plan);
	members_leave(&a, end);
	members_close(&a);
}

/* Each order has the ends of those who had seen it, and the latest begins anew. */
Test(members_file, ends_are_counted_under_the_order_that_was_seen)
{
	struct members_reader seen;
	struct members_ended ended;

	make_file();
	seen = reader();
	leave_under(0, END_FORCED);
	leave_under(100, END_CLEAN);
	leave_under(100, END_REFUSED);
	leave_under(100, END_FORCED);
	ended = ended_under(&seen, 100);
	cr_expect(ended.clean == 1 && ended.forced == 1);
	ended = ended_under(&seen, 200);
	cr_expect(ended.clean == 0 && ended.forced == 0);
	leave_under(200, END_CLEAN);
	/* One that had not seen that the first was taken back. */
	leave_under(100, END_FORCED);
	ended = ended_under(&seen, 200);
	cr_expect(ended.clean == 1 && ended.forced == 0);
	cr_assert_eq(members_read_ended(&seen, &ended), 0);
	cr_expect(ended.clean == 2 && ended.forced == 3);
	members_reader_close(&seen);
}

Test(members_file, a_fork_keeps_the_lock)
{
	struct members_reader seen;
	struct membership a;
	int hold[2];
	pid_t pid;
	char byte;

	make_file();
	cr_assert_eq(pipe(hold), 0);
	a = joined();
	pid = fork();
	if (pid == 0) {
		close(hold[1]);
		_exit((int)read(hold[0], &byte, 1));
	}
	members_close(&a);
	seen = reader();
	cr_expect(members_any(&seen));
	close(hold[1]);
	waitpid(pid, NULL, 0);
	cr_expect(!members_any(&seen));
	members_reader_close(&seen);
}

Test(members_file, signals_reach_members_and_nobody_else)
{
	struct members_reader seen;
	struct membership liar;
	struct member member;
	int status, pidfd;
	pid_t pid, bystander;

	make_file();
	pid = start_member();
	bystander = fork();
	if (bystander == 0)
		for (;;)
			pause();
	seen = reader();
	/* A row that names a process that is no member is believed in no part. */
	liar = joined();
	atomic_store(&members_row(&liar)->state, MEMBER_ACTIVE);
	members_row(&liar)->pid = (uint32_t)bystander;
	members_row(&liar)->start = 1;
	cr_expect_eq(members_signal_all(&seen, SIGTERM), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	cr_expect_eq(waitpid(bystander, &status, WNOHANG), 0);
	/* A row that is let go is nobody's. */
	cr_assert_eq(members_next(&seen, &member), 1);
	members_row(&liar)->pid = (uint32_t)getpid();
	members_leave(&liar, END_CLEAN);
	cr_assert_eq(proc_self(&member.id), 0);
	cr_expect_eq(members_pin(&seen, &member, &pidfd), -ESRCH);
	members_close(&liar);
	kill(bystander, SIGKILL);
	waitpid(bystander, NULL, 0);
	members_reader_close(&seen);
}

/* A members file of another user. */
static void open_nobodys(struct members_reader *seen)
{
	struct connection connection = scratch_connection();

	if (geteuid() != 0)
		cr_skip_test("only root can give files away");
	cr_assert_eq(members_create(scratch_shmdir, ref, 65534, 65534), 0);
	connection.ref = ref;
	connection.uid = 65534;
	cr_assert_eq(members_reader_open(scratch_shmdir, &connection, seen), 0);
}

/* G6: a row that names another user's process, rightly in every detail. */
Test(members_file, a_process_of_another_user_is_not_signalled)
{
	struct members_reader seen;
	struct member_row row = {.state = MEMBER_ACTIVE};
	struct membership membership;
	struct proc_stat stat;
	struct member member;
	int pidfd;

	open_nobodys(&seen);
	/* Held by somebody: the row's lock is in order. */
	membership.fd = open(file_path(), O_RDWR);
	cr_assert_eq(lock_try(membership.fd, LOCK_ROWS, LOCK_EXCLUSIVE), 0);
	cr_assert_eq(proc_read_stat(getpid(), &stat), 0);
	row.pid = (uint32_t)stat.id.pid;
	row.start = stat.id.start;
	cr_assert_eq(safe_pwrite(membership.fd, &row, sizeof(row), MEMBERS_ROWS_AT), 0);
	cr_assert_eq(members_next(&seen, &member), 1);
	cr_expect_eq(member.id.pid, getpid());
	cr_expect_eq(members_pin(&seen, &member, &pidfd), -EPERM);
	cr_expect_eq(members_signal_all(&seen, SIGKILL), 0);
	close(membership.fd);
	members_reader_close(&seen);
}

/* G6: a process that has the guard's lock and is another user's: a program, say, that was started with it and
 * has changed its user since. */
Test(members_file, a_guard_of_another_user_is_not_signalled)
{
	struct members_reader seen;
	int ready[2], status;
	char byte;
	pid_t pid;

	open_nobodys(&seen);
	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (lock_try_own(open(file_path(), O_RDWR), LOCK_GUARD) == 0)
			(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_expect(members_is_guarded(&seen));
	cr_expect_eq(members_signal_all(&seen, SIGKILL), 0);
	cr_expect_eq(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	members_reader_close(&seen);
}

/* G6: root's file, or a third user's, in the place of a user's own. */
Test(members_file, a_file_of_another_user_is_refused)
{
	struct connection connection = scratch_connection();
	struct members_reader seen;

	if (geteuid() != 0)
		cr_skip_test("only root can give files away");
	cr_assert_eq(members_create(scratch_shmdir, ref, 0, 0), 0);
	connection.ref = ref;
	connection.uid = 65534;
	cr_expect_eq(members_reader_open(scratch_shmdir, &connection, &seen), -EPERM, "root's");
	cr_assert_eq(chown(file_path(), 65533, 65533), 0);
	cr_expect_eq(members_reader_open(scratch_shmdir, &connection, &seen), -EPERM, "a third's");
}

/* G6: whatever a user writes into his file, reading it from outside ends well. */
Test(members_file, hostile_content)
{
	struct members_reader seen;
	struct members_ended ended;
	struct connection connection;
	struct member member;
	unsigned char *noise = malloc(MEMBERS_SIZE);
	unsigned int seed = 1;
	int fd;

	make_file();
	fd = open(file_path(), O_RDWR);
	for (off_t i = 0; i < MEMBERS_ROWS; i += 3)
		cr_assert_eq(lock_try(fd, LOCK_ROWS + i, LOCK_EXCLUSIVE), 0);
	seen = reader();
	for (int round = 0; round < 40; round++) {
		size_t rows = 0;

		for (size_t i = 0; i < MEMBERS_SIZE; i++)
			noise[i] = round == 0 ? 0xff : (unsigned char)rand_r(&seed);
		cr_assert_eq(safe_pwrite(fd, noise, MEMBERS_SIZE, 0), 0);
		members_rewind(&seen);
		while (members_next(&seen, &member) == 1) {
			rows++;
			cr_assert_leq(member.state, MEMBER_FLUSHING);
			cr_assert_geq(member.id.pid, 0);
			cr_assert_leq(member.file_count, MEMBERS_FILES);
			for (size_t i = 0; i < member.file_count; i++)
				cr_assert_not_null(memchr(member.files[i].path, 0, FILE_PATH_MAX));
		}
		cr_assert_eq(rows, (MEMBERS_ROWS + 2) / 3);
		cr_assert_eq(members_read_ended(&seen, &ended), -EPROTO);
		cr_assert_eq(members_read_advisory(&seen, &connection), -EPROTO);
	}
	/* Cut under the reader's hands: an error, not SIGBUS. */
	cr_assert_eq(ftruncate(fd, 100), 0);
	members_rewind(&seen);
	cr_expect_eq(members_next(&seen, &member), -EPROTO);
	cr_expect_eq(members_read_ended(&seen, &ended), -EPROTO);
	close(fd);
	free(noise);
	members_reader_close(&seen);
}

static struct advisory_connection advisory(void)
{
	struct advisory_connection connection = {
	    .policy = scratch_connection().policy, .address = "192.0.2.7"};

	cr_assert_eq(proc_self(&connection.sshd), 0);
	return connection;
}

static char *advisory_name(struct proc_id sshd)
{
	static char name[64];

	snprintf(name, sizeof(name), "%ld.%llu", (long)sshd.pid, (unsigned long long)sshd.start);
	return name;
}

/* As the operator does; change NULL takes the order back. */
static int change(const char *name, const struct order_change *wanted)
{
	struct order order;

	return members_change_advisory_order(scratch_shmdir, geteuid(), name, wanted, &order);
}

Test(members_file, advisory_siblings_find_each_other)
{
	struct advisory_connection connection = advisory();
	const char *name = advisory_name(connection.sshd);
	const struct order_change now = {.drain = POLICY_DRAIN_NOW, .message = "off you go"};
	struct membership a, b;
	struct members_reader seen;
	struct connection shown;
	struct order order;

	cr_assert_eq(members_open_advisory(scratch_shmdir, &connection, &a), 0);
	cr_assert_eq(members_open_advisory(scratch_shmdir, &connection, &b), 0);
	cr_assert_eq(members_join(&a), 0);
	cr_assert_eq(members_join(&b), 0);
	cr_expect_eq(members_leave(&a, END_CLEAN), LEFT_OTHERS, "not the same file");
	cr_assert_eq(members_reader_open_advisory(scratch_shmdir, geteuid(), name, &seen), 0);
	cr_assert_eq(change(name, &now), 0);
	cr_assert_eq(members_read_advisory(&seen, &shown), 0);
	cr_expect_eq(shown.monitor.pid, getpid());
	cr_expect_str_eq(shown.address, "192.0.2.7");
	cr_expect_eq(shown.order.drain, POLICY_DRAIN_NOW);
	cr_expect_str_eq(shown.order.message, "off you go");
	cr_assert_eq(order_read(&b.header->order, &order), 0);
	cr_expect(order.active, "the mapping does not see it");
	/* An order outlives the session that is the last; without one the file goes with it. */
	cr_expect_eq(members_leave(&b, END_CLEAN), LEFT_LAST);
	members_retire_advisory(&b, scratch_shmdir);
	cr_expect_eq(members_read_advisory(&seen, &shown), 0);
	cr_assert_eq(change(name, NULL), 0);
	cr_assert_eq(order_read(&b.header->order, &order), 0);
	cr_expect(!order.active);
	members_retire_advisory(&b, scratch_shmdir);
	cr_expect_eq(change(name, &now), -ENOENT);
	members_close(&a);
	members_close(&b);
	members_reader_close(&seen);
}

/* Two may be the last one out, one after the other; between them the name may have become another file's. */
Test(members_file, an_advisory_file_is_removed_once)
{
	struct advisory_connection connection = advisory();
	struct membership a, b, newcomer, sibling;

	cr_assert_eq(members_open_advisory(scratch_shmdir, &connection, &a), 0);
	cr_assert_eq(members_open_advisory(scratch_shmdir, &connection, &b), 0);
	cr_assert_eq(members_join(&a), 0);
	cr_assert_eq(members_leave(&a, END_CLEAN), LEFT_LAST);
	members_retire_advisory(&a, scratch_shmdir);
	members_close(&a);
	cr_assert_eq(members_open_advisory(scratch_shmdir, &connection, &newcomer), 0);
	cr_assert_eq(members_join(&newcomer), 0);
	cr_assert_eq(members_try_last(&b), LEFT_LAST);
	members_retire_advisory(&b, scratch_shmdir);
	members_close(&b);
	cr_assert_eq(members_open_advisory(scratch_shmdir, &connection, &sibling), 0);
	cr_assert_eq(members_join(&sibling), 0);
	cr_expect_eq(
	    members_leave(&newcomer, END_CLEAN), LEFT_OTHERS, "not the same file any more");
	members_close(&newcomer);
	members_close(&sibling);
}

Test(members_file, advisory_files_of_the_dead_are_swept)
{
	struct advisory_connection connection = advisory();
	struct membership a;
	char dead[160];
	int fd;

	cr_assert_eq(members_open_advisory(scratch_shmdir, &connection, &a), 0);
	members_close(&a);
	snprintf(dead, sizeof(dead), "%s-%lu/%ld.1", scratch_shmdir, (unsigned long)geteuid(),
	    (long)getpid());
	fd = open(dead, O_CREAT | O_WRONLY, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
	members_remove_advisory(scratch_shmdir, connection.sshd);
	cr_assert_eq(members_open_advisory(scratch_shmdir, &connection, &a), 0);
	cr_expect_eq(access(dead, F_OK), -1);
	members_close(&a);
}

Test(members_file, an_advisory_directory_of_others_is_refused)
{
	struct advisory_connection connection = advisory();
	struct membership a;
	char dir[128];

	snprintf(dir, sizeof(dir), "%s-%lu", scratch_shmdir, (unsigned long)geteuid());
	cr_assert_eq(mkdir(dir, 0700), 0);
	cr_assert_eq(chmod(dir, 0770), 0);
	cr_expect_eq(members_open_advisory(scratch_shmdir, &connection, &a), -EPERM);
	cr_assert_eq(rmdir(dir), 0);
	cr_assert_eq(symlink("/tmp", dir), 0);
	cr_expect_lt(members_open_advisory(scratch_shmdir, &connection, &a), 0);
	if (geteuid() != 0)
		return;
	cr_assert_eq(unlink(dir), 0);
	cr_assert_eq(mkdir(dir, 0700), 0);
	cr_assert_eq(chown(dir, 65534, 65534), 0);
	cr_expect_eq(members_open_advisory(scratch_shmdir, &connection, &a), -EPERM);
}
