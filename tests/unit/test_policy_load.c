/* unit tests: the configuration file read for one subject.  Each case writes its own file below a fresh
 * directory; nothing of the host's configuration is read. */
#include "policy/policy.h"
#include "policy/policy_load.h"
#include "policy_scratch.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOBODY 65534

/* Criterion leaves the clearing up out when a test is skipped. */
static void skip(const char *why)
{
	policy_scratch_end();
	cr_skip_test("%s", why);
}

static void expect_built_in(const struct policy *policy, const struct policy_origins *origins)
{
	struct policy built_in;

	policy_set_defaults(&built_in);
	cr_expect_arr_eq(policy, &built_in, sizeof(built_in));
	for (int i = 0; i < POLICY_SETTINGS; i++)
		cr_expect_str_eq(origins->of[i], "built-in");
}

/* Loads for a user of up to three groups; what has gone wrong fails the test. */
static struct policy load_for(
    const char *user, const char *group1, const char *group2, struct policy_origins *origins)
{
	const char *groups[] = {group1, group2};
	struct policy_subject subject = {
	    .user = user,
	    .groups = groups,
	    .group_count = (size_t)(group1 != NULL) + (size_t)(group2 != NULL),
	};
	struct policy policy;
	struct policy_error error;

	cr_assert_eq(policy_load(policy_scratch_config, &subject, &policy, origins, &error), 0,
	    "%s", error.text);
	cr_assert_str_empty(error.text);
	return policy;
}

/* Expects the file to be refused with a text that starts with its path and line (0: no line) and
 * has `says` in it, and the built-in values in the policy. */
static void expect_refused(int rc, unsigned int line, const char *says)
{
	struct policy policy;
	struct policy_origins origins;
	struct policy_error error;
	char start[128];

	memset(&policy, 0xff, sizeof(policy));
	cr_expect_eq(policy_load(policy_scratch_config, NULL, &policy, &origins, &error), rc,
	    "%s: got %s", says, error.text);
	if (line != 0)
		snprintf(start, sizeof(start), "%s:%u: ", policy_scratch_config, line);
	else
		snprintf(start, sizeof(start), "%s: ", policy_scratch_config);
	cr_expect_eq(strncmp(error.text, start, strlen(start)), 0, "wanted %s%s, got %s", start,
	    says, error.text);
	cr_expect_not_null(strstr(error.text, says), "wanted %s, got %s", says, error.text);
	expect_built_in(&policy, &origins);
}

TestSuite(policy_load, .init = policy_scratch_begin, .fini = policy_scratch_end, .timeout = 30);

Test(policy_load, no_file_gives_the_built_in_values)
{
	struct policy_origins origins;
	struct policy policy = load_for("bob", NULL, NULL, &origins);

	expect_built_in(&policy, &origins);
}

Test(policy_load, empty_files_give_the_built_in_values)
{
	static const char *const texts[] = {"", "\n", "# nothing", "// nothing\n", "/* nothing */",
	    "default = { };", "rules = ( );", "rules = ( { } );"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct policy_origins origins;
		struct policy policy;

		policy_scratch_write(texts[i]);
		policy = load_for("bob", NULL, NULL, &origins);
		expect_built_in(&policy, &origins);
	}
}

