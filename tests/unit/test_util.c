/* unit tests: util.  Processes are real children, files are real files below a fresh directory. */
#include "util/clock.h"
#include "util/decimal.h"
#include "util/duration.h"
#include "util/escape.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/safe_open.h"

#include "silent_mount.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* decimal */

TestSuite(decimal);

Test(decimal, numbers_and_back)
{
	static const struct {
		uint64_t value;
		const char *text;
	} cases[] = {{0, "0"}, {7, "7"}, {10, "10"}, {4294967295, "4294967295"},
	    {UINT64_MAX, "18446744073709551615"}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[DECIMAL_MAX];
		const char *at = text;
		uint64_t value = 1;

		cr_expect_eq(decimal_put(cases[i].value, text), text + strlen(cases[i].text));
		cr_expect_str_eq(text, cases[i].text);
		cr_expect(decimal_take(&at, UINT64_MAX, &value));
		cr_expect_eq(value, cases[i].value);
		cr_expect_eq(at, text + strlen(text));
	}
}

Test(decimal, what_is_no_number)
{
	static const char *const bad[] = {
	    "", "x", "-1", "+1", " 1", "00", "01", "18446744073709551616", "99999999999999999999"};
	static const char more[] = "12.5";
	const char *at = more;
	uint64_t value = 3;

	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *text = bad[i];

		cr_expect_not(decimal_take(&text, UINT64_MAX, &value), "%s", bad[i]);
		cr_expect_eq(text, bad[i]);
	}
	cr_expect_not(decimal_take(&at, 11, &value), "above what was allowed");
	cr_expect_eq(value, 3);
	cr_expect(decimal_take(&at, 12, &value));
	cr_expect_eq(value, 12);
	cr_expect_str_eq(at, ".5");
	at = "9";
	cr_expect_not(decimal_take(&at, 5, &value));
}

/* duration */

TestSuite(duration);

Test(duration, parse)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t ns;
	} cases[] = {
	    {"0s", 0, 0},
	    {"1ms", 0, NS_PER_MS},
	    {"90s", 0, 90 * NS_PER_S},
	    {"5m", 0, 300 * NS_PER_S},
	    {"2h", 0, 7200 * NS_PER_S},
	    {"1d", 0, 86400 * NS_PER_S},
	    {"007s", 0, 7 * NS_PER_S},
	    {"10000d", 0, UINT64_C(864000000) * NS_PER_S},
	    {"864000000s", 0, UINT64_C(864000000) * NS_PER_S},
	    {"", -EINVAL, 0},
	    {"s", -EINVAL, 0},
	    {"5", -EINVAL, 0},
	    {" 5s", -EINVAL, 0},
	    {"5 s", -EINVAL, 0},
	    {"5s ", -EINVAL, 0},
	    {"+5s", -EINVAL, 0},
	    {"-5s", -EINVAL, 0},
	    {"1.5s", -EINVAL, 0},
	    {"5S", -EINVAL, 0},
	    {"5sec", -EINVAL, 0},
	    {"5m30s", -EINVAL, 0},
	    {"0x5s", -EINVAL, 0},
	    {"10001d", -ERANGE, 0},
	    {"864000001s", -ERANGE, 0},
	    {"18446744073709551617s", -ERANGE, 0},
	    {"99999999999999999999999999999999999999s", -ERANGE, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t ns = 42;

		cr_expect_eq(duration_parse(cases[i].text, &ns), cases[i].rc, "%s", cases[i].text);
		cr_expect_eq(ns, cases[i].rc == 0 ? cases[i].ns : 42, "%s", cases[i].text);
	}
}

