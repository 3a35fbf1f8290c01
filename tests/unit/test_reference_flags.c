/* unit tests: our server's command line beside OpenSSH's: the same exit statuses, the same list of
 * requests, and a message that names the argument. */
#include "program.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <pwd.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Arguments, the exit status of both, and what our message must have in it; NULL: there is none. */
static const struct {
	const char *words[6];
	int status;
	const char *message;
} vectors[] = {
    {{NULL}, 0, NULL},
    {{"-h"}, 1, "usage: "},
    {{"-hR"}, 1, "usage: "},
    {{"-Z"}, 1, "'Z'"},
    {{"-eZ"}, 1, "'Z'"},
    {{"--help"}, 1, "--help"},
    {{"--frob=1"}, 1, "--frob"},
    {{"-e"}, 0, NULL},
    {{"-R"}, 0, NULL},
    {{"-eR"}, 0, NULL},
    {{"-Re"}, 0, NULL},
    /* what follows the options */
    {{"word", "-Z"}, 0, NULL},
    {{"--", "-Z"}, 0, NULL},
    {{"-", "-Z"}, 0, NULL},
    {{"", "-Z"}, 0, NULL},
    {{"-c"}, 0, NULL},
    {{"-c", "-Z"}, 0, NULL},
    {{"-c", "-u", "9"}, 0, NULL},
    {{"-ecZ"}, 0, NULL},
    {{"-u", "9", "-c"}, 255, "\"9\""},
    /* the log */
    {{"-l", "LOUD"}, 1, "\"LOUD\""},
    {{"-lLOUD", "-e"}, 1, "\"LOUD\""},
    {{"-l", ""}, 1, "\"\""},
    {{"-l", "LOUD", "-l", "ERROR"}, 0, "\"LOUD\""},
    {{"-l", "ERROR", "-l", "LOUD"}, 1, "\"LOUD\""},
    {{"-l", "LOUD", "-Q", "requests"}, 0, "\"LOUD\""},
    {{"-l", "LOUD", "-h"}, 1, "\"LOUD\""},
    {{"-l"}, 1, "'l'"},
    {{"-l", "QUIET"}, 0, NULL},
    {{"-l", "fatal"}, 0, NULL},
    {{"-l", "ERROR"}, 0, NULL},
    {{"-l", "info"}, 0, NULL},
    {{"-l", "VERBOSE"}, 0, NULL},
    {{"-l", "DEBUG"}, 0, NULL},
    {{"-l", "debug1"}, 0, NULL},
    {{"-l", "DEBUG2"}, 0, NULL},
    {{"-l", "DEBUG3"}, 0, NULL},
    {{"-l", "DEBUG4"}, 1, "\"DEBUG4\""},
    {{"-f", "ATTIC"}, 1, "\"ATTIC\""},
    {{"-f", ""}, 1, "\"\""},
    {{"-e", "-f", "ATTIC"}, 0, "\"ATTIC\""},
    {{"-f", "ATTIC", "-e"}, 0, "\"ATTIC\""},
    {{"-f", "ATTIC", "-f", "USER"}, 0, "\"ATTIC\""},
    {{"-f", "SYSLOG"}, 1, "\"SYSLOG\""},
    {{"-f"}, 1, "'f'"},
    {{"-f", "DAEMON"}, 0, NULL},
    {{"-f", "USER"}, 0, NULL},
    {{"-f", "AUTH"}, 0, NULL},
    {{"-f", "authpriv"}, 0, NULL},
    {{"-f", "LOCAL0"}, 0, NULL},
    {{"-f", "local7"}, 0, NULL},
    {{"-f", "LOCAL8"}, 1, "\"LOCAL8\""},
    /* the umask */
    {{"-u", "022"}, 0, NULL},
    {{"-u22"}, 0, NULL},
    {{"-u", " 22"}, 0, NULL},
    {{"-u", "+22"}, 0, NULL},
    {{"-u", "0"}, 0, NULL},
    {{"-u", "777"}, 0, NULL},
    {{"-u", "00000000000000000000000022"}, 0, NULL},
    {{"-u", "1000"}, 255, "\"1000\""},
    {{"-u", "9"}, 255, "\"9\""},
    {{"-u", "22x"}, 255, "\"22x\""},
    {{"-u", "0x2"}, 255, "\"0x2\""},
    {{"-u", "-5"}, 255, "\"-5\""},
    {{"-u", ""}, 255, "\"\""},
    {{"-u", "77777777777777777777777777"}, 255, "\"77777777777777777777777777\""},
    {{"-u"}, 1, "'u'"},
    /* the lists */
    {{"-P", "open"}, 0, NULL},
    {{"-P", ""}, 0, NULL},
    {{"-p", ""}, 0, NULL},
    {{"-p", "open,stat", "-P", "stat"}, 0, NULL},
    {{"-P", "opne"}, 0, "\"opne\""},
    {{"-P", "open", "-P", "stat"}, 255, "\"stat\""},
    {{"-p", "open", "-p", "stat"}, 255, "\"stat\""},
    {{"-P"}, 1, "'P'"},
    {{"-p"}, 1, "'p'"},
    /* the start directory */
    {{"-d", "/"}, 0, NULL},
    {{"-d", "/%%"}, 0, NULL},
    {{"-d", "~"}, 0, NULL},
    {{"-d", "~root"}, 0, NULL},
    {{"-d", "%d/x/%u/%U"}, 0, NULL},
    {{"-d", "missing"}, 0, NULL},
    {{"-e", "-d", "missing"}, 0, "\"missing\""},
    {{"-e", "-d", ""}, 0, "\"\""},
    {{"-d", "missing", "-d", "/"}, 0, NULL},
    {{"-d", "%x"}, 255, "\"%x\""},
    {{"-d", "x%"}, 255, "\"x%\""},
    {{"-d", "%x", "-d", "/"}, 255, "\"%x\""},
    {{"-d", "~no-such-user/x"}, 255, "\"~no-such-user/x\""},
    {{"-d", "%x", "-Q", "requests"}, 255, "\"%x\""},
    {{"-d"}, 1, "'d'"},
    /* questions */
    {{"-Q", "requests"}, 0, NULL},
    {{"-Q", "Requests"}, 0, NULL},
    {{"-Qrequests", "-Z"}, 0, NULL},
    {{"-Q", "requests", "-u", "9"}, 0, NULL},
    {{"-u", "9", "-Q", "requests"}, 255, "\"9\""},
    {{"-Q", "ciphers"}, 1, "\"ciphers\""},
    {{"-Q", ""}, 1, "\"\""},
    {{"-Q"}, 1, "'Q'"},
};