Test(policy_load, every_setting_of_default)
{
	struct policy_origins origins;
	struct policy policy;

	policy_scratch_write("default = {\n"
			     "  close = \"first\";\n"
			     "  drain = \"session\";\n"
			     "  deadline = \"10m\";\n"
			     "  linger = \"0s\";\n"
			     "  while_draining = \"admit\";\n"
			     "  max_sessions = 20;\n"
			     "  max_connections = 0x0a;\n"
			     "  max_sessions_per_connection = 3;\n"
			     "  idle_timeout = \"30m\";\n"
			     "  session_timeout = \"1d\";\n"
			     "  required = true;\n"
			     "};\n");
	policy = load_for("bob", NULL, NULL, &origins);
	cr_expect_eq(policy.close, POLICY_CLOSE_FIRST);
	cr_expect_eq(policy.drain, POLICY_DRAIN_SESSION);
	cr_expect_eq(policy.deadline_ns, 600 * NS_PER_S);
	cr_expect_eq(policy.linger_ns, 0);
	cr_expect_eq(policy.while_draining, POLICY_ADMIT);
	cr_expect_eq(policy.max_sessions, 20);
	cr_expect_eq(policy.max_connections, 10);
	cr_expect_eq(policy.max_sessions_per_connection, 3);
	cr_expect_eq(policy.idle_timeout_ns, 1800 * NS_PER_S);
	cr_expect_eq(policy.session_timeout_ns, 86400 * NS_PER_S);
	cr_expect_eq(policy.required, 1);
	cr_expect_str_eq(origins.of[POLICY_SETTING_REQUIRED], "default, line 12");
	cr_expect_str_eq(origins.of[POLICY_SETTING_CLOSE], "default, line 2");
	cr_expect_str_eq(origins.of[POLICY_SETTING_WHILE_DRAINING], "default, line 6");
}

Test(policy_load, first_matching_rule_wins_for_each_setting)
{
	struct policy_origins origins;
	struct policy policy;

	/* default stands last here: its place in the file does not matter. */
	policy_scratch_write(
	    "rules = (\n"
	    "  { match = { user = \"alice\"; }; close = \"first\"; },\n"
	    "  { match = { user = \"b*\"; };\n"
	    "    drain = \"now\"; },\n"
	    "  { drain = \"session\";\n"
	    "    linger = \"3s\"; },\n"
	    "  { match = { user = \"bob\"; }; linger = \"4s\"; deadline = \"1h\"; }\n"
	    ");\n"
	    "default = { deadline = \"1m\"; drain = \"transfer\"; close = \"last\"; };\n");
	policy = load_for("bob", NULL, NULL, &origins);
	cr_expect_eq(policy.close, POLICY_CLOSE_LAST);
	cr_expect_eq(policy.drain, POLICY_DRAIN_NOW);
	cr_expect_eq(policy.linger_ns, 3 * NS_PER_S);
	cr_expect_eq(policy.deadline_ns, 3600 * NS_PER_S);
	cr_expect_eq(policy.while_draining, POLICY_REFUSE_SESSION);
	cr_expect_str_eq(origins.of[POLICY_SETTING_CLOSE], "default, line 9");
	cr_expect_str_eq(origins.of[POLICY_SETTING_DRAIN], "rules[1], line 4");
	cr_expect_str_eq(origins.of[POLICY_SETTING_LINGER], "rules[2], line 6");
	cr_expect_str_eq(origins.of[POLICY_SETTING_DEADLINE], "rules[3], line 7");
	cr_expect_str_eq(origins.of[POLICY_SETTING_WHILE_DRAINING], "built-in");

	policy = load_for("alice", NULL, NULL, &origins);
	cr_expect_eq(policy.close, POLICY_CLOSE_FIRST);
	cr_expect_eq(policy.drain, POLICY_DRAIN_SESSION);
	cr_expect_eq(policy.deadline_ns, 60 * NS_PER_S);
}

Test(policy_load, check_without_a_subject)
{
	struct policy policy;
	struct policy_error error;

	policy_scratch_write(
	    "rules = ( { match = { user = \"*\"; group = \"*\"; }; linger = \"9s\"; },\n"
	    "          { close = \"last\"; } );");
	cr_assert_eq(
	    policy_load(policy_scratch_config, NULL, &policy, NULL, &error), 0, "%s", error.text);
	cr_expect_eq(policy.linger_ns, 2 * NS_PER_S);
	cr_expect_eq(policy.close, POLICY_CLOSE_LAST);
}