Test(duration, format)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
	    {0, "0s"},
	    {1, "0s"},
	    {NS_PER_MS - 1, "0s"},
	    {NS_PER_MS, "1ms"},
	    {1500 * NS_PER_MS, "1500ms"},
	    {NS_PER_S + 1, "1s"},
	    {59 * NS_PER_S, "59s"},
	    {300 * NS_PER_S, "5m"},
	    {301 * NS_PER_S, "301s"},
	    {7200 * NS_PER_S, "2h"},
	    {UINT64_C(86400) * 3 * NS_PER_S, "3d"},
	    {UINT64_MAX, "18446744073709ms"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[DURATION_TEXT_MAX];

		cr_expect_eq(duration_format(cases[i].ns, text), text);
		cr_expect_str_eq(text, cases[i].text);
	}
}

Test(duration, what_is_formatted_parses_to_the_same)
{
	for (uint64_t ms = 1; ms < UINT64_C(864000000) * 1000; ms = ms * 3 + 1) {
		char text[DURATION_TEXT_MAX];
		uint64_t ns = 0;

		cr_assert_eq(duration_parse(duration_format(ms * NS_PER_MS, text), &ns), 0);
		cr_assert_eq(ns, ms * NS_PER_MS, "%s", text);
	}
}

/* escape */

TestSuite(escape);

Test(escape, text)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"", ""},
	    {"plain ~text!", "plain ~text!"},
	    {"a\nb\tc\r", "a\\012b\\011c\\015"},
	    {"\033[31m", "\\033[31m"},
	    {"\177", "\\177"},
	    {"back\\slash", "back\\134slash"},
	    {"\"quoted\"", "\\042quoted\\042"},
	    /* UTF-8 of two, three and four bytes, and the ends of its ranges. */
	    {"D\xc3\xb6rte", "D\xc3\xb6rte"},
	    {"\xe2\x82\xac", "\xe2\x82\xac"},
	    {"\xf0\x9f\x90\x9f", "\xf0\x9f\x90\x9f"},
	    {"\xc2\xa0", "\xc2\xa0"},
	    {"\xed\x9f\xbf", "\xed\x9f\xbf"},
	    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	    /* C1 controls, as UTF-8 and alone: 0x9b is CSI to a terminal. */
	    {"\xc2\x9b"
	     "31m",
		"\\302\\23331m"},
	    {"\xc2\x80", "\\302\\200"},
	    {"\x9b"
	     "31m",
		"\\23331m"},
	    /* Latin-1, overlong forms, surrogates, beyond U+10FFFF, cut sequences. */
	    {"\xf6", "\\366"},
	    {"\xf6 ", "\\366 "},
	    {"\xc0\xaf", "\\300\\257"},
	    {"\xc1\xbf", "\\301\\277"},
	    {"\xe0\x80\xaf", "\\340\\200\\257"},
	    {"\xf0\x80\x80\xaf", "\\360\\200\\200\\257"},
	    {"\xed\xa0\x80", "\\355\\240\\200"},
	    {"\xf4\x90\x80\x80", "\\364\\220\\200\\200"},
	    {"\xf5\x80\x80\x80", "\\365\\200\\200\\200"},
	    {"\xff", "\\377"},
	    {"\xe2\x82", "\\342\\202"},
	    {"\xe2\x82z", "\\342\\202z"},
	    {"\xe2\xe2\x82\xac", "\\342\xe2\x82\xac"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[128];

		cr_expect_eq(escape_text(cases[i].in, strlen(cases[i].in), out, sizeof(out)), out);
		cr_expect_str_eq(out, cases[i].out);
	}
}

Test(escape, stops_at_the_length_and_at_a_nul)
{
	char out[32];

	cr_expect_str_eq(escape_text("abcdef", 3, out, sizeof(out)), "abc");
	cr_expect_str_eq(escape_text("ab\0cd", 5, out, sizeof(out)), "ab");
	/* The length cuts the sequence: what follows it in memory does not complete it. */
	cr_expect_str_eq(escape_text("\xe2\x82\xac", 2, out, sizeof(out)), "\\342\\202");
	cr_expect_str_eq(escape_text("x", 0, out, sizeof(out)), "");
}

