/* bench: what a login and its end cost the PAM module in the table: with it empty, nearly full of the
 * living, and full of the dead. */
#include "table.h"

#include "util/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CYCLES 500
#define OTHERS 4000

/* The median of the cycles, or the slowest. */
static int measure(struct table_bench *bench, enum figure_id id, size_t cycles, bool slowest)
{
	static double took[CYCLES];
	struct connection_ref ref;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < cycles; i++) {
		uint64_t started = clock_now_ns();

		rc = connection_open(bench, &ref);
		if (rc == 0)
			connection_close(bench, ref);
		took[i] = (double)(clock_now_ns() - started) / 1e3;
	}
	if (rc == 0) {
		double median = median_of(took, cycles);

		series_add(&bench->figures[id].series, slowest ? took[cycles - 1] : median);
	}
	return rc;
}

static int open_many(struct table_bench *bench, struct connection_ref *refs, int *opened)
{
	int rc = 0;

	for (*opened = 0; rc == 0 && *opened < OTHERS; *opened += rc == 0)
		rc = connection_open(bench, &refs[*opened]);
	return rc;
}

/* Entries whose monitor was killed: as many as before, of a process that ends without a word. */
static int leave_dead(struct table_bench *bench, struct connection_ref *refs)
{
	pid_t child = fork();
	int status, opened;

	if (child == 0)
		_exit(open_many(bench, refs, &opened) == 0 ? 0 : 1);
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return table_bench_fail(bench, -EIO, "claim: no entries of the dead");
	return 0;
}

static void reap_all(struct table_bench *bench)
{
	for (uint32_t slot = 0; slot < bench->table.header->capacity; slot++)
		(void)table_reap(&bench->table, bench->shmdir, slot);
}

int claim_measure(struct table_bench *bench)
{
	struct connection_ref *refs = calloc(OTHERS, sizeof(*refs));
	size_t cycles = bench->quick ? CYCLES / 20 : CYCLES;
	int opened = 0, rc = refs == NULL ? -ENOMEM : 0;

	if (rc == 0)
		rc = measure(bench, FIGURE_CLAIM, cycles, false);
	if (rc == 0)
		rc = open_many(bench, refs, &opened);
	if (rc == 0)
		rc = measure(bench, FIGURE_CLAIM_FULL, cycles, true);
	while (opened > 0)
		connection_close(bench, refs[--opened]);
	if (rc == 0)
		rc = leave_dead(bench, refs);
	if (rc == 0)
		rc = measure(bench, FIGURE_CLAIM_DEAD, cycles, true);
	reap_all(bench);
	free(refs);
	return rc;
}
