/* bench: compares two SFTP servers over pipes, as sshd drives them; the command line.
 * Exits with 1 when a server fails or a byte is wrong, never because something is slow. */
#include "bench.h"
#include "content.h"
#include "interrupt.h"
#include "report.h"
#include "server.h"

#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS 5
#define QUICK_ROUNDS 2
#define PLACES " --config %c --rundir %r --shmdir %s"

/* Making small files costs a disk's file system more than a server: they lie in memory. */
static const char memory_dir[] = "/dev/shm";

enum { OPTION_SERVER = 256, OPTION_AGAINST, OPTION_JSON, OPTION_DIR, OPTION_HELP };

static const struct option long_options[] = {
    {"server", required_argument, NULL, OPTION_SERVER},
    {"against", required_argument, NULL, OPTION_AGAINST},
    {"rounds", required_argument, NULL, 'n'},
    {"only", required_argument, NULL, 'o'},
    {"list", no_argument, NULL, 'l'},
    {"dir", required_argument, NULL, OPTION_DIR},
    {"quick", no_argument, NULL, 'q'},
    {"json", required_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

struct choices {
	const char *server, *against, *only, *json, *large_dir, *small_dir;
	unsigned long rounds;
	bool list, quick;
};

int bench_fail(struct bench *bench, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(bench->problem, sizeof(bench->problem), format, args);
	va_end(args);
	return error;
}

static int usage(FILE *out, int status)
{
	fputs("usage: sftp [OPTION]...\n"
	      "  --server COMMAND   A; the words %c, %r and %s become a configuration file, the\n"
	      "                     directory of a session table and that of the members files\n"
	      "                     (default: BUILD/sftp-server" PLACES ")\n"
	      "  --against COMMAND  B (default: /usr/lib/openssh/sftp-server)\n"
	      "  --rounds N         of each (default: 5; quick: 2)\n"
	      "  --only PATTERN     scenarios whose name matches, as of files; several by commas\n"
	      "  --list             says what scenarios there are\n"
	      "  --dir SCRATCH      where files are made (default: $TMPDIR or /tmp, and\n"
	      "                     /dev/shm for small ones)\n"
	      "  --quick            a few seconds: whether it works, not how fast it is\n"
	      "  --json FILE        writes the results there too\n",
	    out);
	return status;
}

static bool is_chosen(const struct choices *choices, const struct scenario *scenario)
{
	char *patterns, *rest = NULL;
	bool chosen = false;

	if (choices->only == NULL)
		return true;
	patterns = strdup(choices->only);
	for (char *one = patterns == NULL ? NULL : strtok_r(patterns, ",", &rest); one != NULL;
	     one = strtok_r(NULL, ",", &rest))
		chosen = chosen || fnmatch(one, scenario->name, 0) == 0;
	free(patterns);
	return chosen;
}

static void list_scenarios(const struct choices *choices)
{
	for (size_t i = 0; i < scenario_count; i++) {
		if (is_chosen(choices, &scenarios[i]))
			printf("%-16s %s\n", scenarios[i].name, scenarios[i].title);
	}
}

/* Returns 0 or a negative errno. */
static int parse(int argc, char **argv, struct choices *out, bool *help)
{
	int flag;

	while ((flag = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (flag) {
		case OPTION_SERVER:
			out->server = optarg;
			break;
		case OPTION_AGAINST:
			out->against = optarg;
			break;
		case OPTION_JSON:
			out->json = optarg;
			break;
		case OPTION_DIR:
			out->large_dir = out->small_dir = optarg;
			break;
		case 'n':
			out->rounds = strtoul(optarg, NULL, 10);
			break;
		case 'o':
			out->only = optarg;
			break;
		case 'l':
			out->list = true;
			break;
		case 'q':
			out->quick = true;
			break;
		case OPTION_HELP:
			*help = true;
			break;
		default:
			return -EINVAL;
		}
	}
	return optind == argc && out->rounds <= ROUNDS_MAX ? 0 : -EINVAL;
}

/* The server of the build in which this program stands (tests/bench/sftp). */
static const char *built_server(void)
{
	static char command[PATH_MAX + 64];
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return "sftp-server" PLACES;
	for (int i = 0; i < 3; i++)
		(void)dirname(self);
	snprintf(command, sizeof(command), "%s/sftp-server%s", self, PLACES);
	return command;
}

/* A hundred servers are three hundred pipes. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool make_place(const char *parent, struct place *out)
{
	int rc = place_make(parent, out);

	if (rc != 0)
		fprintf(stderr, "sftp: %s: %s\n", parent, strerror(-rc));
	return rc == 0;
}

static int begin(struct bench *bench, const struct choices *choices)
{
	const char *commands[SIDES] = {choices->server, choices->against};

	if (!make_place(choices->large_dir, &bench->large) ||
	    !make_place(choices->small_dir, &bench->small))
		return -1;
	membership_make(&bench->large, &bench->membership);
	if (bench->membership.registered != 0)
		fprintf(stderr, "sftp: no connection for the servers to join: %s\n",
		    strerror(-bench->membership.registered));
	for (int i = 0; i < SIDES; i++) {
		bench->sides[i] = (struct side){.letter = (char)('A' + i),
		    .text = commands[i],
		    .argv = server_command(commands[i], &bench->membership)};
		if (bench->sides[i].argv == NULL || bench->sides[i].argv[0] == NULL)
			return -EINVAL;
	}
	return 0;
}

static void end(struct bench *bench)
{
	slow_end(bench);
	through_end(bench);
	membership_remove(&bench->membership);
	place_remove(&bench->small);
	place_remove(&bench->large);
	for (int i = 0; i < SIDES; i++)
		server_command_free(bench->sides[i].argv);
}

/* Returns whether no server failed. */
static bool run_all(struct bench *bench, const struct choices *choices)
{
	struct outcome *outcomes = calloc(scenario_count, sizeof(*outcomes));
	bool good = outcomes != NULL;
	size_t count = 0;
	int rc;

	report_begin(stdout, bench);
	for (size_t i = 0; outcomes != NULL && i < scenario_count && !interrupt_seen(); i++) {
		if (!is_chosen(choices, &scenarios[i]))
			continue;
		run_scenario(bench, &scenarios[i], &outcomes[count]);
		report_row(stdout, &outcomes[count]);
		good = good && outcomes[count].status >= 0;
		count++;
	}
	report_end(stdout, outcomes, count);
	if (choices->json != NULL) {
		rc = report_json(choices->json, bench, outcomes, count);
		if (rc != 0)
			fprintf(stderr, "sftp: %s: %s\n", choices->json, strerror(-rc));
		good = good && rc == 0;
	}
	free(outcomes);
	return good;
}

int main(int argc, char **argv)
{
	static struct bench bench;
	const char *tmp = getenv("TMPDIR");
	struct choices choices = {.server = built_server(),
	    .against = "/usr/lib/openssh/sftp-server",
	    .large_dir = tmp == NULL ? "/tmp" : tmp};
	bool help = false, good;

	choices.small_dir = access(memory_dir, W_OK) == 0 ? memory_dir : choices.large_dir;
	if (parse(argc, argv, &choices, &help) != 0)
		return usage(stderr, 2);
	if (help)
		return usage(stdout, 0);
	if (choices.list) {
		list_scenarios(&choices);
		return 0;
	}
	bench.quick = choices.quick;
	bench.rounds = (unsigned)choices.rounds;
	if (bench.rounds == 0)
		bench.rounds = bench.quick ? QUICK_ROUNDS : ROUNDS;
	content_init();
	interrupt_init();
	raise_file_limit();
	good = begin(&bench, &choices) == 0 && run_all(&bench, &choices);
	end(&bench);
	return good ? 0 : 1;
}
