/* unit tests: the operator's command, run in-process over a real table and real members files below
 * a fresh directory.  Sessions and monitors are real children. */
#include "control/columns.h"
#include "control/control.h"
#include "control/human.h"
#include "control/json.h"
#include "control/options.h"
#include "control/target.h"
#include "control/watch.h"
#include "table/members.h"
#include "table/members_file.h"
#include "util/clock.h"

#include "silent_mount.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CHILDREN_MAX 64
#define NOBODY 65534

/* One run of the command. */

static struct {
	int status;
	char *out, *err;
	uint64_t took_ns;
} result;

static char base[64], rundir[96], shmdir[96];

static void run_vector(int argc, char **argv)
{
	size_t out_size, err_size;
	uint64_t start = clock_now_ns();
	FILE *out, *err;

	free(result.out);
	free(result.err);
	out = open_memstream(&result.out, &out_size);
	err = open_memstream(&result.err, &err_size);
	result.status = (int)control_main(argc, argv, out, err);
	fclose(out);
	fclose(err);
	result.took_ns = clock_now_ns() - start;
}

/* Runs "sftp-drain --rundir ... --shmdir ..." with the words of line, which spaces separate. */
static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
	char line[1024], name[] = "sftp-drain", run_option[] = "--rundir",
			 shm_option[] = "--shmdir";
	char *argv[32] = {name, run_option, rundir, shm_option, shmdir};
	int argc = 5;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	run_vector(argc, argv);
}

#define EXPECT_STATUS(expected)                                                                    \
	cr_expect_eq(result.status, (int)(expected), "status %d, out: %s err: %s", result.status,  \
	    result.out, result.err)
#define EXPECT_IN(text, part)                                                                      \
	cr_expect(strstr(text, part) != NULL, "\"%s\" is not in: %s", part, text)
#define EXPECT_NOT_IN(text, part)                                                                  \
	cr_expect(strstr(text, part) == NULL, "\"%s\" is in: %s", part, text)

/* Children, ended with the test. */

static pid_t children[CHILDREN_MAX];
static size_t child_count;
static struct table table;
static struct connection_ref ref;
static enum policy_while_draining newcomers_get = POLICY_REFUSE_SESSION;
static struct drain_plan sessions_see; /* the orders that sessions started from here on have seen */

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)st, (void)kind, (void)place;
	return remove(path);
}

static void make_dirs(void)
{
	strcpy(base, "/tmp/test-control.XXXXXX");
	cr_assert(mkdtemp(base) != NULL);
	cr_assert_eq(chmod(base, 0755), 0);
	snprintf(rundir, sizeof(rundir), "%s/run", base);
	snprintf(shmdir, sizeof(shmdir), "%s/shm", base);
	table.fd = -1;
	/* A test is a monitor, and root's monitor may be the process that close ends. */
	signal(SIGTERM, SIG_IGN);
}

static void remove_dirs(void)
{
	while (child_count > 0)
		end_child(children[--child_count]);
	table_close(&table);
	nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(result.out);
	free(result.err);
	result.out = result.err = NULL;
}

/* An open connection of a user that the calling process is the monitor of. */
static void open_connection_of(uid_t uid)
{
	struct connection description = {
	    .uid = uid,
	    .gid = getegid(),
	    .opened_ns = clock_now_ns(),
	    .user = "m\033ila",
	    .address = "192.0.2.7",
	};

	policy_set_defaults(&description.policy);
	description.policy.while_draining = newcomers_get;
	if (table.header == NULL)
		cr_assert_eq(table_open_or_create(rundir, &table), 0);
	cr_assert_eq(table_claim(&table, shmdir, &description, &ref), 0);
	cr_assert_eq(members_create(shmdir, ref, description.uid, description.gid), 0);
	cr_assert_eq(table_publish(&table, ref), 0);
}

static void open_connection(void)
{
	open_connection_of(geteuid());
}

enum ending {
	ENDS_CLEAN,
	ENDS_FORCED,
	ENDS_KILLED,
	STAYS,
};

static void end_session(struct membership *membership, enum ending ending, unsigned int delay_ms)
{
	while (ending == STAYS)
		pause();
	clock_sleep_ns(delay_ms * NS_PER_MS);
	if (ending == ENDS_KILLED)
		raise(SIGKILL);
	if (members_leave(membership, ending == ENDS_FORCED ? END_FORCED : END_CLEAN) == LEFT_LAST)
		members_close(membership);
	_exit(0);
}

static void show_work(struct membership *membership)
{
	struct member_row *row = members_row(membership);
	struct file_row *file = members_file_begin(membership, "a\n\"b", FILE_READ);

	row->state = MEMBER_ACTIVE;
	row->read_bytes = 1536;
	row->written_bytes = 7;
	row->requests = 42;
	file->offset = 410;
	file->size = 1000;
	(void)members_file_begin(membership, "up\xff.part", FILE_WRITE);
}

static void keep(pid_t pid)
{
	cr_assert(child_count < CHILDREN_MAX);
	children[child_count++] = pid;
}

