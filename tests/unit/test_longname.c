/* unit tests: server's lines of ls -l. */
#include "server/longname.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void set_zone(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
}

TestSuite(longname, .init = set_zone);

/* The format of OpenSSH's ls_file, whose mode ends with a blank. */
Test(longname, line)
{
	struct stat st = {.st_mode = S_IFREG | 0644,
	    .st_nlink = 1,
	    .st_uid = 4000000000,
	    .st_gid = 4000000001,
	    .st_size = 1234};
	char text[NAME_MAX + LONGNAME_EXTRA];

	st.st_mtime = 86400 * 365;
	cr_expect_eq(longname_format("a name", &st, text), text);
	cr_expect_str_eq(
	    text, "-rw-r--r--    1 4000000000 4000000001     1234 Jan  1  1971 a name");
	st.st_nlink = 12345;
	st.st_size = 123456789012;
	longname_format("", &st, text);
	cr_expect_str_eq(
	    text, "-rw-r--r--  12345 4000000000 4000000001 123456789012 Jan  1  1971 ");
}

Test(longname, owners_have_names)
{
	const struct passwd *user = getpwuid(0);
	const struct group *group = getgrgid(0);
	struct stat st = {.st_mode = S_IFDIR | 0755, .st_nlink = 2};
	char text[NAME_MAX + LONGNAME_EXTRA], expected[NAME_MAX + LONGNAME_EXTRA];

	if (user == NULL || group == NULL)
		cr_skip_test("user or group 0 has no name here");
	snprintf(expected, sizeof(expected), "drwxr-xr-x    2 %-8s %-8s        0 Jan  1  1970 d",
	    user->pw_name, group->gr_name);
	for (int i = 0; i < 2; i++)
		cr_expect_str_eq(longname_format("d", &st, text), expected, "asked and remembered");
}

/* Ids that share a place in the memory of names must not share the name. */
Test(longname, names_are_not_mixed_up)
{
	struct stat st = {.st_mode = S_IFREG};
	char text[NAME_MAX + LONGNAME_EXTRA];

	for (uid_t id = 4000000000; id < 4000000200; id++) {
		char expected[64];

		st.st_uid = st.st_gid = id;
		snprintf(expected, sizeof(expected), " %u %u ", id, id);
		cr_expect_not_null(strstr(longname_format("x", &st, text), expected));
	}
}

Test(longname, modes)
{
	static const struct {
		mode_t mode;
		const char *text;
	} cases[] = {
	    {S_IFREG | 0777, "-rwxrwxrwx"},
	    {S_IFREG, "----------"},
	    {S_IFDIR | 0750, "drwxr-x---"},
	    {S_IFLNK | 0777, "lrwxrwxrwx"},
	    {S_IFCHR | 0600, "crw-------"},
	    {S_IFBLK | 0060, "b---rw----"},
	    {S_IFIFO | 0006, "p------rw-"},
	    {S_IFSOCK | 0111, "s--x--x--x"},
	    {S_IFREG | 04711, "-rws--x--x"},
	    {S_IFREG | 04611, "-rwS--x--x"},
	    {S_IFREG | 02770, "-rwxrws---"},
	    {S_IFREG | 02760, "-rwxrwS---"},
	    {S_IFDIR | 01777, "drwxrwxrwt"},
	    {S_IFDIR | 01776, "drwxrwxrwT"},
	    {0644, "?rw-r--r--"},
	};
	char text[NAME_MAX + LONGNAME_EXTRA];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct stat st = {.st_mode = cases[i].mode};

		longname_format("x", &st, text);
		text[10] = '\0';
		cr_expect_str_eq(text, cases[i].text);
	}
}

