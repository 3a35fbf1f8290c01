/* unit tests: the operator's command: its words and texts, check and policy. */
#include "control/columns.h"
#include "control/human.h"
#include "control/json.h"
#include "control/options.h"
#include "control/target.h"
#include "control_scratch.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The words */

TestSuite(words);

Test(words, targets)
{
	static const struct {
		const char *text;
		int rc;
		enum target_kind kind;
	} cases[] = {
	    {"host", 0, TARGET_HOST},
	    {"user=root", 0, TARGET_USER},
	    {"user=0", 0, TARGET_USER},
	    {"user=4000000001", 0, TARGET_USER},
	    {"connection=5.7", 0, TARGET_CONNECTION},
	    {"connection=1000/55.66", 0, TARGET_ADVISORY},
	    {"", -EINVAL, 0},
	    {"Host", -EINVAL, 0},
	    {"host ", -EINVAL, 0},
	    {"user", -EINVAL, 0},
	    {"user=", -EINVAL, 0},
	    {"user=no such one", -ENOENT, 0},
	    {"user=-1", -ENOENT, 0},
	    {"user=4294967295", -ENOENT, 0},
	    {"user=4294967296", -ENOENT, 0},
	    {"connection=", -EINVAL, 0},
	    {"connection=5", -EINVAL, 0},
	    {"connection=5.", -EINVAL, 0},
	    {"connection=05.7", -EINVAL, 0},
	    {"connection=-5.7", -EINVAL, 0},
	    {"connection=5.7x", -EINVAL, 0},
	    {"connection=/55.66", -EINVAL, 0},
	    {"connection=1000/", -EINVAL, 0},
	    {"connection=1000/0.66", -EINVAL, 0},
	    {"connection=1000/../x", -EINVAL, 0},
	    {"connection=01000/55.66", -EINVAL, 0},
	    {"connection=99999999999999999999/55.66", -EINVAL, 0},
	    {"connection=1000/55.66/", -EINVAL, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[TARGET_TEXT_MAX];
		struct target target;

		cr_expect_eq(
		    target_parse(cases[i].text, &target), cases[i].rc, "%s", cases[i].text);
		if (cases[i].rc != 0)
			continue;
		cr_expect_eq(target.kind, cases[i].kind, "%s", cases[i].text);
		if (target.kind != TARGET_USER)
			cr_expect_str_eq(target_format(&target, text), cases[i].text);
	}
}

Test(words, usage_names_the_argument, .init = make_dirs, .fini = remove_dirs)
{
	static const char *const cases[][2] = {
	    {"", "usage: sftp-drain"},
	    {"frobnicate", "unknown command: frobnicate"},
	    {"list --frob", "unknown option: --frob"},
	    {"list -x", "unknown option: -x"},
	    {"list --json=yes", "takes no argument: --json=yes"},
	    {"close --deadline", "argument missing: --deadline"},
	    {"list -o", "argument missing: -o"},
	    {"list host host", "one word too many: host"},
	    {"check host", "one word too many: host"},
	    {"close --deadline 5", "--deadline: not a duration"},
	    {"wait --timeout soon", "soon"},
	    {"close --drain hard", "--drain: not one of session, transfer, now: hard"},
	    {"close --drain policy", "policy"},
	    {"list --deadline 5s", "list does not take --deadline"},
	    {"wait --message x", "wait does not take --message"},
	    {"close --timeout 5s", "--timeout needs --wait"},
	    {"list --json -o pid", "exclude each other"},
	    {"list -o pid,,user", "no such column"},
	    {"list -o pid,pids", "--output: pids: no such column"},
	    {"wait users=x", "not a target: users=x"},
	    {"wait con\033", "not a target: con\\033"},
	    {"policy", "policy: whose?"},
	    {"list --config=", "--config: empty"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		run("%s", cases[i][0]);
		EXPECT_STATUS(STATUS_USAGE);
		EXPECT_IN(result.err, cases[i][1]);
		cr_expect_str_empty(result.out);
	}
	run("list user=no-such-user-here");
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "no such user: user=no-such-user-here");
}

Test(words, message_has_a_limit, .init = make_dirs, .fini = remove_dirs)
{
	char message[ORDER_MESSAGE_MAX + 1] = "";

	memset(message, 'x', ORDER_MESSAGE_MAX);
	run("close --message %s", message);
	EXPECT_STATUS(STATUS_USAGE);
	EXPECT_IN(result.err, "longer than 191 bytes");
	message[ORDER_MESSAGE_MAX - 1] = '\0';
	run("close --message %s", message);
	EXPECT_STATUS(STATUS_DONE);
}

Test(words, options_stand_anywhere)
{
	char words[][16] = {"sftp-drain", "--timeout", "5s", "wait", "-q", "host", "--rundir=/x"};
	char *argv[COUNT(words) + 1];
	struct options options;

	for (size_t i = 0; i < COUNT(words); i++)
		argv[i] = words[i];
	argv[COUNT(words)] = NULL;
	setenv("POSIXLY_CORRECT", "1", 1);
	cr_assert_eq(options_parse((int)COUNT(words), argv, stderr, &options), 0);
	cr_expect_eq(options.word_count, 2);
	cr_expect_str_eq(options.words[0], "wait");
	cr_expect_str_eq(options.words[1], "host");
	cr_expect_eq(options.timeout_ns, 5 * NS_PER_S);
	cr_expect_str_eq(options.rundir, "/x");
	cr_expect_str_eq(options.shmdir, SD_SHMDIR);
	cr_expect_eq(options.given,
	    OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_QUIET) | OPTION_BIT(OPTION_RUNDIR));
}