/* Makes a child and returns, in the parent, once the child has written to *ready. */
static pid_t fork_ready(int *ready)
{
	int ends[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	cr_assert(pid >= 0);
	*ready = ends[1];
	if (pid == 0) {
		close(ends[0]);
		return 0;
	}
	close(ends[1]);
	keep(pid);
	cr_assert_eq(read(ends[0], &byte, 1), 1, "the child failed");
	close(ends[0]);
	return pid;
}

static pid_t start_session(enum ending ending, unsigned int delay_ms)
{
	struct membership membership;
	int ready;
	pid_t pid = fork_ready(&ready);

	if (pid > 0)
		return pid;
	if (members_open(shmdir, ref, &membership) != 0 || members_join(&membership) != 0)
		_exit(1);
	show_work(&membership);
	members_show_orders(&membership, &sessions_see);
	if (write(ready, "", 1) != 1)
		_exit(1);
	end_session(&membership, ending, delay_ms);
	_exit(1);
}

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

/* list */

TestSuite(list, .init = make_dirs, .fini = remove_dirs, .timeout = 30);

Test(list, nothing)
{
	run("list");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_empty(result.out);
	run("list --json");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "\"schema\": \"sftp-drain/1\"");
	EXPECT_IN(result.out, "\"host\": null");
	EXPECT_IN(result.out, "\"users\": []");
	EXPECT_IN(result.out, "\"connections\": []");
	cr_expect_eq(access(rundir, F_OK), -1, "looking made a table");
}

Test(list, a_broken_table_is_an_error)
{
	char path[128];
	int fd;

	open_connection();
	snprintf(path, sizeof(path), "%s/table", rundir);
	fd = open(path, O_WRONLY);
	cr_assert_eq(pwrite(fd, "x", 1, 0), 1);
	close(fd);
	run("list");
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "another version");
}

Test(list, plain)
{
	pid_t pid;
	char line[32];

	open_connection();
	run("list");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out,
	    "CONNECTION  USER      ADDRESS    PID  STATE  IDLE  READ  WRITTEN  FILES\n");
	EXPECT_IN(
	    result.out, "0.1         m\\033ila  192.0.2.7    -  open      -     -        -  -\n");
	pid = start_session(STAYS, 0);
	run("list");
	snprintf(line, sizeof(line), "%d  active", (int)pid);
	EXPECT_IN(result.out, line);
	EXPECT_IN(result.out, "1.5K       7B  a\\012\\042b 41% + 1 more\n");
	run("list -o requests,pid connection=0.1");
	snprintf(line, sizeof(line), "      42  %d\n", (int)pid);
	EXPECT_IN(result.out, line);
	run("list connection=0.2");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_empty(result.out);
	run("list user=%lu", (unsigned long)geteuid() + 1);
	cr_expect_str_empty(result.out);
}

Test(list, json)
{
	char line[64];

	open_connection();
	snprintf(line, sizeof(line), "\"pid\": %d,", (int)start_session(STAYS, 0));
	run("list --json");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "\"id\": \"0.1\"");
	EXPECT_IN(result.out, "\"user\": \"m\\u001bila\"");
	EXPECT_IN(result.out, "\"address\": \"192.0.2.7\"");
	EXPECT_IN(result.out, "\"state\": \"open\"");
	EXPECT_IN(result.out, "\"order\": null");
	EXPECT_IN(result.out, "\"deadline_ns\": null");
	EXPECT_IN(result.out, line);
	EXPECT_IN(result.out, "\"read_bytes\": 1536");
	EXPECT_IN(result.out, "\"path\": \"a\\u000a\\\"b\"");
	EXPECT_IN(result.out, "\"direction\": \"read\"");
	EXPECT_IN(result.out, "\"offset\": 410");
	EXPECT_IN(result.out, "\"path\": \"up\\ufffd.part\"");
	snprintf(line, sizeof(line), "\"monitor_pid\": %d,", (int)getpid());
	EXPECT_IN(result.out, line);
	cr_assert_eq(table_begin_closing(&table, ref), 0);
	run("list --json");
	EXPECT_IN(result.out, "\"state\": \"closing\"");
}

Test(list, orders_in_force)
{
	open_connection();
	run("close -q --drain now --deadline 260s --message b\"y");
	EXPECT_STATUS(STATUS_DONE);
	run("close -q user=%lu", (unsigned long)geteuid());
	EXPECT_STATUS(STATUS_DONE);
	run("list");
	EXPECT_IN(result.out, "host draining: drain now, deadline in 4m 1");
	EXPECT_IN(result.out, "s, \"b\\042y\"\n");
	EXPECT_IN(
	    result.out, " draining: drain as each policy says, deadline as each policy says\n");
	EXPECT_IN(result.out, "  draining");
	run("list --json");
	EXPECT_IN(result.out, "\"drain\": \"now\"");
	EXPECT_IN(result.out, "\"drain\": \"policy\"");
	EXPECT_IN(result.out, "\"message\": \"b\\\"y\"");
	EXPECT_IN(result.out, "\"state\": \"draining\"");
	EXPECT_IN(result.out, "\"order\": null");
	EXPECT_NOT_IN(result.out, "\"host\": null");
	EXPECT_NOT_IN(result.out, "\"users\": []");
	run("list -o deadline");
	EXPECT_IN(result.out, "4m 1");
}

Test(list, orders_pass_over_the_admitted)
{
	open_connection();
	run("close -q");
	newcomers_get = POLICY_ADMIT;
	open_connection();
	run("list -o connection,state");
	EXPECT_IN(result.out, "0.1         draining\n1.1         open\n");
}