Test(policy_load, matching)
{
	static const struct {
		const char *match, *user, *group1, *group2;
		bool matches;
	} cases[] = {
	    {"user = \"bob\";", "bob", NULL, NULL, true},
	    {"user = \"bob\";", "bobby", NULL, NULL, false},
	    {"user = \"bob\";", "alice", "bob", NULL, false},
	    {"user = [\"bob\", \"backup-*\"];", "backup-7", NULL, NULL, true},
	    {"user = (\"bob\", \"backup-*\");", "backup-7", NULL, NULL, true},
	    {"user = [\"bob\", \"backup-*\"];", "carol", NULL, NULL, false},
	    {"user = [\"b*\", \"!bob\"];", "bob", NULL, NULL, false},
	    {"user = [\"!bob\", \"b*\"];", "bob", NULL, NULL, false},
	    {"user = [\"!bob\", \"b*\"];", "bill", NULL, NULL, true},
	    {"user = [\"!bo?\", \"*\"];", "alice", NULL, NULL, true},
	    {"user = [\"!*\", \"bob\"];", "bob", NULL, NULL, false},
	    {"group = \"sftp*\";", "bob", "users", "sftponly", true},
	    {"group = \"sftp*\";", "bob", "users", NULL, false},
	    {"group = \"*\";", "bob", NULL, NULL, false},
	    /* A negated group spoils the list though another group matches. */
	    {"group = [\"sftp*\", \"!staff\"];", "bob", "sftponly", "staff", false},
	    {"group = [\"sftp*\", \"!staff\"];", "bob", "staff", "sftponly", false},
	    {"group = [\"sftp*\", \"!staff\"];", "bob", "sftponly", "users", true},
	    {"user = \"bob\"; group = \"sftp\";", "bob", "sftp", NULL, true},
	    {"user = \"bob\"; group = \"sftp\";", "bob", "users", NULL, false},
	    {"group = \"sftp\"; user = \"bob\";", "alice", "sftp", NULL, false},
	    {"user = \"bob\"; group = \"sftp\";", "alice", "sftp", NULL, false},
	    {"user = \"D\xc3\xb6rte\";", "D\xc3\xb6rte", NULL, NULL, true},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[256];
		struct policy policy;

		snprintf(text, sizeof(text), "rules = ( { match = { %s }; close = \"last\"; } );",
		    cases[i].match);
		policy_scratch_write(text);
		policy = load_for(cases[i].user, cases[i].group1, cases[i].group2, NULL);
		cr_expect_eq(policy.close,
		    cases[i].matches ? POLICY_CLOSE_LAST : POLICY_CLOSE_CLIENT, "%s for %s",
		    cases[i].match, cases[i].user);
	}
}

