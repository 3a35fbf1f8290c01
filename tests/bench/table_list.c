/* bench: what the operator waits for: the list of a thousand connections with four sessions each, which
 * have a file open; and the memory that they take.  The sessions are this process's. */
#include "table.h"

#include "table/members.h"
#include "util/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONNECTIONS 1000
#define SESSIONS 4

struct crowd {
	struct connection_ref refs[CONNECTIONS];
	struct membership sessions[CONNECTIONS * SESSIONS];
	int connections, joined;
};

static int join(struct table_bench *bench, struct crowd *crowd, struct connection_ref ref)
{
	struct membership *membership = &crowd->sessions[crowd->joined];
	struct file_row *file;
	char path[64];
	int rc = members_open(bench->shmdir, ref, membership);

	if (rc != 0)
		return table_bench_fail(bench, rc, "list: members file: %s", strerror(-rc));
	crowd->joined++;
	rc = members_join(membership);
	if (rc != 0)
		return table_bench_fail(bench, rc, "list: join: %s", strerror(-rc));
	members_row(membership)->state = MEMBER_ACTIVE;
	snprintf(path, sizeof(path), "/srv/data/of-session-%d", crowd->joined);
	file = members_file_begin(membership, path, FILE_WRITE);
	file->offset = file->size = (uint64_t)crowd->joined << 20;
	return 0;
}

static int gather(struct table_bench *bench, struct crowd *crowd)
{
	int rc = 0;

	while (rc == 0 && crowd->connections < CONNECTIONS) {
		struct connection_ref ref;

		rc = connection_open(bench, &ref);
		if (rc == 0)
			crowd->refs[crowd->connections++] = ref;
		for (int i = 0; rc == 0 && i < SESSIONS; i++)
			rc = join(bench, crowd, ref);
	}
	return rc;
}

static void scatter(struct table_bench *bench, struct crowd *crowd)
{
	while (crowd->joined > 0) {
		struct membership *membership = &crowd->sessions[--crowd->joined];

		(void)members_leave(membership, END_CLEAN);
		members_close(membership);
	}
	while (crowd->connections > 0)
		connection_close(bench, crowd->refs[--crowd->connections]);
}

/* How often a word stands in a file, line by line. */
static int count_lines(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	char line[4096];
	int count = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		count += strstr(line, word) != NULL;
	if (file != NULL)
		fclose(file);
	return count;
}

static int list(struct table_bench *bench, bool json, enum figure_id id, const char *word)
{
	const char *const words[] = {"list", json ? "--json" : NULL, NULL};
	char output[PATH_MAX];
	uint64_t started;
	int status;

	place_path(&bench->place, output, "listing");
	started = clock_now_ns();
	status = control_run(bench, output, words);
	if (status != 0)
		return table_bench_fail(bench, -EIO, "list: the command ended with %d", status);
	series_add(&bench->figures[id].series, (double)(clock_now_ns() - started) / 1e6);
	if (count_lines(output, word) != CONNECTIONS * SESSIONS)
		return table_bench_fail(bench, -EIO, "list: it does not show every session");
	return 0;
}

/* What a file takes, in KiB. */
static double kib_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (double)st.st_blocks / 2 : -1;
}

static void measure_memory(struct table_bench *bench, const struct crowd *crowd)
{
	char path[PATH_MAX], name[CONNECTION_REF_TEXT_MAX];

	snprintf(path, sizeof(path), "%s/table", bench->rundir);
	series_add(&bench->figures[FIGURE_TABLE_KIB].series, kib_of(path));
	snprintf(path, sizeof(path), "%s/%s", bench->shmdir,
	    connection_ref_format(crowd->refs[0], name));
	series_add(&bench->figures[FIGURE_MEMBERS_KIB].series, kib_of(path));
}

int list_measure(struct table_bench *bench)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	int rc = crowd == NULL ? table_bench_fail(bench, -ENOMEM, "list: no memory")
			       : gather(bench, crowd);

	if (rc == 0)
		rc = list(bench, true, FIGURE_LIST_JSON, "\"pid\":");
	if (rc == 0)
		rc = list(bench, false, FIGURE_LIST, "of-session-");
	if (rc == 0)
		measure_memory(bench, crowd);
	if (crowd != NULL)
		scatter(bench, crowd);
	free(crowd);
	return rc;
}