/* Runs the command as a user who is not the connection's. */
static int status_as_nobody(const char *line, const char *expected_out)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
		    setresuid(NOBODY, NOBODY, NOBODY) != 0)
			_exit(99);
		run("%s", line);
		if (strstr(result.out, expected_out) == NULL &&
		    strstr(result.err, expected_out) == NULL) {
			fprintf(stderr, "%s: %s%s\n", line, result.out, result.err);
			_exit(98);
		}
		_exit(result.status);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

Test(list, others_see_no_sessions)
{
	if (geteuid() != 0)
		cr_skip_test("takes root");
	open_connection();
	start_session(STAYS, 0);
	cr_expect_eq(status_as_nobody("list", "192.0.2.7    -  open "), STATUS_DONE);
	cr_expect_eq(status_as_nobody("list --json", "\"sessions\": null"), STATUS_DONE);
	cr_expect_eq(status_as_nobody("wait", "for root and that user to see"), STATUS_ERROR);
	cr_expect_eq(status_as_nobody("close", "takes root"), STATUS_ERROR);
	cr_expect_eq(status_as_nobody("reopen", "takes root"), STATUS_ERROR);
	cr_expect_eq(status_as_nobody("close connection=0.1", "takes root"), STATUS_ERROR);
	cr_expect_eq(status_as_nobody("abort", "abort: "), STATUS_ERROR);
	cr_expect_eq(status_as_nobody("abort connection=0.1", "takes root"), STATUS_ERROR);
}

/* close and reopen */

TestSuite(orders, .init = make_dirs, .fini = remove_dirs, .timeout = 30);

static struct order order_on(const char *text)
{
	struct order_target order_target;
	struct target target;
	struct order order;

	cr_assert_eq(target_parse(text, &target), 0);
	order_target = target_of_order(&target);
	cr_assert_eq(table_read_order(&table, &order_target, &order, NULL), 0);
	return order;
}

Test(orders, host_is_the_default_and_repeats)
{
	struct order first, second;

	run("close --deadline 1h");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "host draining: drain as each policy says, deadline in 59m 5");
	EXPECT_IN(result.out, "s; sessions: 0, connections: 0\n");
	cr_assert_eq(table_open(rundir, true, &table), 0);
	first = order_on("host");
	run("close host --drain session --quiet");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_empty(result.out);
	second = order_on("host");
	cr_expect_eq(first.active, 1);
	cr_expect_eq(first.issued_ns, second.issued_ns);
	cr_expect_eq(first.deadline_ns, second.deadline_ns);
	cr_expect_eq(second.drain, POLICY_DRAIN_SESSION);
	run("reopen");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_eq(order_on("host").active, 0);
	run("reopen");
	EXPECT_STATUS(STATUS_DONE);
}

static volatile sig_atomic_t woken;

static void note_wake(int signal)
{
	(void)signal;
	woken = 1;
}

/* A session that ends, clean, once it is woken. */
static pid_t start_obedient_session(void)
{
	struct sigaction action = {.sa_handler = note_wake};
	struct membership membership;
	int ready;
	pid_t pid = fork_ready(&ready);

	if (pid > 0)
		return pid;
	sigaction(SIGURG, &action, NULL);
	if (members_open(shmdir, ref, &membership) != 0 || members_join(&membership) != 0 ||
	    write(ready, "", 1) != 1)
		_exit(1);
	while (!woken)
		clock_sleep_ns(10 * NS_PER_MS);
	end_session(&membership, ENDS_CLEAN, 0);
	_exit(1);
}

Test(orders, connection_is_woken_and_awaited)
{
	open_connection();
	start_obedient_session();
	start_obedient_session();
	run("close connection=0.1 --wait --timeout 10s");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "connection=0.1 draining: ");
	EXPECT_IN(result.out, "sessions: 2, connections: 1\n");
	EXPECT_IN(result.out, "no session left; ended: 2 clean, 0 by force\n");
	cr_expect_eq(order_on("connection=0.1").active, 1);
	run("reopen connection=0.1");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_eq(order_on("connection=0.1").active, 0);
}

/* G5: twice is once, and the first time counts. */
Test(orders, abort_repeats)
{
	struct order first, second;

	open_connection();
	run("close connection=0.1 --deadline 1h --message moving");
	start_obedient_session();
	run("abort connection=0.1");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "connection=0.1 draining: drain now, deadline passed, \"moving\"");
	EXPECT_IN(result.out, "no session left; ended: 1 clean, 0 by force\n");
	first = order_on("connection=0.1");
	run("abort -q connection=0.1 --message gone");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_empty(result.out);
	second = order_on("connection=0.1");
	cr_expect_eq(second.issued_ns, first.issued_ns);
	cr_expect_eq(second.deadline_ns, first.deadline_ns);
	cr_expect_str_eq(second.message, "gone");
	/* What is said after that counts. */
	run("close --drain session --deadline 1h connection=0.1");
	second = order_on("connection=0.1");
	cr_expect_gt(second.deadline_ns, clock_now_ns());
	cr_expect_eq(second.drain, POLICY_DRAIN_SESSION);
	run("abort connection=0.2");
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "abort: connection=0.2: no such connection");
}

