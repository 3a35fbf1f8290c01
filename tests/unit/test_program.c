/* unit tests: the program sftp-server as sshd starts it: its flags, messages and exit statuses. */
#include "codec/sftp.h"

#include "packet.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct packet input;
static char out[65536], err[65536];
static size_t out_len;
static int status;

static const char requests[] =
    "open\nclose\nread\nwrite\nlstat\nfstat\nsetstat\nfsetstat\nopendir\nreaddir\n"
    "remove\nmkdir\nrmdir\nrealpath\nstat\nrename\nreadlink\nsymlink\n"
    "posix-rename\nstatvfs\nfstatvfs\nhardlink\nfsync\nlsetstat\nlimits\nexpand-path\n"
    "copy-data\nhome-directory\nusers-groups-by-id\n";

static void set_up(void)
{
	scratch_enter();
	if (getenv("SD_SERVER") == NULL)
		scratch_skip("SD_SERVER does not say where sftp-server is");
	input.len = 0;
}

TestSuite(program, .init = set_up, .fini = scratch_leave, .timeout = 60);

static int open_output(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	return fd;
}

static size_t take_output(int fd, char *text, size_t room)
{
	ssize_t got = pread(fd, text, room - 1, 0);

	cr_assert_geq(got, 0);
	text[got] = '\0';
	close(fd);
	return (size_t)got;
}

/* Files for all three, so that nothing can block; outside of the scratch tree's count. */
static void run(const char *const words[], size_t count)
{
	char *argv[24] = {(char *)(uintptr_t) "sftp-server",
	    (char *)(uintptr_t) "--config=/nonexistent",
	    (char *)(uintptr_t) "--rundir=/nonexistent",
	    (char *)(uintptr_t) "--shmdir=/nonexistent"};
	int in_fd = open_output(".in"), out_fd = open_output(".out"), err_fd = open_output(".err");
	int wait_status;
	pid_t pid;

	cr_assert_lt(count, COUNT(argv) - 4);
	for (size_t i = 0; i < count; i++)
		argv[4 + i] = (char *)(uintptr_t)words[i];
	cr_assert_eq(pwrite(in_fd, input.bytes, input.len, 0), (ssize_t)input.len);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		unsetenv("SFTP_DRAIN_CONNECTION");
		unsetenv("SSH_CONNECTION");
		dup2(in_fd, 0);
		dup2(out_fd, 1);
		dup2(err_fd, 2);
		execv(getenv("SD_SERVER"), argv);
		_exit(127);
	}
	cr_assert_eq(waitpid(pid, &wait_status, 0), pid);
	cr_assert(WIFEXITED(wait_status));
	status = WEXITSTATUS(wait_status);
	close(in_fd);
	out_len = take_output(out_fd, out, sizeof(out));
	(void)take_output(err_fd, err, sizeof(err));
}

#define RUN(...)                                                                                   \
	run((const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))

static void add(enum sftp_type type, uint32_t id, const char *shape, ...)
{
	static struct packet packet;
	va_list list;

	packet.len = 0;
	packet_add(&packet, "bu", (int)type, id);
	va_start(list, shape);
	packet_add_list(&packet, shape, list);
	va_end(list);
	packet_add(&input, "x", (const void *)packet.bytes, packet.len);
}

/* The reply with that number, 0 the VERSION, in a packet that the next call overwrites. */
static const struct packet *reply_number(size_t number)
{
	static struct packet all, reply;
	size_t at = 0;

	all.len = 0;
	packet_add(&all, "r", (const void *)out, out_len);
	while (number-- > 0)
		at += 4 + packet_u32(&all, at);
	reply.len = 0;
	cr_assert_leq(at + 4 + packet_u32(&all, at), all.len);
	packet_add(&reply, "r", (const void *)(all.bytes + at + 4), (size_t)packet_u32(&all, at));
	return &reply;
}

static bool replied_code(size_t number, enum sftp_status code)
{
	const struct packet *reply = reply_number(number);

	return reply->bytes[0] == SFTP_STATUS && packet_u32(reply, 1) == number &&
	       packet_u32(reply, 5) == code;
}

static bool has(const struct packet *packet, const char *text)
{
	return memmem(packet->bytes, packet->len, text, strlen(text)) != NULL;
}

/* messages */

Test(program, list_of_requests)
{
	RUN("-Q", "requests");
	cr_expect_eq(status, 0);
	cr_expect_str_eq(out, requests);
	cr_expect_str_empty(err);
}

Test(program, help)
{
	RUN("-h");
	cr_expect_eq(status, 1, "as OpenSSH's");
	cr_expect_str_empty(out);
	cr_expect_eq(strncmp(err, "usage: sftp-server [-ehR] [-d start_directory]", 46), 0);
	cr_expect_not_null(strstr(err, "-Q requests"));
}

