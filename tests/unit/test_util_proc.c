/* unit tests: what is known of processes, which anybody may rename, hide and end. */
#include "util/proc.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A child that runs `act` and then waits to be killed; *ready once act is done. */
static pid_t start_child(void (*act)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (act != NULL)
			act();
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void make_zombie(pid_t pid)
{
	siginfo_t info;

	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void reap(pid_t pid)
{
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static bool wait_ended(int pidfd)
{
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};

	return poll(&wait, 1, 5000) == 1 && proc_pin_ended(pidfd);
}

TestSuite(proc, .timeout = 30);

Test(proc, self)
{
	struct proc_id self;
	struct proc_stat stat;
	uid_t uid;

	cr_assert_eq(proc_self(&self), 0);
	cr_expect_eq(self.pid, getpid());
	cr_expect_gt(self.start, 0);
	cr_expect(proc_is_alive(self));
	cr_assert_eq(proc_read_stat(getpid(), &stat), 0);
	cr_expect_eq(stat.id.start, self.start);
	cr_expect_eq(stat.parent, getppid());
	cr_expect_eq(stat.session, getsid(0));
	cr_assert_eq(proc_read_uid(getpid(), &uid), 0);
	cr_expect_eq(uid, getuid());
}

Test(proc, nobody_has_such_a_pid)
{
	static const pid_t pids[] = {0, -1, INT32_MAX};
	struct proc_stat stat;
	int pidfd = -2;

	for (size_t i = 0; i < COUNT(pids); i++) {
		struct proc_id id = {.pid = pids[i], .start = 1};

		cr_expect_eq(proc_read_stat(pids[i], &stat), -ESRCH);
		cr_expect_not(proc_is_alive(id));
		cr_expect_lt(proc_pin(id, &pidfd), 0);
	}
	cr_expect_eq(pidfd, -2);
}

static void take_nasty_name(void)
{
	prctl(PR_SET_NAME, "x) Z (1 2) (");
}

Test(proc, name_with_parentheses)
{
	pid_t pid = start_child(take_nasty_name);
	struct proc_stat stat;
	uid_t uid;

	cr_assert_eq(proc_read_stat(pid, &stat), 0);
	cr_expect_str_eq(stat.comm, "x) Z (1 2) (");
	cr_expect_eq(stat.id.pid, pid);
	cr_expect_eq(stat.parent, getpid());
	cr_expect_eq(stat.session, getsid(0));
	cr_expect_neq(stat.state, 'Z');
	cr_expect(proc_is_alive(stat.id));
	cr_assert_eq(proc_read_uid(pid, &uid), 0);
	cr_expect_eq(uid, getuid());
	make_zombie(pid);
	cr_assert_eq(proc_read_stat(pid, &stat), 0);
	cr_expect_eq(stat.state, 'Z');
	reap(pid);
}

static void take_name_with_newline(void)
{
	prctl(PR_SET_NAME, "a\nUid:\t7\t7\n");
}

Test(proc, name_cannot_forge_a_uid)
{
	pid_t pid = start_child(take_name_with_newline);
	uid_t uid;

	cr_assert_eq(proc_read_uid(pid, &uid), 0);
	cr_expect_eq(uid, getuid());
	make_zombie(pid);
	reap(pid);
}

Test(proc, life_of_a_child)
{
	pid_t pid = start_child(NULL);
	struct proc_stat stat;
	struct proc_id later;
	int pidfd = -1, other = -1;

	cr_assert_eq(proc_read_stat(pid, &stat), 0);
	later = stat.id;
	later.start++;
	cr_expect(proc_is_alive(stat.id));
	cr_expect_not(proc_is_alive(later), "another start time is another process");
	cr_expect_eq(proc_pin(later, &other), -ESRCH);
	cr_expect_eq(other, -1);

	cr_assert_eq(proc_pin(stat.id, &pidfd), 0);
	cr_expect(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	cr_expect_not(proc_pin_ended(pidfd));
	cr_expect_eq(proc_signal(pidfd, 0), 0);
	cr_assert_eq(proc_signal(pidfd, SIGKILL), 0);
	cr_expect(wait_ended(pidfd));

	/* Not reaped yet: a zombie, which is dead to us though its pid is taken. */
	cr_expect_eq(kill(pid, 0), 0);
	cr_expect_not(proc_is_alive(stat.id));
	cr_expect_eq(proc_pin(stat.id, &other), -ESRCH);
	reap(pid);
	cr_expect_not(proc_is_alive(stat.id));
	cr_expect_eq(proc_pin(stat.id, &other), -ESRCH);
	cr_expect_eq(proc_signal(pidfd, 0), -ESRCH);
	cr_expect(proc_pin_ended(pidfd));
	close(pidfd);
}

Test(proc, pinned_ancestors)
{
	pid_t pid = start_child(NULL);
	struct proc_stat parent, child;
	int pidfd = -1, other = -1;

	cr_assert_eq(proc_read_stat(getppid(), &parent), 0);
	cr_assert_eq(proc_pin_ancestor(parent.id, &pidfd), 0);
	cr_expect(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	cr_expect_not(proc_pin_ended(pidfd));
	close(pidfd);
	cr_assert_eq(proc_read_stat(pid, &child), 0);
	cr_assert_eq(proc_pin_ancestor(child.id, &pidfd), 0, "whoever is not our parent");
	close(pidfd);
	child.id.start++;
	cr_expect_eq(proc_pin_ancestor(child.id, &other), -ESRCH);
	cr_expect_eq(other, -1);
	kill(pid, SIGKILL);
	reap(pid);
}

Test(proc, failed_pins_leave_no_descriptor)
{
	pid_t pid = start_child(NULL);
	struct proc_stat stat;
	int before, after, pidfd;

	cr_assert_eq(proc_read_stat(pid, &stat), 0);
	stat.id.start++;
	before = dup(0);
	close(before);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(proc_pin(stat.id, &pidfd), -ESRCH);
	after = dup(0);
	close(after);
	cr_expect_eq(before, after);
	make_zombie(pid);
	reap(pid);
}

Test(proc, children)
{
	pid_t pids[3], found[8] = {0};
	size_t count = 99, seen = 0;

	for (size_t i = 0; i < COUNT(pids); i++)
		pids[i] = start_child(i == 1 ? take_nasty_name : NULL);
	cr_assert_eq(proc_read_children(getpid(), found, COUNT(found), &count), 0);
	cr_expect_eq(count, 3);
	for (size_t i = 0; i < COUNT(pids); i++) {
		for (size_t j = 0; j < count; j++)
			seen += found[j] == pids[i];
	}
	cr_expect_eq(seen, 3);

	/* There is room for one; the count tells of all. */
	found[1] = -7;
	cr_assert_eq(proc_read_children(getpid(), found, 1, &count), 0);
	cr_expect_eq(count, 3);
	cr_expect_eq(found[1], -7);

	make_zombie(pids[0]);
	cr_assert_eq(proc_read_children(getpid(), found, COUNT(found), &count), 0);
	cr_expect_eq(count, 2, "a zombie is no live child");
	cr_assert_eq(proc_read_children(pids[1], found, COUNT(found), &count), 0);
	cr_expect_eq(count, 0);
	for (size_t i = 1; i < COUNT(pids); i++)
		make_zombie(pids[i]);
	for (size_t i = 0; i < COUNT(pids); i++)
		reap(pids[i]);
}

/* Exits of the jailed children below. */
enum { HELD, FAILED, SKIPPED };

static int wait_status(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(proc, without_proc_nothing_is_thought_dead)
{
	char dir[] = "/tmp/sd-util-XXXXXX";
	struct proc_id parent;
	struct proc_stat stat;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip_test("chroot needs root");
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(proc_self(&parent), 0);
	pid = fork();
	if (pid == 0) {
		if (chroot(dir) != 0 || chdir("/") != 0)
			_exit(SKIPPED);
		if (proc_read_stat(parent.pid, &stat) != -ENOENT || !proc_is_alive(parent))
			_exit(FAILED);
		parent.pid = INT32_MAX;
		_exit(proc_is_alive(parent) ? FAILED : HELD);
	}
	cr_expect_eq(wait_status(pid), HELD);
	rmdir(dir);
}

Test(proc, hidden_processes_are_not_thought_dead)
{
	struct proc_id parent;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip_test("mounting another /proc needs root");
	cr_assert_eq(proc_self(&parent), 0);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) != 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		    mount("proc", "/proc", "proc", 0, "hidepid=2") != 0 || setgid(12345) != 0 ||
		    setuid(12345) != 0 || access("/proc/1/stat", F_OK) == 0)
			_exit(SKIPPED);
		_exit(proc_is_alive(parent) ? HELD : FAILED);
	}
	status = wait_status(pid);
	if (status == SKIPPED)
		cr_skip_test("this host does not let us mount a /proc with hidepid");
	cr_expect_eq(status, HELD);
}