Test(escape, what_does_not_fit_is_cut_whole)
{
	static const struct {
		const char *in;
		size_t out_len;
		const char *out;
	} cases[] = {
	    {"abc", 1, ""},
	    {"abc", 3, "ab"},
	    {"abc", 4, "abc"},
	    {"a\n", 5, "a"},
	    {"a\n", 6, "a\\012"},
	    {"\xe2\x82\xac", 3, ""},
	    {"\xe2\x82\xac", 4, "\xe2\x82\xac"},
	    {"a\nb", 5, "a"},
	    {"\n\n", 8, "\\012"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[16];

		memset(out, '#', sizeof(out));
		escape_text(cases[i].in, strlen(cases[i].in), out, cases[i].out_len);
		cr_expect_str_eq(out, cases[i].out);
		for (size_t at = cases[i].out_len; at < sizeof(out); at++)
			cr_expect_eq(out[at], '#', "wrote past the end, case %zu", i);
	}
}

Test(escape, every_byte_gives_printable_text)
{
	char in[256], out[256 * ESCAPE_GROWTH + 1];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(255 - i); /* NUL last */
	escape_text(in, sizeof(in), out, sizeof(out));
	for (const char *at = out; *at != '\0'; at++)
		cr_expect(*at >= 0x20 && *at < 0x7f, "byte %02x", (unsigned char)*at);
	cr_expect_not_null(strstr(out, "\\377\\376"));
	cr_expect_not_null(strstr(out, "\\002\\001"));
}

/* proc */

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

/* safe_open */

static char dir[64], file[96], other[96];

static void set_up(void)
{
	int fd;

	snprintf(dir, sizeof(dir), "/tmp/sd-util-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "content", 7), 7);
	close(fd);
}

static void tear_down(void)
{
	remove(file);
	remove(other);
	rmdir(dir);
}

/* Criterion leaves the clearing up out when a test is skipped. */
static void skip(const char *why)
{
	tear_down();
	cr_skip_test("%s", why);
}

static int open_checked(const char *path)
{
	int fd = safe_open_file(AT_FDCWD, path, O_RDONLY, geteuid(), 022);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

TestSuite(safe_open, .init = set_up, .fini = tear_down, .timeout = 30);

Test(safe_open, a_good_file)
{
	char text[16] = "";
	int dir_fd, fd;

	fd = safe_open_file(AT_FDCWD, file, O_RDONLY, geteuid(), 022);
	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect_eq(safe_read(fd, text, sizeof(text)), 7);
	cr_expect_str_eq(text, "content");
	cr_expect_eq(safe_pread(fd, text, 2, 3), 2);
	cr_expect_eq(text[0], 't');
	close(fd);

	dir_fd = safe_open_dir(dir, geteuid(), 022);
	cr_assert_geq(dir_fd, 0);
	fd = safe_open_file(dir_fd, "file", O_RDWR, geteuid(), 077);
	cr_assert_geq(fd, 0);
	cr_expect_eq(safe_pwrite(fd, "CON", 3, 0), 0);
	cr_expect_eq(safe_pread(fd, text, sizeof(text), 0), 7);
	cr_expect_eq(memcmp(text, "CONtent", 7), 0);
	close(fd);
	close(dir_fd);
}

Test(safe_open, missing)
{
	cr_expect_eq(open_checked(other), -ENOENT);
	cr_expect_eq(safe_open_dir(other, geteuid(), 022), -ENOENT);
}

Test(safe_open, links)
{
	cr_assert_eq(symlink("file", other), 0);
	cr_expect_eq(open_checked(other), -ELOOP);
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(symlink("nowhere", other), 0);
	cr_expect_eq(open_checked(other), -ELOOP);
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(symlink(dir, other), 0);
	cr_expect_lt(safe_open_dir(other, geteuid(), 022), 0);
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(link(file, other), 0);
	cr_expect_eq(open_checked(file), -EPERM);
	cr_expect_eq(open_checked(other), -EPERM);
	cr_assert_eq(unlink(other), 0);
	cr_expect_eq(open_checked(file), 0);
}

Test(safe_open, no_regular_files)
{
	cr_assert_eq(mkfifo(other, 0600), 0);
	cr_expect_eq(open_checked(other), -EINVAL);
	cr_expect_eq(safe_open_dir(other, geteuid(), 022), -ENOTDIR);
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(mkdir(other, 0700), 0);
	cr_expect_eq(open_checked(other), -EINVAL);
	cr_expect_eq(safe_open_dir(file, geteuid(), 022), -ENOTDIR);
	cr_expect_eq(open_checked("/dev/null"), -EINVAL);
}

Test(safe_open, modes)
{
	static const struct {
		mode_t mode, forbidden;
		int rc;
	} cases[] = {
	    {0644, 022, 0},
	    {0666, 022, -EPERM},
	    {0620, 022, -EPERM},
	    {0602, 022, -EPERM},
	    {0644, 077, -EPERM},
	    {0600, 077, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int fd;

		cr_assert_eq(chmod(file, cases[i].mode), 0);
		fd = safe_open_file(AT_FDCWD, file, O_RDONLY, geteuid(), cases[i].forbidden);
		cr_expect_eq(fd < 0 ? fd : 0, cases[i].rc, "%o", (unsigned int)cases[i].mode);
		if (fd >= 0)
			close(fd);
	}
	cr_assert_eq(chmod(dir, 0777), 0);
	cr_expect_eq(safe_open_dir(dir, geteuid(), 022), -EPERM);
	cr_assert_eq(chmod(dir, 0700), 0);
}

Test(safe_open, owners)
{
	int fd;

	if (geteuid() != 0)
		skip("giving a file away needs root");
	cr_assert_eq(chown(file, 12345, (gid_t)-1), 0);
	cr_expect_eq(open_checked(file), -EPERM);
	fd = safe_open_file(AT_FDCWD, file, O_RDONLY, 12345, 022);
	cr_assert_geq(fd, 0);
	close(fd);
	cr_expect_eq(safe_open_file(AT_FDCWD, file, O_RDONLY, 12346, 022), -EPERM);
	cr_assert_eq(chown(file, 0, (gid_t)-1), 0);
	fd = safe_open_file(AT_FDCWD, file, O_RDONLY, 12345, 022);
	cr_expect_geq(fd, 0, "root's files are everybody's to trust");
	close(fd);
	cr_assert_eq(chown(dir, 12345, (gid_t)-1), 0);
	cr_expect_eq(safe_open_dir(dir, 0, 022), -EPERM);
}

Test(safe_open, directory_that_may_only_be_passed_through)
{
	int dir_fd, fd;

	if (geteuid() != 0)
		skip("taking another user's place needs root");
	cr_assert_eq(chmod(dir, 0711), 0);
	cr_assert_eq(chmod(file, 0644), 0);
	cr_assert_eq(seteuid(12345), 0);
	dir_fd = safe_open_dir(dir, 0, 022);
	cr_assert_geq(dir_fd, 0);
	fd = safe_open_file(dir_fd, "file", O_RDONLY, 0, 022);
	cr_expect_geq(fd, 0);
	cr_assert_eq(seteuid(0), 0);
	close(fd);
	close(dir_fd);
}

Test(safe_open, unmounted_is_checked_likewise)
{
	char text[16] = "";
	int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int root_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *name = dir + strlen("/tmp/");
	int fd;

	fd = safe_open_unmounted_file(dir_fd, "file", O_RDWR, geteuid(), 077);
	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect_eq(safe_pwrite(fd, "CON", 3, 0), 0);
	cr_expect_eq(safe_pread(fd, text, sizeof(text), 0), 7);
	cr_expect_eq(memcmp(text, "CONtent", 7), 0);
	close(fd);
	fd = safe_open_unmounted_dir(root_fd, name, geteuid(), 077);
	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect_eq(faccessat(fd, "file", F_OK, 0), 0);
	close(fd);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "none", O_RDONLY, geteuid(), 077), -ENOENT);
	cr_expect_eq(safe_open_unmounted_dir(root_fd, "/none", geteuid(), 077), -ENOENT);
	cr_expect_eq(safe_open_unmounted_dir(dir_fd, "file", geteuid(), 077), -ENOTDIR);
	cr_assert_eq(symlink("file", other), 0);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "other", O_RDONLY, geteuid(), 077), -ELOOP);
	cr_expect_eq(safe_open_unmounted_dir(dir_fd, "other", geteuid(), 077), -ENOTDIR);
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(mkfifo(other, 0600), 0);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "other", O_RDONLY, geteuid(), 077), -EINVAL);
	cr_assert_eq(chmod(file, 0640), 0);
	cr_assert_eq(chmod(dir, 0750), 0);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "file", O_RDONLY, geteuid(), 077), -EPERM);
	cr_expect_eq(safe_open_unmounted_dir(root_fd, name, geteuid(), 077), -EPERM);
	close(dir_fd);
	close(root_fd);
}

