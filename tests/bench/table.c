/* bench: the session table: what joining, listing and draining cost where there is much of it.  On a table
 * of its own; not a test. */
#include "table.h"

#include "interrupt.h"
#include "policy/policy.h"
#include "table/members_file.h"
#include "util/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 5
#define FILES_WANTED 16384

extern char **environ;

static const struct figure figures[FIGURE_IDS] = {
    [FIGURE_JOIN] = {"join", "a session's join and leave", "us", 200, {.count = 0}},
    [FIGURE_JOIN_RATE] = {"join-rate", "  of them in a second", "1/s", 0, {.count = 0}},
    [FIGURE_JOIN_100] = {"join-100", "100 processes, each its connection", "us", 0, {.count = 0}},
    [FIGURE_JOIN_100_RATE] = {"join-100-rate", "  of them in a second", "1/s", 0, {.count = 0}},
    [FIGURE_JOIN_100_ONE] = {"join-100-one", "100 processes on one connection", "us", 0,
	{.count = 0}},
    [FIGURE_JOIN_100_ONE_RATE] = {"join-100-one-rate", "  of them in a second", "1/s", 0,
	{.count = 0}},
    [FIGURE_JOIN_ROWS] = {"join-rows", "join and leave beside 255 siblings", "us", 200,
	{.count = 0}},
    [FIGURE_JOIN_FULL] = {"join-full", "join and leave beside 4000 connections", "us", 200,
	{.count = 0}},
    [FIGURE_ORDERS] = {"orders", "reading the orders anew, with 255 users' in force", "us", 0,
	{.count = 0}},
    [FIGURE_CLAIM] = {"claim", "a connection's beginning and end", "us", 0, {.count = 0}},
    [FIGURE_CLAIM_FULL] = {"claim-full", "the same beside 4000 others, the slowest of 500", "us", 0,
	{.count = 0}},
    [FIGURE_CLAIM_DEAD] = {"claim-dead", "the same after 4000 whose monitor died, the slowest",
	"us", 0, {.count = 0}},
    [FIGURE_LIST_JSON] = {"list-json", "list --json of 1000 connections, 4000 sessions", "ms", 100,
	{.count = 0}},
    [FIGURE_LIST] = {"list", "list of the same", "ms", 0, {.count = 0}},
    [FIGURE_TABLE_KIB] = {"table-kib", "the table", "KiB", 0, {.count = 0}},
    [FIGURE_MEMBERS_KIB] = {"members-kib", "the members file of 4 sessions", "KiB", 0,
	{.count = 0}},
    [FIGURE_DRAIN] = {"drain", "order to last exit, 1000 idle sessions", "ms", 2000, {.count = 0}},
    [FIGURE_CLOSE] = {"close", "  to the end of the command close", "ms", 0, {.count = 0}},
    [FIGURE_GONE] = {"gone", "  to the end of the last connection, linger 0", "ms", 0,
	{.count = 0}},
};

static const struct measurement {
	const char *name;
	int (*measure)(struct table_bench *bench);
} measurements[] = {
    {"join", join_measure},
    {"claim", claim_measure},
    {"list", list_measure},
    {"drain", drain_measure},
};

int table_bench_fail(struct table_bench *bench, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(bench->problem, sizeof(bench->problem), format, args);
	va_end(args);
	return error;
}

int connection_open(struct table_bench *bench, struct connection_ref *ref)
{
	struct connection description = {
	    .uid = geteuid(), .gid = getegid(), .opened_ns = clock_now_ns()};
	int rc;

	policy_set_defaults(&description.policy);
	description.policy.linger_ns = 0;
	snprintf(description.user, sizeof(description.user), "somebody");
	snprintf(description.address, sizeof(description.address), "192.0.2.1");
	rc = table_claim(&bench->table, bench->shmdir, &description, ref);
	if (rc != 0)
		return table_bench_fail(bench, rc, "no entry in the table: %s", strerror(-rc));
	rc = members_create(bench->shmdir, *ref, description.uid, description.gid);
	if (rc == 0)
		rc = table_publish(&bench->table, *ref);
	if (rc == 0)
		return 0;
	(void)table_release(&bench->table, *ref);
	return table_bench_fail(bench, rc, "members file: %s", strerror(-rc));
}

void connection_close(struct table_bench *bench, struct connection_ref ref)
{
	(void)table_begin_closing(&bench->table, ref);
	if (table_release(&bench->table, ref) == 0)
		members_remove(bench->shmdir, ref);
}