/* These are ours alone. */
static const struct {
	const char *words[2];
	int theirs; /* exit status */
} own[] = {
    {{"-d", "%h"}, 255},
    {{"--config", "/nonexistent"}, 1},
    {{"--rundir", "/nonexistent"}, 1},
    {{"--shmdir", "/nonexistent"}, 1},
};

static struct program_kind ours, theirs;

static void set_up(void)
{
	scratch_enter();
	ours = program_ours();
	theirs = program_reference();
	if (ours.path == NULL)
		scratch_skip("SD_SERVER does not say where sftp-server is");
}

static void set_up_both(void)
{
	set_up();
	if (theirs.path == NULL)
		scratch_skip("OpenSSH's sftp-server is not installed");
}

TestSuite(flags, .init = set_up, .fini = scratch_leave, .timeout = 60);
TestSuite(reference_flags, .init = set_up_both, .fini = scratch_leave, .timeout = 60);

Test(flags, exit_statuses_and_messages)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		const char *const *words = vectors[i].words;
		const char *out, *err;

		cr_expect_eq(program_run(&ours, words, &out, &err), vectors[i].status,
		    "vector %zu, %s", i, words[0]);
		if (vectors[i].message == NULL)
			cr_expect_str_empty(err, "vector %zu, %s: %s", i, words[0], err);
		else
			cr_expect_not_null(strstr(err, vectors[i].message), "vector %zu, %s: %s", i,
			    words[0], err);
	}
}

Test(reference_flags, exit_statuses_and_output)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		const char *const *words = vectors[i].words;
		const char *out, *err;
		char *output;

		(void)program_run(&ours, words, &out, &err);
		output = strdup(out);
		cr_expect_eq(program_run(&theirs, words, &out, &err), vectors[i].status,
		    "vector %zu, %s", i, words[0]);
		cr_expect_str_eq(output, out, "vector %zu, %s", i, words[0]);
		free(output);
	}
}

Test(reference_flags, what_is_ours_alone)
{
	for (size_t i = 0; i < COUNT(own); i++) {
		const char *const words[] = {own[i].words[0], own[i].words[1], NULL};
		const char *out, *err;

		cr_expect_eq(program_run(&ours, words, &out, &err), 0, "%s", words[0]);
		cr_expect_eq(
		    program_run(&theirs, words, &out, &err), own[i].theirs, "%s", words[0]);
	}
}

/* The exit status of a user that no database has. */
static int run_as_nobody_known(const struct program_kind *kind)
{
	const char *const none[] = {NULL};
	const char *out, *err;
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		if (setuid(3999999999) != 0)
			_exit(126);
		_exit(program_run(kind, none, &out, &err));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(reference_flags, a_user_that_is_in_no_database)
{
	if (geteuid() != 0)
		scratch_skip("not root, who can become anybody");
	cr_assert_null(getpwuid(3999999999));
	if (run_as_nobody_known(&ours) == 127)
		scratch_skip("the build is where not everybody reaches it");
	cr_expect_eq(run_as_nobody_known(&ours), 1);
	cr_expect_eq(run_as_nobody_known(&theirs), 1);
}