Test(safe_open, what_is_mounted_over_a_file_is_not_asked)
{
	int dir_fd, before, after;

	if (!silent_mount(file, 12345, true))
		skip("mounting a fuse file system needs root and /dev/fuse");
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	before = dup(0);
	close(before);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "file", O_RDONLY, 0, 077), -EXDEV);
	after = dup(0);
	close(after);
	silent_unmount(file);
	cr_expect_eq(before, after);
	close(dir_fd);
}

Test(safe_open, what_is_mounted_over_a_directory_is_not_asked)
{
	int root_fd;

	if (!silent_mount(dir, 12345, true))
		skip("mounting a fuse file system needs root and /dev/fuse");
	root_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_expect_eq(safe_open_unmounted_dir(root_fd, dir + strlen("/tmp/"), 0, 077), -EXDEV);
	silent_unmount(dir);
	close(root_fd);
}

/* A mount of the same file system, as an administrator may make one, has the same device. */
Test(safe_open, a_bind_mount_is_one_too)
{
	int dir_fd;

	close(open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount(file, other, NULL, MS_BIND, NULL) != 0)
		skip("a mount of one's own needs root");
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "other", O_RDONLY, 0, 077), -EXDEV);
	silent_unmount(other);
	close(dir_fd);
}

Test(safe_open, unmounted_files_need_proc)
{
	int dir_fd;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", "/proc", "tmpfs", 0, "size=4k") != 0)
		skip("hiding /proc needs root");
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_expect_eq(safe_open_unmounted_file(dir_fd, "file", O_RDONLY, 0, 077), -ENOSYS);
	silent_unmount("/proc");
	close(dir_fd);
}

