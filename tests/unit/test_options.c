/* unit tests: server's command line, and when a session has to end by itself. */
#include "server/drain.h"
#include "server/options.h"

#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* options */

static struct options options;
static int status;

static enum options_result parse(const char *const words[], size_t count)
{
	char *argv[16] = {(char *)(uintptr_t) "sftp-server"};

	cr_assert_lt(count, COUNT(argv) - 1);
	for (size_t i = 0; i < count; i++)
		argv[i + 1] = (char *)(uintptr_t)words[i];
	status = -1;
	return options_parse((int)count + 1, argv, &options, &status);
}

#define PARSE(...)                                                                                 \
	parse((const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))

/* What is said on the way is for test_program to look at. */
static void be_quiet(void)
{
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
	cr_assert_not_null(freopen("/dev/null", "w", stdout));
}

TestSuite(options, .init = be_quiet);

Test(options, defaults)
{
	cr_expect_eq(parse(NULL, 0), OPTIONS_RUN);
	cr_expect_null(options.start_directory);
	cr_expect_null(options.allowed);
	cr_expect_null(options.denied);
	cr_expect_not(options.read_only);
	cr_expect_not(options.to_stderr);
	cr_expect_not(options.umask_set);
	cr_expect_eq(options.log_level, LEVEL_ERROR);
	cr_expect_eq(options.log_facility, LOG_AUTH);
	cr_expect_not_null(options.config);
	cr_expect_not_null(options.rundir);
	cr_expect_not_null(options.shmdir);
}

Test(options, every_flag)
{
	cr_expect_eq(PARSE("-e", "-R", "-d", "/50%%/x", "-f", "LOCAL3", "-l", "debug2", "-P",
			 "open,read", "-pstat"),
	    OPTIONS_RUN);
	cr_expect(options.to_stderr);
	cr_expect(options.read_only);
	cr_expect_str_eq(options.start_directory, "/50%/x");
	cr_expect_eq(options.log_facility, LOG_LOCAL3);
	cr_expect_eq(options.log_level, LEVEL_DEBUG2);
	cr_expect_str_eq(options.denied, "open,read");
	cr_expect_str_eq(options.allowed, "stat");
	cr_expect_eq(PARSE("--config", "/c", "--rundir=/r", "--shmdir", "/s", "-eR"), OPTIONS_RUN);
	cr_expect_str_eq(options.config, "/c");
	cr_expect_str_eq(options.rundir, "/r");
	cr_expect_str_eq(options.shmdir, "/s");
	cr_expect(options.read_only, "each call starts anew and reads all");
	cr_expect_null(options.denied);
}

Test(options, umask_is_set_at_once)
{
	static const char *const bad[] = {"", "8", "-1", "1000", "077x", "0x7", " "};

	cr_expect_eq(PARSE("-u", "027"), OPTIONS_RUN);
	cr_expect(options.umask_set);
	cr_expect_eq(umask(0), 027);
	cr_expect_eq(PARSE("-u", "777"), OPTIONS_RUN);
	cr_expect_eq(umask(0), 0777);
	for (size_t i = 0; i < COUNT(bad); i++) {
		cr_expect_eq(PARSE("-u", bad[i]), OPTIONS_WRONG, "%s", bad[i]);
		cr_expect_eq(status, 255);
		cr_expect_eq(umask(0), 0);
	}
}

Test(options, the_last_name_of_a_level_or_a_facility_counts)
{
	cr_expect_eq(PARSE("-l", "INFO", "-l", "LOUD"), OPTIONS_WRONG);
	cr_expect_eq(status, 1);
	cr_expect_eq(PARSE("-f", "USER", "-f", "ATTIC"), OPTIONS_WRONG);
	cr_expect_eq(status, 1);
	cr_expect_eq(PARSE("-l", "LOUD", "-l", "INFO", "-f", "ATTIC", "-f", "USER"), OPTIONS_RUN);
	cr_expect_eq(options.log_level, LEVEL_INFO);
	cr_expect_eq(options.log_facility, LOG_USER);
	cr_expect_eq(PARSE("-f", "ATTIC", "-e"), OPTIONS_RUN, "no facility is needed");
}

