/* unit tests: what our server sends to syslog beside what OpenSSH's sends: priority, facility, name,
 * text.  /dev/log is a socket of the test's own, in a mount namespace of its own. */
#include "codec/sftp.h"
#include "util/log.h"

#include "jail.h"
#include "program.h"
#include "scratch.h"
#include "script.h"

#include <criterion/criterion.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LINES_MAX 32

static int log_socket;

/* Puts a directory with nothing but "null" and our socket in the place of /dev. */
static bool take_over_dev(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "dev/log"};

	log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_eq(mkdir("dev", 0755), 0);
	scratch_write("dev/null", "");
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       bind(log_socket, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	       mount("/dev/null", "dev/null", NULL, MS_BIND, NULL) == 0 &&
	       mount("dev", "/dev", NULL, MS_BIND | MS_REC, NULL) == 0;
}

static void give_back_dev(void)
{
	(void)umount2("/dev", MNT_DETACH);
	(void)chdir(scratch_path);
	(void)umount2("dev/null", MNT_DETACH);
}

static void set_up(void)
{
	scratch_enter();
	if (program_ours().path == NULL)
		scratch_skip("SD_SERVER does not say where sftp-server is");
	if (geteuid() != 0)
		scratch_skip("not root, who can put a socket in the place of /dev/log");
	if (!take_over_dev()) {
		give_back_dev();
		scratch_skip("no mount namespace can be made here");
	}
	scratch_write("f", "content");
}

static void clean_up(void)
{
	give_back_dev();
	scratch_leave();
}

TestSuite(to_syslog, .init = set_up, .fini = clean_up, .timeout = 60);

static char lines[LINES_MAX][2048];
static size_t line_count;

/* Takes what has come: "<priority>time name[number]: text", of which the time and the number go, and
 * the name of a function before the text of an error. */
static void take_lines(void)
{
	char raw[1024], text[1024], name[32];
	ssize_t got;

	while ((got = recv(log_socket, raw, sizeof(raw) - 1, 0)) > 0) {
		const char *function;
		int priority;

		raw[got] = '\0';
		cr_assert_eq(
		    sscanf(raw, "<%d>%*15c %31[a-z-][%*d]: %1023[^\n]", &priority, name, text), 3,
		    "%s", raw);
		function = strstr(text, ": process_");
		cr_assert_lt(line_count, LINES_MAX);
		if (function != NULL)
			snprintf(lines[line_count++], sizeof(lines[0]), "<%d>%s: %.*s%s", priority,
			    name, (int)(function - text), text, strchr(function + 2, ':'));
		else
			snprintf(lines[line_count++], sizeof(lines[0]), "<%d>%s: %s", priority,
			    name, text);
	}
}

static void serve(const struct program_kind *kind)
{
	static const char *const flags[] = {"-l", "VERBOSE", "-f", "LOCAL3", NULL};
	static const char *const requests[] = {"stat 'f'", "open 'f' u:1 none", "write #A q:0 'x'",
	    "no-such@extension", "mkdir 'a\\x09b' none", "remove '\\xc3\\xa4'"};
	static struct script_handles handles;
	static struct packet packet;
	struct program program;

	line_count = 0;
	program_start(&program, kind, scratch_path, flags);
	packet.len = 0;
	packet_add(&packet, "bu", SFTP_INIT, 3u);
	program_send(&program, &packet);
	program_receive(&program, &packet);
	for (uint32_t i = 0; i < COUNT(requests); i++) {
		/* The socket holds few lines. */
		take_lines();
		script_request(&packet, requests[i], i, &handles);
		program_send(&program, &packet);
		program_receive(&program, &packet);
		(void)script_show(&packet, i, requests[i], scratch_path, "HANDLE A", &handles);
	}
	take_lines();
	cr_expect_eq(program_stop(&program), 0);
	take_lines();
	(void)rmdir("a\tb");
}

#define INFO "<158>sftp-server: "
#define ERROR "<155>sftp-server: error: "

static void expect_lines(const char *tab, const char *umlaut)
{
	char opened[256], closed[256], made[256], removed[256];
	const char *user = getpwuid(getuid())->pw_name;
	const char *const expected[] = {opened, INFO "received client version 3",
	    INFO "stat name \"f\"", INFO "open \"f\" flags READ mode 0666",
	    ERROR "write \"f\": Bad file descriptor", INFO "sent status No such file",
	    ERROR "Unknown extended request \"no-such@extension\"",
	    INFO "sent status Operation unsupported", made, removed,
	    INFO "sent status No such file", INFO "forced close \"f\" bytes read 0 written 0",
	    closed};
	size_t at = 0;

	snprintf(
	    opened, sizeof(opened), INFO "session opened for local user %s from [192.0.2.7]", user);
	snprintf(
	    closed, sizeof(closed), INFO "session closed for local user %s from [192.0.2.7]", user);
	snprintf(made, sizeof(made), INFO "mkdir name \"a%sb\" mode 0777", tab);
	snprintf(removed, sizeof(removed), INFO "remove name \"%s\"", umlaut);
	for (size_t i = 0; i < line_count; i++) {
		/* Ours says that no siblings can be found; OpenSSH's has none. */
		if (strstr(lines[i], "running alone: ") != NULL)
			continue;
		cr_assert_lt(at, COUNT(expected), "%s", lines[i]);
		cr_expect_str_eq(lines[i], expected[at], "%s", lines[i]);
		at++;
	}
	cr_expect_eq(at, COUNT(expected));
}

Test(to_syslog, ours)
{
	const struct program_kind kind = program_ours();

	serve(&kind);
	expect_lines("\\011", "\xc3\xa4");
}

/* The same but for names (escape.h). */
Test(to_syslog, reference)
{
	const struct program_kind kind = program_reference();

	if (kind.path == NULL) {
		give_back_dev();
		scratch_skip("OpenSSH's sftp-server is not installed");
	}
	serve(&kind);
	expect_lines("\\t", "\\303\\244");
}

/* The socket is opened once, so that the log goes on where there is no /dev. */
Test(to_syslog, from_within_a_jail)
{
	int status;
	pid_t pid;

	cr_assert_eq(mkdir("jail", 0755), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		log_open("sftp-server", LEVEL_DEBUG1, LOG_LOCAL3, false);
		if (!jail_enter("jail"))
			_exit(1);
		log_info("one");
		log_error("two");
		log_debug("three");
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	take_lines();
	cr_assert_eq(line_count, 3);
	cr_expect_str_eq(lines[0], INFO "one");
	cr_expect_str_eq(lines[1], ERROR "two");
	cr_expect_str_eq(lines[2], "<159>sftp-server: debug1: three");
}