/* Whom an order in force passes over, for the policy has admitted him since, an abort does not. */
Test(orders, abort_reaches_the_admitted)
{
	struct order before;

	open_connection();
	run("close -q --message moving");
	before = order_on("host");
	run("abort -q");
	cr_expect_eq(order_on("host").issued_ns, before.issued_ns, "nobody was passed over");
	newcomers_get = POLICY_ADMIT;
	open_connection();
	start_obedient_session();
	before = order_on("host");
	run("abort");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "no session left; ended: 1 clean, 0 by force\n");
	cr_expect_gt(order_on("host").issued_ns, before.issued_ns);
	cr_expect_gt(order_on("host").deadline_ns, before.deadline_ns);
	cr_expect_str_eq(order_on("host").message, "moving");
	open_connection();
	run("list -o connection,state");
	EXPECT_IN(result.out, "0.1         draining\n1.1         draining\n2.1         open\n");
}

Test(orders, unknown_connection)
{
	run("close connection=0.1");
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "close: connection=0.1: no such connection");
	cr_expect_eq(access(rundir, F_OK), -1, "an order for nobody made a table");
	open_connection();
	run("close connection=0.2");
	EXPECT_STATUS(STATUS_ERROR);
	run("reopen connection=4096.1");
	EXPECT_STATUS(STATUS_ERROR);
	run("close connection=%lu/1.1", (unsigned long)geteuid());
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "no such connection");
}

/* An advisory connection, whose sshd is the test itself. */
static pid_t start_advisory_session(
    enum ending ending, unsigned int delay_ms, char id[SCOPE_ID_MAX])
{
	struct advisory_connection description = {.address = "198.51.100.1"};
	struct membership membership;
	int ready;
	pid_t pid;

	policy_set_defaults(&description.policy);
	cr_assert_eq(proc_self(&description.sshd), 0);
	snprintf(id, SCOPE_ID_MAX, "%lu/%d.%llu", (unsigned long)geteuid(),
	    (int)description.sshd.pid, (unsigned long long)description.sshd.start);
	pid = fork_ready(&ready);
	if (pid > 0)
		return pid;
	if (members_open_advisory(shmdir, &description, &membership) != 0 ||
	    members_join(&membership) != 0)
		_exit(1);
	show_work(&membership);
	members_show_orders(&membership, &sessions_see);
	if (write(ready, "", 1) != 1)
		_exit(1);
	end_session(&membership, ending, delay_ms);
	_exit(1);
}

Test(orders, advisory_connection)
{
	char id[SCOPE_ID_MAX], quoted[SCOPE_ID_MAX + 16];
	pid_t pid = start_advisory_session(STAYS, 0, id);

	snprintf(quoted, sizeof(quoted), "\"id\": \"%s\"", id);
	run("list --json");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, quoted);
	EXPECT_IN(result.out, "198.51.100.1");
	run("close connection=%s --drain now --message bye", id);
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "drain now");
	EXPECT_IN(result.out, "sessions: 1, connections: 1");
	run("close connection=%s --deadline 1h", id);
	run("list --json connection=%s", id);
	EXPECT_IN(result.out, "\"state\": \"draining\"");
	EXPECT_IN(result.out, "\"drain\": \"now\"");
	EXPECT_IN(result.out, "\"message\": \"bye\"");
	run("reopen connection=%s", id);
	EXPECT_STATUS(STATUS_DONE);
	run("list --json user=%lu", (unsigned long)geteuid());
	EXPECT_IN(result.out, "\"state\": \"open\"");
	EXPECT_IN(result.out, "\"order\": null");
	end_child(pid);
	run("list");
	cr_expect_str_empty(result.out);
}

/* As its last session does. */
static void remove_advisory(const char *id)
{
	char path[256];

	snprintf(
	    path, sizeof(path), "%s-%lu/%s", shmdir, (unsigned long)geteuid(), strchr(id, '/') + 1);
	cr_assert_eq(unlink(path), 0);
}

/* wait */

TestSuite(waiting, .init = make_dirs, .fini = remove_dirs, .timeout = 60);

Test(waiting, nothing_is_live)
{
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	open_connection();
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_lt(result.took_ns, NS_PER_S);
	run("wait connection=0.2");
	EXPECT_STATUS(STATUS_DONE);
}

Test(waiting, clean_end)
{
	open_connection();
	start_session(ENDS_CLEAN, 300);
	start_session(ENDS_CLEAN, 100);
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_eq(result.out, "host: no session left; ended: 2 clean, 0 by force\n");
	cr_expect_gt(result.took_ns, 200 * NS_PER_MS);
	cr_expect_lt(result.took_ns, 900 * NS_PER_MS, "not woken by the end");
}

/* G6: a lease on a user's own file makes root's open fail; that must end nobody's wait. */
Test(waiting, a_lease_on_a_members_file)
{
	char text[CONNECTION_REF_TEXT_MAX], path[160];
	sigset_t lease;
	int fd;

	open_connection();
	snprintf(path, sizeof(path), "%s/%s", shmdir, connection_ref_format(ref, text));
	fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0)
		cr_skip_test("this file system has no leases");
	sigemptyset(&lease);
	sigaddset(&lease, SIGIO);
	sigprocmask(SIG_BLOCK, &lease, NULL);
	run("wait --timeout 300ms");
	cr_expect_neq(result.status, STATUS_ERROR, "%s", result.err);
	close(fd);
}