Test(options, start_directories_that_cannot_be)
{
	static const char *const bad[] = {"%x", "d%", "~no-such-user", "~no such user/x"};
	static char longest[PATH_MAX + 1];

	for (size_t i = 0; i < COUNT(bad); i++) {
		cr_expect_eq(PARSE("-d", bad[i]), OPTIONS_WRONG, "%s", bad[i]);
		cr_expect_eq(status, 255);
	}
	memset(longest, 'x', PATH_MAX);
	cr_expect_eq(PARSE("-d", longest), OPTIONS_WRONG);
}

Test(options, lists_are_given_once)
{
	cr_expect_eq(PARSE("-P", "open", "-P", "read"), OPTIONS_WRONG);
	cr_expect_eq(status, 255);
	cr_expect_eq(PARSE("-p", "open", "-p", "read"), OPTIONS_WRONG);
	cr_expect_eq(status, 255);
	cr_expect_eq(PARSE("-P", "no-such-request"), OPTIONS_RUN);
}

Test(options, what_ends_it)
{
	cr_expect_eq(PARSE("-h"), OPTIONS_DONE);
	cr_expect_eq(status, 1);
	cr_expect_eq(PARSE("-Q", "ReQuests"), OPTIONS_DONE);
	cr_expect_eq(status, 0);
	cr_expect_eq(PARSE("-Q", "ciphers"), OPTIONS_WRONG);
	cr_expect_eq(status, 1);
	cr_expect_eq(PARSE("-Z"), OPTIONS_WRONG);
	cr_expect_eq(status, 1);
	cr_expect_eq(PARSE("--no-such-option"), OPTIONS_WRONG);
	cr_expect_eq(status, 1);
	cr_expect_eq(PARSE("-d"), OPTIONS_WRONG);
	cr_expect_eq(status, 1);
}

Test(options, as_a_shell_it_ignores_the_rest)
{
	cr_expect_eq(PARSE("-R", "-c", "-Z", "-h"), OPTIONS_RUN);
	cr_expect(options.read_only);
}

/* drain */

TestSuite(drain);

static const uint64_t second = NS_PER_S;

