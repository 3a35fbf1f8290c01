/* bench: a file system that takes its time for each operation (slowfs.c), as one across a network does. */
#include "bulk.h"
#include "interrupt.h"
#include "names.h"
#include "util/clock.h"

#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define DELAY_US "5000"

static const uint64_t patience_ns = 10 * NS_PER_S;

/* The program stands beside this one. */
static int find_program(char out[PATH_MAX])
{
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return -errno;
	snprintf(out, PATH_MAX, "%.*s/slowfs", PATH_MAX - 8, dirname(self));
	return access(out, X_OK) == 0 ? 0 : -errno;
}

static bool is_mounted(struct bench *bench, const char *path)
{
	struct stat below, at;

	return stat(bench->large.path, &below) == 0 && stat(path, &at) == 0 &&
	       below.st_dev != at.st_dev;
}

/* Returns whether it came to be there. */
static bool await_mount(struct bench *bench, const char *path)
{
	uint64_t limit = clock_now_ns() + patience_ns;

	while (clock_now_ns() < limit && !interrupt_seen()) {
		if (is_mounted(bench, path))
			return true;
		if (waitpid(bench->slow_pid, NULL, WNOHANG) == bench->slow_pid) {
			bench->slow_pid = 0;
			return false;
		}
		clock_sleep_ns(10 * NS_PER_MS);
	}
	return false;
}

static int begin(struct bench *bench, char path[PATH_MAX])
{
	static char delay[] = DELAY_US;
	char program[PATH_MAX];
	char *const argv[] = {program, delay, path, NULL};

	place_path(&bench->large, path, "slow");
	if (bench->slow_pid != 0)
		return 0;
	if (find_program(program) != 0)
		return bench_fail(bench, BENCH_SKIPPED,
		    "slowfs was not built (it needs libfuse 3.2; Debian: libfuse3-dev)");
	if (access("/dev/fuse", R_OK | W_OK) != 0)
		return bench_fail(bench, BENCH_SKIPPED, "/dev/fuse: %s", strerror(errno));
	(void)mkdir(path, 0755);
	if (posix_spawn(&bench->slow_pid, program, NULL, NULL, argv, environ) != 0)
		return bench_fail(bench, -ECHILD, "cannot run %s", program);
	if (!await_mount(bench, path))
		return bench_fail(bench, BENCH_SKIPPED, "slowfs cannot be mounted");
	return 0;
}

void slow_end(struct bench *bench)
{
	char path[PATH_MAX];

	if (bench->slow_pid == 0)
		return;
	place_path(&bench->large, path, "slow");
	/* It unmounts itself; what it could not is taken away as soon as nobody uses it. */
	kill(bench->slow_pid, SIGTERM);
	(void)waitpid(bench->slow_pid, NULL, 0);
	if (is_mounted(bench, path))
		(void)umount2(path, MNT_DETACH);
	bench->slow_pid = 0;
}

int slow_run(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	struct bulk bulk;
	char directory[PATH_MAX], path[PATH_MAX + 8];
	int rc = begin(bench, directory);

	if (rc != 0)
		return rc;
	if (scenario->type != SFTP_READ)
		return names_session(bench, scenario, side, directory, out);
	bulk = bulk_of(bench, scenario, 0);
	snprintf(path, sizeof(path), "%s/source", directory);
	return bulk_session(bench, scenario, side, &bulk, path, out);
}