Test(words, help_and_version, .init = make_dirs, .fini = remove_dirs)
{
	static const char *const verbs[] = {"list", "close", "wait", "reopen", "check", "policy"};

	run("--help");
	EXPECT_STATUS(STATUS_DONE);
	for (size_t i = 0; i < COUNT(verbs); i++) {
		cr_assert(command_find(verbs[i]) != NULL);
		EXPECT_IN(result.out, command_find(verbs[i])->help);
	}
	run("--version");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_eq(result.out, "sftp-drain " PACKAGE_VERSION "\n");
	run("list --help");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "--json");
	EXPECT_IN(result.out, "REQUESTS");
	EXPECT_NOT_IN(result.out, "--deadline");
	run("wait --help");
	EXPECT_IN(result.out, "--timeout DURATION");
	EXPECT_NOT_IN(result.out, "Columns");
}

/* The texts */

TestSuite(texts);

Test(texts, json_escapes_hostile_bytes)
{
	static const char *const cases[][2] = {
	    {"", "\"\""},
	    {"plain", "\"plain\""},
	    {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
	    {"\n\t\033[2J\x01\x7f", "\"\\u000a\\u0009\\u001b[2J\\u0001\\u007f\""},
	    {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
	    {"\xe2\x82\xac\xf0\x9f\x93\x81", "\"\xe2\x82\xac\xf0\x9f\x93\x81\""},
	    {"\xc2\x9b"
	     "31m",
		"\"\\u009b31m\""}, /* C1: a terminal's CSI */
	    {"\xff\xfe", "\"\\ufffd\\ufffd\""},
	    {"\x80z", "\"\\ufffdz\""},
	    {"\xc3", "\"\\ufffd\""}, /* cut short */
	    {"\xe2\x82", "\"\\ufffd\\ufffd\""},
	    {"\xc0\xaf", "\"\\ufffd\\ufffd\""}, /* overlong '/' */
	    {"\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\""},
	    {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
	    {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
	    {"\xf8\x88\x80\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\""},
	    {"\xc3\"", "\"\\ufffd\\\"\""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text;
		size_t size;
		FILE *out = open_memstream(&text, &size);
		struct json json;

		json_start(&json, out);
		json_string(&json, NULL, cases[i][0]);
		fclose(out);
		cr_expect_str_eq(text, cases[i][1]);
		free(text);
	}
}

Test(texts, json_nests)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct json json;

	json_start(&json, out);
	json_begin_object(&json, NULL);
	json_begin_array(&json, "empty");
	json_end_array(&json);
	json_begin_array(&json, "two");
	json_number(&json, NULL, UINT64_MAX);
	json_null(&json, NULL);
	json_end_array(&json);
	json_end_object(&json);
	json_finish(&json);
	fclose(out);
	cr_expect_str_eq(text, "{\n  \"empty\": [],\n  \"two\": [\n    18446744073709551615,\n"
			       "    null\n  ]\n}\n");
	free(text);
}

Test(texts, sizes_and_spans)
{
	static const struct {
		uint64_t value;
		const char *text;
	} sizes[] = {{0, "0B"}, {1023, "1023B"}, {1024, "1.0K"}, {1536, "1.5K"}, {10239, "9.9K"},
	    {10240, "10K"}, {1048575, "1023K"}, {1048576, "1.0M"}, {UINT64_MAX, "15E"}},
	  spans[] = {{0, "0s"}, {999 * NS_PER_MS, "0s"}, {59 * NS_PER_S, "59s"},
	      {60 * NS_PER_S, "1m"}, {250 * NS_PER_S, "4m 10s"}, {3600 * NS_PER_S, "1h"},
	      {3660 * NS_PER_S, "1h 1m"}, {86400 * NS_PER_S + 59, "1d"},
	      {100 * 3600 * NS_PER_S, "4d 4h"}};
	char text[HUMAN_TEXT_MAX];

	for (size_t i = 0; i < COUNT(sizes); i++)
		cr_expect_str_eq(human_size(sizes[i].value, text), sizes[i].text);
	for (size_t i = 0; i < COUNT(spans); i++)
		cr_expect_str_eq(human_span(spans[i].value, text), spans[i].text);
	cr_expect_eq(human_since(5, 7), 2);
	cr_expect_eq(human_since(7, 5), 0);
}

Test(texts, columns_are_chosen)
{
	struct column_choice choice;
	const char *bad;
	size_t length;
	char many[COLUMNS_MAX * 4 + 8] = "pid";

	cr_assert_eq(columns_choose(NULL, &choice, &bad, &length), 0);
	cr_expect_eq(choice.count, 9);
	cr_expect_str_eq(choice.columns[0]->name, "CONNECTION");
	cr_expect_str_eq(choice.columns[8]->name, "FILES");
	cr_assert_eq(columns_choose("files,PID,Idle", &choice, &bad, &length), 0);
	cr_expect_eq(choice.count, 3);
	cr_expect_str_eq(choice.columns[0]->name, "FILES");
	cr_expect_str_eq(choice.columns[1]->name, "PID");
	cr_expect_str_eq(choice.columns[2]->name, "IDLE");
	cr_expect_eq(columns_choose("pid,", &choice, &bad, &length), -ENOENT);
	cr_expect_eq(columns_choose("pid,pi,user", &choice, &bad, &length), -ENOENT);
	cr_expect_eq(length, 2);
	cr_expect_eq(strncmp(bad, "pi,", 3), 0);
	for (int i = 0; i < COLUMNS_MAX; i++)
		strcat(many, ",pid");
	cr_expect_eq(columns_choose(many, &choice, &bad, &length), -E2BIG);
}

/* check and policy */

TestSuite(configuration, .init = make_dirs, .fini = remove_dirs);

static char *write_config(const char *text, char path[128])
{
	FILE *file;

	snprintf(path, 128, "%s/conf", base);
	file = fopen(path, "w");
	cr_assert(file != NULL);
	fputs(text, file);
	fclose(file);
	cr_assert_eq(chmod(path, 0644), 0);
	return path;
}

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

Test(configuration, verdicts)
{
	char path[128];

	run("check --config %s/none", base);
	EXPECT_STATUS(STATUS_ERROR);
	write_config("default: { deadline = \"7m\"; };\n", path);
	run("check --config %s", path);
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "no errors");
	run("policy --config %s root", path);
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "deadline                     7m                default, line 1\n");
	EXPECT_IN(result.out, "linger                       2s                built-in\n");
	write_config("rules: ( { match: { address: \"192.0.2.0/24\"; }; linger: \"4s\"; },\n"
		     "{ match: { key: \"SHA256:" KEY "\"; }; max_connections: 5; } );\n",
	    path);
	run("policy --config %s --address 192.0.2.77 --key SHA256:" KEY " root", path);
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "linger                       4s                rules[0], line 1\n");
	EXPECT_IN(result.out, "max_connections              5                 rules[1], line 2\n");
	run("policy --config %s --address 192.0.3.77 root", path);
	EXPECT_IN(result.out, "linger                       2s                built-in\n");
	EXPECT_IN(result.out, "max_connections              none              built-in\n");
	run("policy --config %s --address localhost root", path);
	EXPECT_STATUS(STATUS_USAGE);
	EXPECT_IN(result.err, "--address: not an IPv4 or IPv6 address: localhost");
	run("policy --config %s --key MD5:00 root", path);
	EXPECT_STATUS(STATUS_USAGE);
	run("check --config %s --key SHA256:" KEY, path);
	EXPECT_STATUS(STATUS_USAGE);
	write_config("default: {\n deadlin = \"7m\"; };\n", path);
	run("check --config %s", path);
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "conf:2: ");
	run("policy --config %s root", path);
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "conf:2: ");
}
