/* unit tests: lines of the log. */
#include "util/log.h"
#include "util/safe_open.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
