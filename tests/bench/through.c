/* bench: through a real sshd with the stock client.  A script does it (through_sshd.sh); this asks it for
 * one transfer after the other, by lines. */
#include "codec/sftp.h"
#include "interrupt.h"
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define FILE_MIB 1024
#define QUICK_FILE_MIB 128

struct script {
	pid_t pid;
	FILE *ask, *answer;
	unsigned mib;
};

static int spawn_script(char *const argv[], const int ends[2], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	error = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* Where there is room for the source, its part and what arrives: in memory if there is enough, for a disk
 * that writes them back meanwhile would be measured too. */
static char *choose_place(struct bench *bench, unsigned mib)
{
	struct statvfs fs;

	if (statvfs(bench->small.path, &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize >= UINT64_C(4) * mib * 1024 * 1024)
		return bench->small.path;
	return bench->large.path;
}

static int start_script(struct bench *bench, struct script *script)
{
	static char shell[] = "bash", path[] = BENCH_SOURCES "/through_sshd.sh";
	char mib[16], build[PATH_MAX] = "";
	char *argv[] = {shell, path, build, choose_place(bench, script->mib), mib,
	    (char *)(uintptr_t)bench->sides[0].text, (char *)(uintptr_t)bench->sides[1].text, NULL};
	int asks[2], answers[2], rc;

	/* This program is tests/bench/sftp of the build. */
	if (readlink("/proc/self/exe", build, sizeof(build) - 1) < 0)
		return -errno;
	for (int i = 0; i < 3; i++)
		(void)dirname(build);
	snprintf(mib, sizeof(mib), "%u", script->mib);
	if (pipe2(asks, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0)
		return -errno;
	rc = spawn_script(argv, (const int[2]){asks[0], answers[1]}, &script->pid);
	close(asks[0]);
	close(answers[1]);
	script->ask = fdopen(asks[1], "w");
	script->answer = fdopen(answers[0], "r");
	if (script->ask == NULL || script->answer == NULL)
		return -ENOMEM;
	return rc;
}

/* One line: "ok SECONDS", "skip WHY" or "error WHY". */
static int read_answer(struct bench *bench, struct script *script, double *seconds)
{
	char line[PROBLEM_MAX] = "";

	if (fgets(line, sizeof(line), script->answer) == NULL)
		return bench_fail(bench, -EIO, "%s",
		    interrupt_seen() ? "interrupted" : "through_sshd.sh has ended");
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "skip ", 5) == 0)
		return bench_fail(bench, BENCH_SKIPPED, "%s", line + 5);
	if (strncmp(line, "ok", 2) != 0)
		return bench_fail(bench, -EIO, "%s", line);
	*seconds = strtod(line + 2, NULL);
	return 0;
}

static int begin(struct bench *bench)
{
	struct script *script;
	double unused;
	int rc;

	if (bench->sshd != NULL)
		return 0;
	bench->sshd = script = calloc(1, sizeof(*script));
	if (script == NULL)
		return bench_fail(bench, -ENOMEM, "no memory");
	script->mib = bench->quick ? QUICK_FILE_MIB : FILE_MIB;
	rc = start_script(bench, script);
	if (rc != 0)
		return bench_fail(bench, rc, "cannot run through_sshd.sh: %s", strerror(-rc));
	return read_answer(bench, script, &unused);
}

void through_end(struct bench *bench)
{
	struct script *script = bench->sshd;

	if (script == NULL)
		return;
	if (script->ask != NULL)
		fclose(script->ask);
	if (script->pid > 0)
		(void)waitpid(script->pid, NULL, 0);
	if (script->answer != NULL)
		fclose(script->answer);
	free(script);
	bench->sshd = NULL;
}

int through_run(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	int rc = begin(bench);

	if (rc == 0) {
		fprintf(bench->sshd->ask, "%s %c %u\n", scenario->type == SFTP_READ ? "get" : "put",
		    side->letter, scenario->sessions);
		fflush(bench->sshd->ask);
		rc = read_answer(bench, bench->sshd, &out->seconds);
	}
	out->cpu = -1;
	if (bench->sshd != NULL)
		out->amount = (double)bench->sshd->mib * 1024 * 1024;
	/* So that the next scenario finds out for itself. */
	if (rc != 0)
		through_end(bench);
	return rc;
}