Test(safe_open, refusals_leave_no_descriptor)
{
	int before, after;

	cr_assert_eq(chmod(file, 0666), 0);
	before = dup(0);
	close(before);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(open_checked(file), -EPERM);
	after = dup(0);
	close(after);
	cr_expect_eq(before, after);
}

Test(safe_open, reads_go_on_to_the_end)
{
	int ends[2];
	char out[8] = "";
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		for (const char *at = "abcdef"; *at != '\0'; at++) {
			clock_sleep_ns(5 * NS_PER_MS);
			if (write(ends[1], at, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	cr_expect_eq(safe_read(ends[0], out, sizeof(out)), 6);
	cr_expect_str_eq(out, "abcdef");
	cr_expect_eq(safe_read(ends[0], out, sizeof(out)), 0);
	close(ends[0]);
	cr_expect_eq(safe_read(-1, out, sizeof(out)), -EBADF);
	cr_expect_eq(safe_pread(-1, out, sizeof(out), 0), -EBADF);
	cr_expect_eq(safe_pwrite(-1, out, sizeof(out), 0), -EBADF);
	reap(pid);
}

/* log */

static FILE *caught;

static void catch_stderr(void)
{
	caught = tmpfile();
	cr_assert_not_null(caught);
	cr_assert_geq(dup2(fileno(caught), STDERR_FILENO), 0);
}

/* What has been written to stderr so far, in a buffer that the next call overwrites. */
static const char *written(void)
{
	static char text[8192];
	ssize_t got;

	fflush(stderr);
	got = safe_pread(fileno(caught), text, sizeof(text) - 1, 0);
	cr_assert_geq(got, 0);
	text[got] = '\0';
	return text;
}

TestSuite(log, .init = catch_stderr);

Test(log, levels_by_name)
{
	static const struct {
		const char *name;
		enum log_level level;
	} cases[] = {
	    {"QUIET", LEVEL_QUIET},
	    {"FATAL", LEVEL_FATAL},
	    {"ERROR", LEVEL_ERROR},
	    {"info", LEVEL_INFO},
	    {"Verbose", LEVEL_VERBOSE},
	    {"DEBUG", LEVEL_DEBUG1},
	    {"DEBUG1", LEVEL_DEBUG1},
	    {"DEBUG2", LEVEL_DEBUG2},
	    {"DEBUG3", LEVEL_DEBUG3},
	};
	enum log_level level = LEVEL_FATAL;

	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_expect_eq(log_level_parse(cases[i].name, &level), 0);
		cr_expect_eq(level, cases[i].level, "%s", cases[i].name);
	}
	cr_expect_eq(log_level_parse("DEBUG4", &level), -EINVAL);
	cr_expect_eq(log_level_parse("", &level), -EINVAL);
	cr_expect_eq(level, LEVEL_DEBUG3);
}

Test(log, facilities_by_name)
{
	int facility = -1;

	cr_expect_eq(log_facility_parse("AUTH", &facility), 0);
	cr_expect_eq(facility, LOG_AUTH);
	cr_expect_eq(log_facility_parse("local7", &facility), 0);
	cr_expect_eq(facility, LOG_LOCAL7);
	cr_expect_eq(log_facility_parse("LOCAL8", &facility), -EINVAL);
	cr_expect_eq(facility, LOG_LOCAL7);
}

Test(log, before_it_is_opened_errors_go_to_stderr)
{
	char line[64];

	cr_expect(log_enabled(LEVEL_ERROR));
	cr_expect_not(log_enabled(LEVEL_INFO));
	log_error("bad %d", 7);
	log_info("not this");
	snprintf(line, sizeof(line), "sftp-drain[%ld]: bad 7\n", (long)getpid());
	cr_expect_str_eq(written(), line);
}

Test(log, lines_up_to_the_level)
{
	log_open("ident", LEVEL_VERBOSE, LOG_USER, true);
	log_error("one");
	log_info("two");
	log_verbose("three");
	log_debug("four");
	cr_expect_not_null(strstr(written(), "ident["));
	cr_expect_not_null(strstr(written(), "one\n"));
	cr_expect_not_null(strstr(written(), "two\n"));
	cr_expect_not_null(strstr(written(), "three\n"));
	cr_expect_null(strstr(written(), "four"));
}

Test(log, quiet_says_nothing)
{
	log_open("ident", LEVEL_QUIET, LOG_USER, true);
	log_error("one");
	log_write(LEVEL_QUIET, "two");
	cr_expect_str_empty(written());
}

Test(log, unwanted_arguments_are_not_evaluated)
{
	int evaluated = 0;

	log_open("ident", LEVEL_ERROR, LOG_USER, true);
	log_debug("%d", ++evaluated);
	cr_expect_eq(evaluated, 0);
	log_error("%d", ++evaluated);
	cr_expect_eq(evaluated, 1);
}

Test(log, errno_is_kept)
{
	log_open("ident", LEVEL_ERROR, LOG_USER, true);
	close(STDERR_FILENO);
	errno = ENOTTY;
	log_error("nowhere to go");
	cr_expect_eq(errno, ENOTTY);
}

Test(log, long_lines_are_cut)
{
	char long_text[5000];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	log_open("ident", LEVEL_ERROR, LOG_USER, true);
	log_error("%s", long_text);
	cr_expect_lt(strlen(written()), 2200);
	cr_expect_gt(strlen(written()), 2000);
	cr_expect_eq(written()[strlen(written()) - 1], '\n');
}