Test(program, bad_flags)
{
	static const struct {
		const char *words[4];
		int status;
		const char *message;
	} cases[] = {
	    {{"-Z"}, 1, "usage: "},
	    {{"--frobnicate"}, 1, "usage: "},
	    {{"-d"}, 1, "usage: "},
	    {{"-Q", "ciphers"}, 1, "sftp-server: Invalid query type \"ciphers\"\n"},
	    {{"-u", "9"}, 255, "sftp-server: Invalid umask \"9\"\n"},
	    {{"-u", "-5"}, 255, "sftp-server: Invalid umask \"-5\"\n"},
	    {{"-P", "open", "-P", "stat"}, 255,
		"sftp-server: Refused requests already set before \"stat\"\n"},
	    {{"-p", "open", "-p", "stat"}, 255,
		"sftp-server: Permitted requests already set before \"stat\"\n"},
	    {{"-l", "LOUD"}, 1, "sftp-server: Invalid log level \"LOUD\"\n"},
	    {{"-f", "ATTIC"}, 1, "sftp-server: Invalid log facility \"ATTIC\"\n"},
	    {{"-P", "open,opne"}, 0, "sftp-server: no request is called \"opne\"\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t count = 0;

		while (count < 4 && cases[i].words[count] != NULL)
			count++;
		run(cases[i].words, count);
		cr_expect_eq(status, cases[i].status, "%s", cases[i].words[0]);
		cr_expect_str_empty(out);
		cr_expect_not_null(strstr(err, cases[i].message), "%s", err);
	}
}

/* flags */

Test(program, serves_until_the_end_of_its_input)
{
	add(SFTP_INIT, 3, "");
	add(SFTP_MKDIR, 1, "su", "made", 0u);
	add(SFTP_STAT, 2, "s", "missing");
	run(NULL, 0);
	cr_expect_eq(status, 0);
	cr_expect_eq(reply_number(0)->bytes[0], SFTP_VERSION_REPLY);
	cr_expect(replied_code(1, SFTP_OK));
	cr_expect(replied_code(2, SFTP_NO_SUCH_FILE));
	cr_expect(scratch_exists("made"));
	cr_expect_str_empty(err);
}

Test(program, bad_streams)
{
	add(SFTP_MKDIR, 1, "su", "made", 0u);
	run(NULL, 0);
	cr_expect_eq(status, 11);
	cr_expect_not(scratch_exists("made"));
	input.len = 0;
	add(SFTP_INIT, 3, "");
	packet_add(&input, "u", SFTP_PACKET_MAX + 1);
	RUN("-e");
	cr_expect_eq(status, 11);
	cr_expect_not_null(strstr(err, "bad message from local user "));
	cr_expect_not_null(strstr(err, "length 262145"));
}

Test(program, read_only)
{
	add(SFTP_INIT, 3, "");
	add(SFTP_MKDIR, 1, "su", "made", 0u);
	add(SFTP_OPEN, 2, "suu", "f", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	add(SFTP_STAT, 3, "s", ".");
	RUN("-R");
	cr_expect_eq(status, 0);
	cr_expect(has(reply_number(0), "statvfs@openssh.com"));
	cr_expect_not(has(reply_number(0), "rename"));
	cr_expect(replied_code(1, SFTP_PERMISSION_DENIED));
	cr_expect(replied_code(2, SFTP_PERMISSION_DENIED));
	cr_expect_eq(reply_number(3)->bytes[0], SFTP_ATTRS);
	cr_expect_not(scratch_exists("made"));
	cr_expect_not(scratch_exists("f"));
}

Test(program, denied_and_allowed)
{
	add(SFTP_INIT, 3, "");
	add(SFTP_MKDIR, 1, "su", "made", 0u);
	add(SFTP_LSTAT, 2, "s", ".");
	add(SFTP_STAT, 3, "s", ".");
	RUN("-P", "mkdir,hardlink");
	cr_expect(replied_code(1, SFTP_PERMISSION_DENIED));
	cr_expect_eq(reply_number(2)->bytes[0], SFTP_ATTRS);
	cr_expect_not(has(reply_number(0), "hardlink@openssh.com"));
	cr_expect(has(reply_number(0), "limits@openssh.com"));
	RUN("-p", "lstat,limits");
	cr_expect(replied_code(1, SFTP_PERMISSION_DENIED));
	cr_expect_eq(reply_number(2)->bytes[0], SFTP_ATTRS);
	cr_expect(replied_code(3, SFTP_PERMISSION_DENIED));
	cr_expect_not(has(reply_number(0), "hardlink@openssh.com"));
	cr_expect(has(reply_number(0), "limits@openssh.com"));
	RUN("-p", "lstat,stat", "-P", "stat");
	cr_expect_eq(reply_number(2)->bytes[0], SFTP_ATTRS);
	cr_expect(replied_code(3, SFTP_PERMISSION_DENIED));
	cr_expect_not(scratch_exists("made"));
}

Test(program, umask)
{
	add(SFTP_INIT, 3, "");
	add(SFTP_MKDIR, 1, "su", "made", 0u);
	add(SFTP_OPEN, 2, "suuu", "f", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, SFTP_ATTR_PERMISSIONS,
	    04755u);
	RUN("-u", "037");
	cr_expect_eq(scratch_lstat("made").st_mode & 07777, 0740);
	cr_expect_eq(scratch_lstat("f").st_mode & 07777, 04740);
}

static void expect_started_in(const char *flag, const char *directory)
{
	char resolved[PATH_MAX];
	struct packet expected = {.len = 0};

	cr_assert_not_null(realpath(directory, resolved));
	input.len = 0;
	add(SFTP_INIT, 3, "");
	add(SFTP_REALPATH, 1, "s", ".");
	RUN("-d", flag);
	packet_add(&expected, "buussu", SFTP_NAME, 1u, 1u, resolved, resolved, 0u);
	cr_expect(packet_equals(reply_number(1), &expected), "%s", flag);
	cr_expect_str_empty(err, "%s", err);
}

Test(program, start_directory)
{
	const struct passwd *self = getpwuid(getuid());
	char name[PATH_MAX], flag[PATH_MAX];

	cr_assert_not_null(self);
	cr_assert_eq(mkdir("d", 0755), 0);
	expect_started_in("d", "d");
	snprintf(flag, sizeof(flag), "%s/d", scratch_path);
	expect_started_in(flag, "d");
	snprintf(
	    name, sizeof(name), "100%% of %s, %lu", self->pw_name, (unsigned long)self->pw_uid);
	cr_assert_eq(mkdir(name, 0755), 0);
	expect_started_in("100%% of %u, %U", name);
	if (access(self->pw_dir, X_OK) == 0) {
		expect_started_in("~", self->pw_dir);
		expect_started_in("%d", self->pw_dir);
		snprintf(flag, sizeof(flag), "~%s", self->pw_name);
		expect_started_in(flag, self->pw_dir);
	}
}

/* As in OpenSSH: it is told, and the session goes on where it is. */
Test(program, start_directory_that_cannot_be)
{
	add(SFTP_INIT, 3, "");
	add(SFTP_MKDIR, 1, "su", "made", 0u);
	RUN("-e", "-d", "missing");
	cr_expect_eq(status, 0);
	cr_expect(scratch_exists("made"));
	cr_expect_not_null(strstr(err, "chdir to \"missing\" failed: No such file"), "%s", err);
}

Test(program, log_on_stderr)
{
	add(SFTP_INIT, 3, "");
	add(SFTP_MKDIR, 1, "su", "new\nline", 0u);
	add(SFTP_OPEN, 2, "suu", "f", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	RUN("-e", "-l", "INFO");
	cr_expect_eq(status, 0);
	cr_expect_not_null(strstr(err, "session opened for local user "), "%s", err);
	cr_expect_not_null(strstr(err, " from [UNKNOWN]"));
	cr_expect_not_null(strstr(err, "mkdir name \"new\\012line\" mode 0777"));
	cr_expect_not_null(strstr(err, "open \"f\" flags WRITE,CREATE mode 0666"));
	cr_expect_not_null(strstr(err, "forced close \"f\" bytes read 0 written 0"));
	cr_expect_not_null(strstr(err, "session closed for local user "));
	RUN("-e");
	cr_expect_str_empty(err, "errors only");
}

Test(program, as_a_shell)
{
	add(SFTP_INIT, 3, "");
	RUN("-c", "whatever the user asked for", "-Z");
	cr_expect_eq(status, 0);
	cr_expect_eq(reply_number(0)->bytes[0], SFTP_VERSION_REPLY);
}

Test(program, sigterm_ends_it)
{
	int in[2], out_pipe[2], wait_status;
	struct packet init = {.len = 0};
	uint8_t bytes[512];
	pid_t pid;

	cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(out_pipe, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		unsetenv("SFTP_DRAIN_CONNECTION");
		unsetenv("SSH_CONNECTION");
		dup2(in[0], 0);
		dup2(out_pipe[1], 1);
		execl(getenv("SD_SERVER"), "sftp-server", "--rundir=/nonexistent",
		    "--shmdir=/nonexistent", "--config=/nonexistent", (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out_pipe[1]);
	packet_add(&init, "ubu", 5u, SFTP_INIT, 3u);
	cr_assert_eq(write(in[1], init.bytes, init.len), (ssize_t)init.len);
	cr_assert_gt(read(out_pipe[0], bytes, sizeof(bytes)), 0);
	cr_assert_eq(kill(pid, SIGTERM), 0);
	cr_assert_eq(waitpid(pid, &wait_status, 0), pid);
	cr_expect(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0);
	close(in[1]);
	close(out_pipe[0]);
}