/* G6: what a user mounts over his members file makes root neither fail nor wait for it. */
static void wait_beside_a_mount(bool others_too)
{
	char text[CONNECTION_REF_TEXT_MAX], path[160];

	open_connection_of(NOBODY);
	snprintf(path, sizeof(path), "%s/%s", shmdir, connection_ref_format(ref, text));
	if (!silent_mount(path, NOBODY, others_too)) {
		remove_dirs();
		cr_skip_test("mounting a fuse file system needs root and /dev/fuse");
	}
	run("wait --timeout 300ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	run("list");
	EXPECT_STATUS(STATUS_DONE);
	run("close --wait --timeout 300ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	open_connection();
	start_session(ENDS_CLEAN, 100);
	run("wait --timeout 5s connection=%s", connection_ref_format(ref, text));
	EXPECT_STATUS(STATUS_DONE);
	silent_unmount(path);
}

Test(waiting, a_mount_over_a_members_file)
{
	wait_beside_a_mount(false);
}

Test(waiting, a_mount_over_a_members_file_for_all)
{
	wait_beside_a_mount(true);
}

Test(waiting, a_mount_over_an_advisory_directory)
{
	char path[128];

	snprintf(path, sizeof(path), "%s-%d", shmdir, NOBODY);
	cr_assert_eq(mkdir(path, 0700), 0);
	if (chown(path, NOBODY, NOBODY) != 0 || !silent_mount(path, NOBODY, true)) {
		remove_dirs();
		cr_skip_test("mounting a fuse file system needs root and /dev/fuse");
	}
	run("wait --timeout 300ms");
	EXPECT_STATUS(STATUS_DONE);
	run("list user=%d", NOBODY);
	EXPECT_STATUS(STATUS_DONE);
	run("close connection=%d/1.1", NOBODY);
	EXPECT_STATUS(STATUS_ERROR);
	silent_unmount(path);
}

Test(waiting, processes_are_held_not_polled)
{
	const struct options options = {
	    .rundir = rundir, .shmdir = shmdir, .config = "/nonexistent"};
	const struct target host = {.kind = TARGET_HOST};
	struct scope scope;
	struct watch watch;

	open_connection();
	start_session(STAYS, 0);
	start_session(STAYS, 0);
	cr_assert_eq(scope_open(&scope, &options, &host, SCOPE_READ), 0);
	cr_assert_eq(watch_begin(&watch, &scope, false), 0);
	cr_expect_eq(watch.live, 1);
	cr_expect_eq(watch.fds.pins, 3, "two sessions and the monitor");
	cr_expect_eq(watch.fds.loose, 0);
	watch_end(&watch);
	scope_close(&scope);
}

Test(waiting, forced_end)
{
	open_connection();
	start_session(ENDS_FORCED, 100);
	start_session(ENDS_CLEAN, 100);
	run("wait -q user=%lu", (unsigned long)geteuid());
	EXPECT_STATUS(STATUS_FORCED);
	cr_expect_str_empty(result.out);
}

Test(waiting, killed_is_forced)
{
	open_connection();
	start_session(ENDS_KILLED, 100);
	run("wait connection=0.1");
	EXPECT_STATUS(STATUS_FORCED);
	EXPECT_IN(result.out, "ended: 0 clean, 1 by force");
	/* That was then; nobody ends by force now. */
	run("wait connection=0.1");
	EXPECT_STATUS(STATUS_DONE);
}

Test(waiting, times_out)
{
	char text[32];

	open_connection();
	snprintf(text, sizeof(text), "session %d\n", (int)start_session(STAYS, 0));
	run("wait --timeout 200ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	EXPECT_IN(result.err, "connection 0.1 of m\\033ila: ");
	EXPECT_IN(result.err, text);
	cr_expect_lt(result.took_ns, 900 * NS_PER_MS);
}

/* An order whose deadline passed long ago. */
static void order_of_yesterday(void)
{
	const struct order order = {
	    .active = 1, .drain = POLICY_DRAIN_NOW, .issued_ns = 1, .deadline_ns = 1};

	order_write(&table.header->host, &order);
}

static pid_t start_nobodys_session(bool stubborn)
{
	struct membership membership;
	int ready;
	pid_t pid = fork_ready(&ready);

	if (pid > 0)
		return pid;
	signal(SIGTERM, stubborn ? SIG_IGN : SIG_DFL);
	if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0 ||
	    members_open(shmdir, ref, &membership) != 0 || members_join(&membership) != 0)
		_exit(1);
	show_work(&membership);
	if (write(ready, "", 1) != 1)
		_exit(1);
	end_session(&membership, STAYS, 0);
	_exit(1);
}

/* G9: root's waiting carries out what an order has given up; G5: another's only watches. */
Test(waiting, of_root_ends_what_a_deadline_left_over)
{
	pid_t obedient, stubborn;

	if (geteuid() != 0)
		cr_skip_test("takes root");
	open_connection_of(NOBODY);
	obedient = start_nobodys_session(false);
	stubborn = start_nobodys_session(true);
	order_of_yesterday();
	cr_expect_eq(
	    status_as_nobody("wait --timeout 300ms user=65534", "timed out"), STATUS_TIMED_OUT);
	cr_expect_eq(waitpid(obedient, NULL, WNOHANG), 0);
	cr_expect_eq(waitpid(stubborn, NULL, WNOHANG), 0);
	run("wait --timeout 30s");
	EXPECT_STATUS(STATUS_FORCED);
	EXPECT_IN(result.out, "ended: 0 clean, 2 by force");
	cr_expect_gt(result.took_ns, 1500 * NS_PER_MS, "SIGKILL before its time");
	cr_expect_lt(result.took_ns, 10 * NS_PER_S);
}

/* G5: a deadline that has passed and is put off ends nobody any more, by whoever puts it off either. */
Test(waiting, close_puts_a_deadline_off_before_it_looks_at_it)
{
	pid_t session;

	if (geteuid() != 0)
		cr_skip_test("takes root");
	open_connection_of(NOBODY);
	session = start_nobodys_session(false);
	order_of_yesterday();
	run("close --deadline 1h --wait --timeout 300ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	cr_expect_eq(waitpid(session, NULL, WNOHANG), 0, "it has been ended");
}

Test(waiting, tallies_count_who_ended_before)
{
	open_connection();
	run("close");
	table_count_ended(&table, &(struct order_target){.scope = SCOPE_HOST}, 4, 1);
	run("wait");
	EXPECT_STATUS(STATUS_FORCED);
	EXPECT_IN(result.out, "ended: 4 clean, 1 by force");
	run("wait connection=0.1");
	EXPECT_STATUS(STATUS_DONE);
	run("reopen");
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
}

/* Waits for a session to end; the next that joins takes its row over when again is set. */
static void await_session(pid_t pid, bool again)
{
	siginfo_t info;

	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	for (int i = 0; again && i < MEMBERS_ROWS; i++) {
		struct membership membership;

		cr_assert_eq(members_open(shmdir, ref, &membership), 0);
		cr_assert_eq(members_join(&membership), 0);
		members_leave(&membership, END_REFUSED);
		members_close(&membership);
	}
}

static void see_host_order(void)
{
	const struct order_target host = {.scope = SCOPE_HOST};
	struct order order;

	cr_assert_eq(table_read_order(&table, &host, &order, NULL), 0);
	sessions_see = (struct drain_plan){.issued_ns[SCOPE_HOST] = order.issued_ns};
}

/* G5: whoever was killed before the order is no business of it. */
Test(waiting, killed_before_the_order)
{
	for (int again = 0; again < 2; again++) {
		open_connection();
		await_session(start_session(ENDS_KILLED, 0), again != 0);
		run("close");
		see_host_order();
		start_session(ENDS_CLEAN, 100);
		run("wait");
		EXPECT_STATUS(STATUS_DONE);
		EXPECT_IN(result.out, "ended: 1 clean, 0 by force");
		run("reopen");
		sessions_see = (struct drain_plan){.issued_ns = {0}};
	}
}

/* G5: whoever was killed under it is, also when that was before the waiting and the connection stays. */
Test(waiting, killed_under_the_order_before_the_waiting)
{
	for (int again = 0; again < 2; again++) {
		open_connection();
		run("close");
		see_host_order();
		await_session(start_session(ENDS_CLEAN, 0), false);
		await_session(start_session(ENDS_KILLED, 0), again != 0);
		run("wait");
		EXPECT_STATUS(STATUS_FORCED);
		EXPECT_IN(result.out, "ended: 1 clean, 1 by force");
		run("wait user=%lu", (unsigned long)geteuid());
		EXPECT_STATUS(STATUS_DONE);
		/* What has gone into the tally stands there alone, once the entry is free. */
		members_remove(shmdir, ref);
		cr_assert_eq(table_release(&table, ref), 0);
		table_count_ended(&table, &(struct order_target){.scope = SCOPE_HOST}, 1, 1);
		run("wait");
		EXPECT_IN(result.out, "ended: 1 clean, 1 by force");
		run("reopen");
		run("wait");
		EXPECT_STATUS(STATUS_DONE);
		sessions_see = (struct drain_plan){.issued_ns = {0}};
	}
}

/* The order on one connection: its sessions' ends, before the waiting too. */
Test(waiting, killed_under_the_connections_order)
{
	char text[CONNECTION_REF_TEXT_MAX];
	struct connection connection;

	open_connection();
	connection_ref_format(ref, text);
	run("close connection=%s", text);
	cr_assert_eq(table_find_connection(&table, ref, &connection), 0);
	sessions_see =
	    (struct drain_plan){.issued_ns[SCOPE_CONNECTION] = connection.order.issued_ns};
	await_session(start_session(ENDS_KILLED, 0), false);
	run("wait connection=%s", text);
	EXPECT_STATUS(STATUS_FORCED);
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
}

enum life {
	NO_SESSION_EVER,
	SESSION_LEFT,
	SESSION_THERE,
	SESSION_LEFT_GUARD_THERE,
	SESSION_LEFT_COMMAND_THERE,
	SESSION_ABOUT_TO_GO,
	CLOSER_THERE,
};

/* A monitor and, below it, the process that serves the connection for its user, which returns its end in
 * *served. */
static void start_sshd(enum life life, int *served)
{
	int ready, ends[2];

	cr_assert_eq(pipe(ends), 0);
	*served = ends[0];
	if (fork_ready(&ready) > 0) {
		close(ends[1]);
		return;
	}
	signal(SIGTERM, SIG_DFL);
	open_connection();
	if (fork() == 0) {
		struct membership membership;

		if (members_open(shmdir, ref, &membership) != 0)
			_exit(1);
		if (life != NO_SESSION_EVER && members_join(&membership) != 0)
			_exit(1);
		if (life >= SESSION_LEFT && life != SESSION_THERE) {
			members_leave(&membership, END_CLEAN);
			if (life < SESSION_ABOUT_TO_GO)
				members_stop_closing(&membership);
		}
		if (life == SESSION_LEFT_GUARD_THERE && members_become_guard(&membership) != 0)
			_exit(1);
		if (life == SESSION_LEFT_COMMAND_THERE && fork() == 0) {
			close(ends[1]);
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!write(ready, "", 1);
		if (life == SESSION_ABOUT_TO_GO) {
			/* So that the command comes first. */
			clock_sleep_ns(30 * NS_PER_MS);
			members_stop_closing(&membership);
		}
		pause();
		_exit(0);
	}
	close(ends[1]);
	close(ready);
	pause();
	_exit(0);
}

static bool ends_soon(int served)
{
	struct pollfd end = {.fd = served, .events = POLLIN};
	bool ended = poll(&end, 1, 300) == 1;

	close(served);
	return ended;
}

/* G3: an order that finds a connection whose sessions are over ends it; nobody else would. */
Test(orders, connection_without_a_session)
{
	static const struct {
		enum life life;
		bool ends;
	} cases[] = {
	    {NO_SESSION_EVER, false},
	    {SESSION_LEFT, true},
	    {SESSION_THERE, false},
	    {SESSION_LEFT_GUARD_THERE, false},
	    {SESSION_LEFT_COMMAND_THERE, false},
	    {SESSION_ABOUT_TO_GO, true},
	    {CLOSER_THERE, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int served;

		start_sshd(cases[i].life, &served);
		run("close");
		EXPECT_STATUS(STATUS_DONE);
		cr_expect_eq(ends_soon(served), cases[i].ends, "case %zu", i);
		cr_expect_eq(
		    strstr(result.out, "without a session and ended: 1") != NULL, cases[i].ends);
		end_child(children[--child_count]);
		run("reopen");
	}
}

/* A guard is woken as a session is: reopen sends it home. */
Test(orders, a_guard_is_woken)
{
	struct membership membership;
	int ready, status, number = 0;
	sigset_t wake;
	pid_t pid;

	open_connection();
	/* SIGURG is taken only where it is blocked: its default is to be ignored. */
	sigemptyset(&wake);
	sigaddset(&wake, SIGURG);
	sigprocmask(SIG_BLOCK, &wake, NULL);
	pid = fork_ready(&ready);
	if (pid == 0) {
		if (members_open(shmdir, ref, &membership) != 0 ||
		    members_become_guard(&membership) != 0 || write(ready, "", 1) != 1)
			_exit(1);
		_exit(sigwait(&wake, &number) == 0 && number == SIGURG ? 7 : 1);
	}
	run("reopen");
	child_count--;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

Test(waiting, killed_under_the_order_and_advisory)
{
	char id[SCOPE_ID_MAX];

	open_connection();
	run("close");
	see_host_order();
	start_advisory_session(ENDS_CLEAN, 500, id);
	await_session(start_advisory_session(ENDS_KILLED, 0, id), false);
	run("wait");
	EXPECT_STATUS(STATUS_FORCED);
}

/* A monitor that closes, releases and ends, with pauses between. */
static pid_t start_monitor(unsigned int closing_ms, unsigned int ending_ms)
{
	int ready;
	pid_t pid = fork_ready(&ready);

	if (pid > 0)
		return pid;
	open_connection();
	if (table_begin_closing(&table, ref) != 0 || write(ready, "", 1) != 1)
		_exit(1);
	clock_sleep_ns(closing_ms * NS_PER_MS);
	members_remove(shmdir, ref);
	if (table_release(&table, ref) != 0)
		_exit(1);
	clock_sleep_ns(ending_ms * NS_PER_MS);
	_exit(0);
}

Test(waiting, closing_connection_until_its_monitor_ends)
{
	start_monitor(200, 200);
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_gt(result.took_ns, 350 * NS_PER_MS);
	cr_expect_lt(result.took_ns, 900 * NS_PER_MS, "not woken by the end");
}

/* A monitor whose own session is the last one out and closes the connection. */
static void start_closer(void)
{
	struct membership membership;
	int ready;

	if (fork_ready(&ready) > 0)
		return;
	open_connection();
	if (members_open(shmdir, ref, &membership) != 0 || members_join(&membership) != 0 ||
	    write(ready, "", 1) != 1 || members_leave(&membership, END_CLEAN) != LEFT_LAST)
		_exit(1);
	members_begin_closing(&membership);
	clock_sleep_ns(150 * NS_PER_MS);
	members_close(&membership);
	/* Nobody is left, and the monitor has not noticed yet. */
	clock_sleep_ns(150 * NS_PER_MS);
	if (table_begin_closing(&table, ref) != 0 || table_release(&table, ref) != 0)
		_exit(1);
	clock_sleep_ns(100 * NS_PER_MS);
	_exit(0);
}

Test(waiting, closer_until_the_monitor_ends)
{
	start_closer();
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_gt(result.took_ns, 350 * NS_PER_MS);
	cr_expect_lt(result.took_ns, 900 * NS_PER_MS, "not woken by the end");
}

Test(waiting, released_connection_is_bounded)
{
	start_monitor(100, 60000);
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_gt(result.took_ns, 4 * NS_PER_S);
	cr_expect_lt(result.took_ns, 8 * NS_PER_S);
}

Test(waiting, dead_monitor_holds_nobody)
{
	pid_t monitor = start_monitor(60000, 0);

	run("wait --timeout 100ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	EXPECT_IN(result.err, "its sshd, ");
	end_child(monitor);
	run("wait --timeout 5s");
	EXPECT_STATUS(STATUS_DONE);
	run("list");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_empty(result.out);
}

/* The module adds ends to an order's tally, but not that of a monitor that was killed. */
Test(waiting, killed_monitor_whose_entry_is_reaped)
{
	const struct options options = {
	    .rundir = rundir, .shmdir = shmdir, .config = "/nonexistent"};
	const struct target host = {.kind = TARGET_HOST};
	const uint64_t soon = 300 * NS_PER_MS;
	pid_t monitor, session, other;
	struct watch_ended ended;
	struct connection found;
	struct scope scope;
	struct watch watch;
	int ready;

	open_connection();
	other = start_session(STAYS, 0);
	monitor = fork_ready(&ready);
	if (monitor == 0) {
		open_connection();
		(void)!write(ready, "", 1);
		pause();
		_exit(0);
	}
	ref.slot++;
	cr_assert_eq(table_read_connection(&table, ref.slot, &found), 0);
	ref = found.ref;
	run("close");
	see_host_order();
	session = start_session(STAYS, 0);
	cr_assert_eq(scope_open(&scope, &options, &host, SCOPE_READ), 0);
	cr_assert_eq(watch_begin(&watch, &scope, false), 0);
	end_child(monitor);
	end_child(session);
	cr_expect_eq(watch_run(&watch, &soon), -ETIMEDOUT);
	cr_assert(table_reap(&table, shmdir, ref.slot));
	end_child(other);
	child_count = 0;
	cr_expect_eq(watch_run(&watch, NULL), 0);
	ended = watch_read_ended(&watch);
	cr_expect_eq(ended.clean, 0);
	cr_expect_eq(ended.forced, 2);
	watch_end(&watch);
	scope_close(&scope);
}

Test(waiting, forked_child_keeps_the_membership)
{
	struct membership membership;
	int ready;

	open_connection();
	if (fork_ready(&ready) == 0) {
		if (members_open(shmdir, ref, &membership) != 0 || members_join(&membership) != 0)
			_exit(1);
		if (fork() == 0) {
			clock_sleep_ns(300 * NS_PER_MS);
			_exit(0);
		}
		(void)!write(ready, "", 1);
		_exit(0);
	}
	run("wait");
	EXPECT_STATUS(STATUS_FORCED);
	cr_expect_gt(result.took_ns, 200 * NS_PER_MS);
	cr_expect_lt(result.took_ns, 900 * NS_PER_MS);
}

Test(waiting, advisory_connection)
{
	char id[SCOPE_ID_MAX];

	start_advisory_session(ENDS_KILLED, 100, id);
	run("wait");
	EXPECT_STATUS(STATUS_FORCED);
	run("wait connection=%s", id);
	EXPECT_STATUS(STATUS_DONE);
}

/* The last session of an advisory connection takes the file's name away; a later one makes a file anew. */
Test(waiting, advisory_connection_that_is_left_and_joined_again)
{
	const struct options options = {
	    .rundir = rundir, .shmdir = shmdir, .config = "/nonexistent"};
	const struct target host = {.kind = TARGET_HOST};
	const uint64_t soon = 300 * NS_PER_MS;
	struct watch_ended ended;
	char id[SCOPE_ID_MAX];
	struct scope scope;
	struct watch watch;
	pid_t pid;

	pid = start_advisory_session(ENDS_KILLED, 200, id);
	cr_assert_eq(scope_open(&scope, &options, &host, SCOPE_READ), 0);
	cr_assert_eq(watch_begin(&watch, &scope, false), 0);
	await_session(pid, false);
	remove_advisory(id);
	pid = start_advisory_session(ENDS_CLEAN, 600, id);
	cr_expect_eq(watch_run(&watch, &soon), -ETIMEDOUT, "a session is there");
	cr_expect_eq(watch_run(&watch, NULL), 0);
	ended = watch_read_ended(&watch);
	cr_expect_eq(ended.clean, 1);
	cr_expect_eq(ended.forced, 1);
	watch_end(&watch);
	scope_close(&scope);
}

Test(waiting, many_sessions)
{
	for (int i = 0; i < 16; i++) {
		open_connection();
		for (unsigned int j = 0; j < 3; j++)
			start_session(ENDS_CLEAN, 100 + 50 * j);
	}
	run("wait");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "by force");
	cr_expect_lt(result.took_ns, 3 * NS_PER_S);
}

/* A user who spoils his members file must not break the waiting for all others. */
Test(waiting, spoilt_file_counts_as_live)
{
	char path[128];

	open_connection();
	snprintf(path, sizeof(path), "%s/0.1", shmdir);
	cr_assert_eq(chmod(path, 0644), 0);
	run("wait --timeout 100ms");
	EXPECT_STATUS(STATUS_TIMED_OUT);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert_eq(truncate(path, 0), 0);
	start_monitor(0, 0);
	run("wait --timeout 5s");
	EXPECT_STATUS(STATUS_DONE);
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