/* Recent files show the hour, others the year; what is in between in a test is left out. */
Test(longname, times)
{
	static const long ages[] = {0, 3600, 181 * 86400, 184 * 86400, -3600, 86400L * 400};
	static const bool recent[] = {true, true, true, false, false, false};
	char text[NAME_MAX + LONGNAME_EXTRA];

	for (size_t i = 0; i < COUNT(ages); i++) {
		struct stat st = {.st_mode = S_IFREG};
		char expected[32];
		struct tm when;

		st.st_mtime = time(NULL) - ages[i];
		cr_assert_not_null(gmtime_r(&st.st_mtime, &when));
		strftime(expected, sizeof(expected), recent[i] ? " %b %e %H:%M x" : " %b %e  %Y x",
		    &when);
		longname_format("x", &st, text);
		cr_expect_not_null(strstr(text, expected), "%s has not %s", text, expected);
	}
}

Test(longname, longest_name_fits)
{
	struct stat st = {.st_mode = S_IFREG,
	    .st_nlink = (nlink_t)-1,
	    .st_size = INT64_MAX,
	    .st_uid = 4000000000};
	char name[NAME_MAX + 1], text[NAME_MAX + LONGNAME_EXTRA];

	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	longname_format(name, &st, text);
	cr_expect_not_null(strstr(text, name));
	/* Not a time that a calendar has. */
	st.st_mtime = (time_t)INT64_MAX;
	longname_format(name, &st, text);
	cr_expect_not_null(strstr(text, name));
}

/* against printf(3) and strftime(3), which the line is defined by */

#define SIX_MONTHS (365 * 24 * 60 * 60 / 2)

static const char *owner(unsigned long id, const char *name, char number[32])
{
	snprintf(number, 32, "%lu", id);
	return name == NULL ? number : name;
}

/* now: the second in which longname_format was called. */
static void reference(const char *name, const struct stat *st, time_t now, char *out)
{
	const struct passwd *user = getpwuid(st->st_uid);
	const struct group *group = getgrgid(st->st_gid);
	bool recent = st->st_mtime > now - SIX_MONTHS && st->st_mtime <= now;
	char mode[11], when[32] = "", uid[32], gid[32];
	struct tm local;

	/* The mode has a test of its own. */
	longname_format(name, st, out);
	snprintf(mode, sizeof(mode), "%.10s", out);
	if (localtime_r(&st->st_mtime, &local) != NULL)
		strftime(when, sizeof(when), recent ? "%b %e %H:%M" : "%b %e  %Y", &local);
	snprintf(out, NAME_MAX + LONGNAME_EXTRA, "%s  %3lu %-8s %-8s %8llu %s %s", mode,
	    (unsigned long)st->st_nlink, owner(st->st_uid, user ? user->pw_name : NULL, uid),
	    owner(st->st_gid, group ? group->gr_name : NULL, gid), (unsigned long long)st->st_size,
	    when, name);
}

static void expect_reference(const char *name, const struct stat *st)
{
	char text[NAME_MAX + LONGNAME_EXTRA], expected[NAME_MAX + LONGNAME_EXTRA];
	time_t now;

	/* Again if the second has changed meanwhile. */
	do {
		now = time(NULL);
		longname_format(name, st, text);
	} while (time(NULL) != now);
	reference(name, st, now, expected);
	cr_expect_str_eq(text, expected);
}

Test(longname, numbers_as_printf_writes_them)
{
	static const uint64_t numbers[] = {0, 1, 9, 10, 99, 100, 999, 1000, 9999999, 10000000,
	    99999999, 100000000, UINT32_MAX, INT64_MAX, UINT64_MAX};

	for (size_t i = 0; i < COUNT(numbers); i++) {
		for (size_t j = 0; j < COUNT(numbers); j++) {
			struct stat st = {.st_mode = S_IFREG,
			    .st_nlink = (nlink_t)numbers[i],
			    .st_size = (off_t)numbers[j],
			    .st_uid = (uid_t)numbers[i],
			    .st_gid = (gid_t)numbers[j]};

			expect_reference("name", &st);
		}
	}
}