Test(policy_load, bad_settings_are_named_with_their_line)
{
	static const struct {
		const char *text;
		unsigned int line;
		const char *says;
	} cases[] = {
	    {"\ndefault = {\n close = \"lost\";\n};", 3,
		"close = \"lost\" in default: must be client, first or last"},
	    {"default = { drain = \"policy\"; };", 1, "session, transfer or now"},
	    {"default = {\n linger = \"2s\";\n deadline = \"5\"; };", 3, "a duration"},
	    {"default = { deadline = \"10001d\"; };", 1, "10000d at most"},
	    {"default = { linger = \"soon\"; };", 1, "linger = \"soon\""},
	    {"default = { while_draining = \"yes\"; };", 1,
		"refuse-session, refuse-login or admit"},
	    {"default = {\n deadline = 5; };", 2,
		"deadline in default: must be a string in double quotes: a duration"},
	    {"default = { close = true; };", 1, "must be a string in double quotes"},
	    {"default = {\n max_sessions = \"10\"; };", 2,
		"max_sessions in default: must be a whole number from 1 to 1000000, without "
		"quotes, or \"none\""},
	    {"default = { max_sessions = 0; };", 1, "max_sessions = \"0\" in default"},
	    {"default = { max_connections = -3; };", 1, "max_connections = \"-3\" in default"},
	    {"default = { max_connections = 1000001; };", 1, "must be a whole number"},
	    {"default = { max_connections = 99999999999L; };", 1, "must be a whole number"},
	    {"default = { max_connections = 2.0; };", 1, "must be a whole number"},
	    {"default = { max_connections = true; };", 1, "must be a whole number"},
	    {"default = { max_connections = \"many\"; };", 1, "must be a whole number"},
	    {"default = { idle_timeout = 30; };", 1, "must be a string in double quotes"},
	    {"default = { idle_timeout = \"0s\"; };", 1, "and more than 0, or none"},
	    {"default = { required = \"true\"; };", 1,
		"required in default: must be true or false, without quotes"},
	    {"default = { required = 1; };", 1, "must be true or false"},
	    {"default = { close = [ \"last\" ]; };", 1, "must be a string in double quotes"},
	    {"default = { close = { }; };", 1, "must be a string in double quotes"},
	    {"default = { close = 1.5; };", 1, "must be a string in double quotes"},
	    {"default = {\n\n closed = \"last\"; };", 3,
		"unknown setting \"closed\" in default; there are close, drain, deadline, linger, "
		"while_draining"},
	    {"default = { match = { user = \"bob\"; }; };", 1, "unknown setting \"match\""},
	    {"defaults = { };", 1,
		"unknown setting \"defaults\" in the file; there are default, "
		"rules"},
	    {"default = { };\nclose = \"last\";", 2, "unknown setting \"close\" in the file"},
	    {"default = \"last\";", 1, "default: must be a group"},
	    {"\nrules = { close = \"last\"; };", 2, "rules: must be a list"},
	    {"rules = [ \"last\" ];", 1, "rules: must be a list"},
	    {"rules = ( { },\n \"last\" );", 1, "rules[1]: must be a group"},
	    /* A rule that matches nobody here is checked all the same. */
	    {"rules = ( { },\n { match = { user = \"nobody\"; };\n close = \"lost\"; } );", 3,
		"close = \"lost\" in rules[1]: must be client, first or last"},
	    {"rules = ( { },\n { match = { user = \"nobody\"; };\n colse = \"last\"; } );", 3,
		"unknown setting \"colse\" in rules[1]; there are match, close, drain,"},
	    /* So is a value that an earlier rule has given already. */
	    {"rules = ( { close = \"last\"; },\n { close = \"\"; } );", 2, "close = \"\""},
	    {"rules = ( {\n match = \"bob\"; } );", 2, "match in rules[0]: must be a group"},
	    {"rules = ( {\n match = { }; } );", 2, "match in rules[0]: must be a group"},
	    {"rules = ( { match = {\n host = \"a\"; }; } );", 2,
		"unknown setting \"host\" in match; there are user, group"},
	    {"rules = ( { match = {\n user = 5; }; } );", 2,
		"user in the match of rules[0]: must be a pattern or a list of patterns"},
	    {"rules = ( { match = {\n group = [\n 5 ]; }; } );", 2,
		"group in the match of rules[0]: each pattern must be a string"},
	    {"rules = ( { match = { user = ( \"a\", [ \"b\" ] ); }; } );", 1,
		"each pattern must be a string"},
	    {"rules = ( { match = { user = [ \"a\", \"\" ]; }; } );", 1, "a pattern is empty"},
	    {"rules = ( { match = { user = \"!\"; }; } );", 1, "a pattern is empty"},
	    {"rules = ( { match = { user = [ ]; }; } );", 1, "can never match"},
	    {"rules = ( { match = { user = [ \"!a\" ]; }; } );", 1, "can never match"},
	    {"default = {\n close = \"last\";\n close = \"last\"; };", 3, "duplicate setting"},
	    {"default = { };\ndefault = { };", 2, "duplicate setting"},
	    {"default = {\n close = };", 2, "syntax error"},
	    {"default = {\n close = \"last;\n};", 4, "syntax error"},
	    {"default = {\n close = \"last\";\n", 3, "syntax error"},
	    {"default = { close = \"la\033]0;x\007st\"; };", 1,
		"close = \"la\\033]0;x\\007st\" in default"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		policy_scratch_write(cases[i].text);
		expect_refused(-EINVAL, cases[i].line, cases[i].says);
	}
}

Test(policy_load, long_words_are_cut_in_messages)
{
	char text[5000];
	int at = snprintf(text, sizeof(text), "default = { close = \"");

	memset(text + at, '\\', 4000);
	snprintf(text + at + 4000, sizeof(text) - (size_t)at - 4000, "\"; };");
	policy_scratch_write(text);
	expect_refused(-EINVAL, 1, "must be client, first or last");
}

Test(policy_load, a_comment_that_swallows_the_rest)
{
	policy_scratch_write("default = { };\n/* old:\nrules = ( { close = \"last\"; } );\n");
	expect_refused(-EINVAL, 0, "comment");
}

Test(policy_load, includes_are_refused_unread)
{
	char other[96], text[256];

	/* Reading a fifo would hang the test. */
	snprintf(other, sizeof(other), "%s/other", policy_scratch_dir);
	cr_assert_eq(mkfifo(other, 0600), 0);
	snprintf(text, sizeof(text), "default = {\n \t@include \"%s\"\n};", other);
	policy_scratch_write(text);
	expect_refused(-EINVAL, 2, "@include: not supported");
	snprintf(text, sizeof(text), "@include \"%s\"\n", other);
	policy_scratch_write(text);
	expect_refused(-EINVAL, 1, "@include: not supported");
	unlink(other);
	policy_scratch_write("# @include \"x\"\ndefault = { }; // @include \"x\"\n");
	load_for("bob", NULL, NULL, NULL);
}

Test(policy_load, nul_bytes_are_refused)
{
	static const char text[] = "default = { };\0rules = ( { close = \"lost\"; } );";

	policy_scratch_write_bytes(text, sizeof(text) - 1);
	expect_refused(-EINVAL, 0, "NUL");
}

Test(policy_load, size_is_bounded)
{
	size_t limit = (size_t)1 << 20;
	char *text = malloc(limit + 1);

	cr_assert_not_null(text);
	memset(text, '\n', limit + 1);
	policy_scratch_write_bytes(text, limit);
	load_for("bob", NULL, NULL, NULL);
	policy_scratch_write_bytes(text, limit + 1);
	expect_refused(-EFBIG, 0, "larger than");
	free(text);
}

Test(policy_load, writable_by_others_is_refused)
{
	static const mode_t refused[] = {0666, 0620, 0602}, accepted[] = {0644, 0600, 0444};

	policy_scratch_write("default = { close = \"last\"; };");
	for (size_t i = 0; i < COUNT(refused); i++) {
		cr_assert_eq(chmod(policy_scratch_config, refused[i]), 0);
		expect_refused(-EPERM, 0, "writable by nobody else");
	}
	for (size_t i = 0; i < COUNT(accepted); i++) {
		cr_assert_eq(chmod(policy_scratch_config, accepted[i]), 0);
		cr_expect_eq(load_for("bob", NULL, NULL, NULL).close, POLICY_CLOSE_LAST);
	}
}

Test(policy_load, links_and_special_files_are_refused)
{
	char other[96];

	snprintf(other, sizeof(other), "%s/other", policy_scratch_dir);
	policy_scratch_write("default = { };");
	cr_assert_eq(link(policy_scratch_config, other), 0);
	expect_refused(-EPERM, 0, "second link");
	cr_assert_eq(unlink(policy_scratch_config), 0);
	cr_assert_eq(symlink("other", policy_scratch_config), 0);
	expect_refused(-EPERM, 0, "symbolic link");
	cr_assert_eq(unlink(policy_scratch_config), 0);
	cr_assert_eq(mkfifo(policy_scratch_config, 0600), 0);
	expect_refused(-EPERM, 0, "not a regular file");
	cr_assert_eq(unlink(policy_scratch_config), 0);
	cr_assert_eq(mkdir(policy_scratch_config, 0700), 0);
	expect_refused(-EPERM, 0, "not a regular file");
	cr_assert_eq(rmdir(policy_scratch_config), 0);
	cr_assert_eq(unlink(other), 0);
}

Test(policy_load, foreign_owner_is_refused)
{
	if (geteuid() != 0)
		skip("giving a file away needs root");
	policy_scratch_write("default = { };");
	cr_assert_eq(chown(policy_scratch_config, 12345, (gid_t)-1), 0);
	expect_refused(-EPERM, 0, "must belong to root");
}

Test(policy_load, own_and_roots_files_pass_for_a_user)
{
	if (geteuid() != 0)
		skip("taking another user's place needs root");
	policy_scratch_write("default = { close = \"last\"; };");
	cr_assert_eq(chmod(policy_scratch_config, 0644), 0);
	cr_assert_eq(chown(policy_scratch_dir, 12345, (gid_t)-1), 0);
	cr_assert_eq(seteuid(12345), 0);
	cr_expect_eq(load_for("bob", NULL, NULL, NULL).close, POLICY_CLOSE_LAST);
	cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(chown(policy_scratch_config, 12345, (gid_t)-1), 0);
	cr_assert_eq(seteuid(12345), 0);
	cr_expect_eq(load_for("bob", NULL, NULL, NULL).close, POLICY_CLOSE_LAST);
	cr_assert_eq(seteuid(0), 0);
}

Test(policy_load, unreadable_is_an_error_not_the_built_in_policy)
{
	policy_scratch_write("default = { };");
	cr_assert_eq(chmod(policy_scratch_config, 0), 0);
	/* Root may read every file: the path must stay open to whom it becomes. */
	if (geteuid() == 0)
		cr_assert_eq(chmod(policy_scratch_dir, 0755) | seteuid(NOBODY), 0);
	expect_refused(-EACCES, 0, "cannot open");
	cr_assert_eq(seteuid(getuid()), 0);
}

Test(policy_load, the_path_is_escaped_in_messages)
{
	struct policy policy;
	struct policy_error error;
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/a\nb", policy_scratch_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "x", 1), 1);
	close(fd);
	cr_expect_eq(policy_load(path, NULL, &policy, NULL, &error), -EINVAL);
	cr_expect_null(strchr(error.text, '\n'));
	cr_expect_not_null(strstr(error.text, "/a\\012b:"), "%s", error.text);
	unlink(path);
}

Test(policy_load, groups_of_a_user_by_name)
{
	const struct passwd *self = getpwuid(geteuid());
	const struct group *primary = self != NULL ? getgrgid(self->pw_gid) : NULL;
	struct policy policy;
	struct policy_origins origins;
	struct policy_error error;
	struct policy_subject subject = {.user = NULL};
	char text[256], user[64];

	if (primary == NULL)
		skip("the user who runs this has no name or no named group");
	snprintf(user, sizeof(user), "%s", self->pw_name);
	snprintf(text, sizeof(text),
	    "rules = ( { match = { group = \"%s\"; }; close = \"last\"; },"
	    " { match = { group = \"*\"; }; linger = \"7s\"; } );",
	    primary->gr_name);
	policy_scratch_write(text);
	subject.user = user;
	cr_assert_eq(policy_load_user(policy_scratch_config, &subject, &policy, &origins, &error),
	    0, "%s", error.text);
	cr_expect_eq(policy.close, POLICY_CLOSE_LAST);
	cr_expect_eq(policy.linger_ns, 7 * NS_PER_S);

	subject.user = "no such user";
	cr_assert_eq(policy_load_user(policy_scratch_config, &subject, &policy, &origins, &error),
	    0, "%s", error.text);
	expect_built_in(&policy, &origins);
}