int control_run(struct table_bench *bench, const char *output, const char *const words[])
{
	const char *argv[16] = {bench->control, "--config", bench->config, "--rundir",
	    bench->rundir, "--shmdir", bench->shmdir};
	posix_spawn_file_actions_t actions;
	int status = 0, error;
	pid_t pid;

	for (int i = 0; words[i] != NULL; i++)
		argv[7 + i] = words[i];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(
	    &actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	error = posix_spawn(
	    &pid, bench->control, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0)
		return -error;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double median_of(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* Each session that is simulated is an open file. */
static void raise_file_limit(void)
{
	struct rlimit limit = {.rlim_cur = FILES_WANTED, .rlim_max = FILES_WANTED};

	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* The programs of the build in which this one stands (tests/bench/table). */
static int find_programs(struct table_bench *bench)
{
	char self[PLACE_MAX] = "";
	int len;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return -errno;
	for (int i = 0; i < 3; i++)
		(void)dirname(self);
	len = snprintf(bench->server, PLACE_MAX, "%.480s/sftp-server", self);
	if (len >= PLACE_MAX || access(bench->server, X_OK) != 0)
		return -ENOENT;
	snprintf(bench->control, PLACE_MAX, "%.480s/sftp-drain", self);
	return access(bench->control, X_OK) == 0 ? 0 : -ENOENT;
}

static int begin(struct table_bench *bench)
{
	char path[PATH_MAX];
	int rc = find_programs(bench);

	if (rc == 0)
		rc = place_make("/dev/shm", &bench->place);
	if (rc != 0)
		return rc;
	snprintf(
	    bench->config, PLACE_MAX, "%s", place_path(&bench->place, path, "sftp-drain.conf"));
	snprintf(bench->rundir, PLACE_MAX, "%s", place_path(&bench->place, path, "run"));
	snprintf(bench->shmdir, PLACE_MAX, "%s", place_path(&bench->place, path, "members"));
	return table_open_or_create(bench->rundir, &bench->table);
}

/* Returns whether nothing failed. */
static bool run(struct table_bench *bench, const char *only)
{
	bool good = true;

	for (size_t i = 0; i < sizeof(measurements) / sizeof(measurements[0]); i++) {
		if (only != NULL && strcmp(only, measurements[i].name) != 0)
			continue;
		for (unsigned round = 0; good && round < bench->rounds && !interrupt_seen();
		     round++)
			good = measurements[i].measure(bench) == 0;
		if (!good) {
			fprintf(stderr, "table: %s\n", bench->problem);
			break;
		}
	}
	return good;
}

static int usage(FILE *out, int status)
{
	fputs("usage: table [OPTION]...\n"
	      "  --only NAME   one of join, claim, list, drain\n"
	      "  --rounds N    of each (default: 5)\n"
	      "  --quick       one round of few: whether it works, not how fast it is\n"
	      "  --json FILE   writes the figures there too\n",
	    out);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"only", required_argument, NULL, 'o'},
	    {"rounds", required_argument, NULL, 'n'},
	    {"quick", no_argument, NULL, 'q'},
	    {"json", required_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	static struct table_bench bench = {.rounds = ROUNDS};
	const char *only = NULL, *json = NULL;
	int flag, rc;
	bool good;

	while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (flag == 'o')
			only = optarg;
		else if (flag == 'n')
			bench.rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (flag == 'q')
			bench.quick = true;
		else if (flag == 'j')
			json = optarg;
		else
			return flag == 'h' ? usage(stdout, 0) : usage(stderr, 2);
	}
	if (optind != argc || bench.rounds == 0 || bench.rounds > ROUNDS_MAX)
		return usage(stderr, 2);
	if (bench.quick)
		bench.rounds = 1;
	memcpy(bench.figures, figures, sizeof(figures));
	interrupt_init();
	raise_file_limit();
	rc = begin(&bench);
	if (rc != 0)
		fprintf(stderr, "table: cannot begin: %s\n", strerror(-rc));
	good = rc == 0 && run(&bench, only);
	figures_print(stdout, &bench);
	rc = json != NULL ? figures_write_json(json, &bench) : 0;
	if (rc != 0)
		fprintf(stderr, "table: %s: %s\n", json, strerror(-rc));
	table_close(&bench.table);
	place_remove(&bench.place);
	return good && rc == 0 ? 0 : 1;
}