/* Years on both sides of where calendars begin and end, and each edge of what is recent. */
static void expect_times(void)
{
	static const time_t years[] = {INT64_MIN, INT64_MIN / 2, -67768040609740800,
	    -67768100567971200, -99999999999, -62167219200, -62167219201, -30610224000,
	    -30610224001, -2208988801, -1, 0, 1, 951827696, INT32_MAX, UINT32_MAX, 253402300799,
	    253402300800, 67767976233529199, 67768036191676799, 67768036191676800, INT64_MAX / 2,
	    INT64_MAX};
	static const time_t ages[] = {
	    -86400, -60, -2, -1, 0, 1, 59, 60, 3600, SIX_MONTHS - 1, SIX_MONTHS, SIX_MONTHS + 1};
	const time_t now = time(NULL), step = 86400 * 5 + 3607;
	struct stat st = {.st_mode = S_IFREG};

	for (size_t i = 0; i < COUNT(years); i++) {
		st.st_mtime = years[i];
		expect_reference("x", &st);
	}
	for (size_t i = 0; i < COUNT(ages); i++) {
		st.st_mtime = now - ages[i];
		expect_reference("x", &st);
	}
	for (st.st_mtime = now - 3 * SIX_MONTHS; st.st_mtime < now + SIX_MONTHS;
	     st.st_mtime += step)
		expect_reference("x", &st);
}

/* Around each change of summer time in the last half year and before, in steps of ten minutes. */
static void expect_changes(void)
{
	const time_t now = time(NULL) / 600 * 600;
	struct stat st = {.st_mode = S_IFREG};
	struct tm before, after;

	for (time_t day = now - 3 * SIX_MONTHS; day < now; day += 86400) {
		time_t next = day + 86400;

		cr_assert(localtime_r(&day, &before) != NULL && localtime_r(&next, &after) != NULL);
		if (before.tm_gmtoff == after.tm_gmtoff)
			continue;
		for (st.st_mtime = day; st.st_mtime <= next; st.st_mtime += 600) {
			expect_reference("x", &st);
			st.st_mtime--;
			expect_reference("x", &st);
			st.st_mtime++;
		}
	}
}

/* Zones in POSIX's notation, which need no database: summer in both hemispheres, by half an hour,
 * offsets of odd minutes and seconds. */
Test(longname, times_as_strftime_writes_them)
{
	static const char *const zones[] = {"UTC", "CET-1CEST,M3.5.0,M10.5.0/3",
	    "EST5EDT,M3.2.0,M11.1.0", "LHST-10:30LHDT-11,M10.1.0,M4.1.0",
	    "NZST-12NZDT,M9.5.0,M4.1.0/3", "XXX+11:59:59", "YYY-14", "LMT-0:09:21"};

	for (size_t i = 0; i < COUNT(zones); i++) {
		setenv("TZ", zones[i], 1);
		tzset();
		expect_times();
		expect_changes();
	}
}

/* What was kept of one time must not be told of another, */
Test(longname, times_are_not_mixed_up)
{
	struct stat st = {.st_mode = S_IFREG};
	const time_t now = time(NULL);

	for (int i = 0; i < 2000; i++) {
		st.st_mtime = now - SIX_MONTHS + i % 7 * 30 - 60;
		expect_reference("x", &st);
		expect_reference("x", &st);
	}
}

/* nor of the same one once it is no longer to come. */
Test(longname, times_that_come)
{
	struct stat st = {.st_mode = S_IFREG};

	st.st_mtime = time(NULL) + 2;
	expect_reference("x", &st);
	while (time(NULL) < st.st_mtime)
		clock_sleep_ns(10 * NS_PER_MS);
	expect_reference("x", &st);
}

/* Some file systems have names longer than Linux's own. */
Test(longname, names_that_do_not_fit_are_cut)
{
	char name[4 * NAME_MAX];
	struct stat st = {.st_mode = S_IFREG};

	memset(name, 'n', sizeof(name));
	for (size_t len = NAME_MAX; len < sizeof(name); len++) {
		name[len] = '\0';
		expect_reference(name, &st);
		name[len] = 'n';
	}
}