Test(drain, table_of_decisions)
{
	static const struct {
		enum policy_drain drain;
		uint32_t open_handles;
		uint64_t last_close; /* seconds */
		uint64_t due;
		bool forced;
	} cases[] = {
	    /* The deadline is at 100, linger is 2. */
	    {POLICY_DRAIN_UNSET, 0, 0, UINT64_MAX, false},
	    {POLICY_DRAIN_UNSET, 3, 50, UINT64_MAX, false},
	    {POLICY_DRAIN_SESSION, 0, 0, 100, true},
	    {POLICY_DRAIN_SESSION, 3, 50, 100, true},
	    {POLICY_DRAIN_TRANSFER, 0, 0, 0, false},
	    {POLICY_DRAIN_TRANSFER, 0, 50, 52, false},
	    {POLICY_DRAIN_TRANSFER, 0, 99, 100, false},
	    {POLICY_DRAIN_TRANSFER, 0, 200, 100, false},
	    {POLICY_DRAIN_TRANSFER, 1, 0, 100, false},
	    {POLICY_DRAIN_TRANSFER, 1, 50, 100, false},
	    {POLICY_DRAIN_NOW, 0, 50, 0, false},
	    {POLICY_DRAIN_NOW, 1, 0, 0, false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct drain_plan plan = {
		    .drain = cases[i].drain, .deadline_ns = 100 * second};
		struct drain_view view = {
		    .plan = &plan,
		    .linger_ns = 2 * second,
		    .started_ns = 10 * second,
		    .last_close_ns = cases[i].last_close * second,
		    .open_handles = cases[i].open_handles,
		};
		uint64_t expected = cases[i].due == UINT64_MAX ? UINT64_MAX : cases[i].due * second;
		struct drain_due due = drain_due_at(&view);

		cr_expect_eq(due.at_ns, expected, "case %zu", i);
		cr_expect_eq(due.forced, cases[i].forced, "case %zu", i);

		view.connection_ends = true;
		cr_expect_eq(drain_due_at(&view).at_ns, 0, "case %zu", i);
		view.connection_ends = false;
		view.refused = true;
		due = drain_due_at(&view);
		cr_expect_eq(due.at_ns, 20 * second, "ten seconds to ask, case %zu", i);
		cr_expect_not(due.forced);
		view.refused_ns = 7 * second;
		cr_expect_eq(drain_due_at(&view).at_ns, 8 * second, "a second more, case %zu", i);
	}
}

Test(drain, a_slow_reader_is_waited_for_until_soon_after_the_deadline)
{
	static const struct {
		enum policy_drain drain;
		uint64_t ending, until;
	} cases[] = {
	    /* The deadline is at 100. */
	    {POLICY_DRAIN_UNSET, 10, 70},
	    {POLICY_DRAIN_UNSET, 99, 159},
	    {POLICY_DRAIN_TRANSFER, 10, 70},
	    {POLICY_DRAIN_TRANSFER, 44, 104},
	    {POLICY_DRAIN_TRANSFER, 99, 105},
	    {POLICY_DRAIN_SESSION, 100, 105},
	    {POLICY_DRAIN_NOW, 130, 135},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct drain_plan plan = {
		    .drain = cases[i].drain, .deadline_ns = 100 * second};

		cr_expect_eq(drain_flush_until(&plan, cases[i].ending * second),
		    cases[i].until * second, "case %zu", i);
	}
}

Test(drain, the_policys_own_limits)
{
	static const struct {
		enum policy_drain drain;
		uint64_t idle_timeout, session_timeout, due; /* seconds */
		bool forced;
		const char *why;
	} cases[] = {
	    /* Started at 10, active at 50; the order's deadline is at 100. */
	    {POLICY_DRAIN_UNSET, 30, 0, 80, false, "idle_timeout"},
	    {POLICY_DRAIN_UNSET, 0, 60, 70, true, "session_timeout"},
	    {POLICY_DRAIN_UNSET, 30, 60, 70, true, "session_timeout"},
	    {POLICY_DRAIN_UNSET, 15, 60, 65, false, "idle_timeout"},
	    {POLICY_DRAIN_SESSION, 15, 0, 65, false, "idle_timeout"},
	    {POLICY_DRAIN_SESSION, 70, 0, 100, true, NULL},
	    {POLICY_DRAIN_NOW, 15, 60, 0, false, NULL},
	    {POLICY_DRAIN_UNSET, 864000000, 864000000, 864000010, true, "session_timeout"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct drain_plan plan = {
		    .drain = cases[i].drain, .deadline_ns = 100 * second};
		struct drain_view view = {
		    .plan = &plan,
		    .started_ns = 10 * second,
		    .active_ns = 50 * second,
		    .idle_timeout_ns = cases[i].idle_timeout * second,
		    .session_timeout_ns = cases[i].session_timeout * second,
		};
		struct drain_due due = drain_due_at(&view);

		cr_expect_eq(due.at_ns, cases[i].due * second, "case %zu", i);
		cr_expect_eq(due.forced, cases[i].forced, "case %zu", i);
		if (cases[i].why == NULL)
			cr_expect_null(due.why, "case %zu", i);
		else
			cr_expect_str_eq(due.why, cases[i].why, "case %zu", i);
		view.refused = true;
		cr_expect_eq(drain_due_at(&view).at_ns, 20 * second, "case %zu", i);
		view.connection_ends = true;
		cr_expect_eq(drain_due_at(&view).at_ns, 0, "case %zu", i);
	}
}
