/* unit tests: the start of the program sftp-server: what it loads, and whom it asks.  What only some
 * sessions need must not cost the others. */
#include "policy/policy.h"
#include "table/table.h"

#include "scratch.h"
#include "table_scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[65536];

static void set_up(void)
{
	scratch_enter();
	scratch_begin();
	if (getenv("SD_SERVER") == NULL)
		scratch_skip("SD_SERVER does not say where sftp-server is");
	unsetenv("SSH_CONNECTION");
	unsetenv("SFTP_DRAIN_CONNECTION");
}

static void tear_down(void)
{
	scratch_end();
	scratch_leave();
}

TestSuite(start, .init = set_up, .fini = tear_down, .timeout = 60);

/* Runs the server on empty input, with variables set before its name and words after it; said is what
 * it wrote to standard output and error.  Returns its exit status. */
static int run(const char *variables, const char *words)
{
	char command[1024];
	FILE *stream;
	size_t got;
	int status;

	snprintf(command, sizeof(command),
	    "%s \"$SD_SERVER\" --config conf --rundir %s --shmdir %s %s </dev/null 2>&1", variables,
	    scratch_rundir, scratch_shmdir, words);
	stream = popen(command, "re");
	cr_assert_not_null(stream);
	got = fread(said, 1, sizeof(said) - 1, stream);
	said[got] = '\0';
	status = pclose(stream);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool says(const char *text)
{
	return strstr(said, text) != NULL;
}

/* As ldd(1) asks the dynamic linker. */
Test(start, no_library_that_only_some_sessions_need)
{
	run("LD_TRACE_LOADED_OBJECTS=1", "");
	cr_expect(says("libc.so"), "%s", said);
	cr_expect_not(says("libconfig"), "%s", said);
	cr_expect_not(says("libcrypto"), "%s", said);
}

Test(start, configuration_is_read_where_the_table_has_no_policy)
{
	scratch_write("conf", "default = { close = \"last\"; };\n");
	cr_expect_eq(run("", "-e"), 0);
	cr_expect_str_empty(said);
	scratch_write("conf", "default = {\n clsoe = \"last\"; };\n");
	cr_expect_eq(run("", "-e"), 0);
	cr_expect(says("conf:2: unknown setting \"clsoe\""), "%s", said);
	cr_expect(says("; the built-in policy applies"), "%s", said);
}

/* In place of the library, and found before it, stands what is none. */
static void spoil_libconfig(char *variables, size_t len)
{
	char path[128];

	cr_assert_eq(mkdir("lib", 0755), 0);
	snprintf(path, sizeof(path), "lib/%s", SD_LIBCONFIG);
	scratch_write(path, "not a library");
	snprintf(variables, len, "LD_LIBRARY_PATH=%s/lib", scratch_path);
}

Test(start, without_libconfig_the_file_is_not_read_and_that_is_told)
{
	char variables[256];

	spoil_libconfig(variables, sizeof(variables));
	cr_expect_eq(run(variables, "-e"), 0);
	cr_expect_str_empty(said, "no file, nothing to parse");
	scratch_write("conf", "default = { close = \"last\"; };\n");
	cr_expect_eq(run(variables, "-e"), 0);
	cr_expect(says("conf: cannot be parsed: "), "%s", said);
	cr_expect(says(SD_LIBCONFIG), "%s", said);
	cr_expect(says("; the built-in policy applies"), "%s", said);
}

/* The policy in the members file of the only connection without the PAM module. */
static struct policy read_advisory_policy(void)
{
	struct members_header header = {.magic = 0};
	struct dirent *entry;
	char path[128];
	DIR *dir;

	snprintf(path, sizeof(path), "%s-%lu", scratch_shmdir, (unsigned long)geteuid());
	dir = opendir(path);
	cr_assert_not_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);

		if (entry->d_name[0] != '.')
			cr_assert_eq(pread(fd, &header, sizeof(header), 0), sizeof(header));
		close(fd);
	}
	closedir(dir);
	cr_assert_eq(header.magic, MEMBERS_MAGIC);
	return header.policy;
}

/* As sshd: named so, the parent of the session's leader. */
static void be_sshd(int in, int out)
{
	pid_t pid;

	prctl(PR_SET_NAME, "sshd");
	setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22", 1);
	pid = fork();
	if (pid == 0) {
		setsid();
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		execl(getenv("SD_SERVER"), "sftp-server", "--config", "conf", "--rundir",
		    scratch_rundir, "--shmdir", scratch_shmdir, (char *)NULL);
		_exit(127);
	}
	close(in);
	waitpid(pid, NULL, 0);
	_exit(0);
}

Test(start, configuration_applies_to_a_connection_without_the_pam_module)
{
	static const char init[] = {0, 0, 0, 5, 1, 0, 0, 0, 3};
	int in[2], out[2];
	struct policy policy;
	pid_t pid;

	scratch_write("conf", "default = { close = \"last\"; linger = \"7s\"; };\n");
	cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		close(in[1]);
		be_sshd(in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	cr_assert_eq(write(in[1], init, sizeof(init)), sizeof(init));
	cr_assert_gt(read(out[0], said, sizeof(said)), 0);
	policy = read_advisory_policy();
	cr_expect_eq(policy.close, POLICY_CLOSE_LAST);
	cr_expect_eq(policy.linger_ns, 7000000000);
	/* Before its session ends: that would be a reason to end this sshd. */
	kill(pid, SIGKILL);
	close(in[1]);
	/* It is gone, and touches nothing any more, when nobody can write to this any more. */
	while (read(out[0], said, sizeof(said)) > 0)
		;
	close(out[0]);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static void expect_opened_for(const char *words, const char *user)
{
	char line[256];

	snprintf(line, sizeof(line), "session opened for local user %s from ", user);
	cr_expect_eq(run("", words), 0);
	cr_expect(says(line), "%s", said);
}

/* The name in the table is one that the user database does not have. */
Test(start, the_table_says_who_the_user_is)
{
	const struct passwd *self = getpwuid(getuid());
	struct connection_ref ref;
	struct table table;
	char text[CONNECTION_REF_TEXT_MAX];

	cr_assert_not_null(self);
	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	ref = scratch_register(&table);
	expect_opened_for("-e -l INFO", self->pw_name);
	setenv("SFTP_DRAIN_CONNECTION", connection_ref_format(ref, text), 1);
	expect_opened_for("-e -l INFO", "tester");
	/* Of somebody else's connection, nothing is taken. */
	ref.generation++;
	setenv("SFTP_DRAIN_CONNECTION", connection_ref_format(ref, text), 1);
	expect_opened_for("-e -l INFO", self->pw_name);
	cr_expect(says("is not in the session table"), "%s", said);
	table_close(&table);
}
