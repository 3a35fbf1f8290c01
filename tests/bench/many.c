/* bench: several sessions at once, each with a client of its own. */
#include "bulk.h"

#include "requests.h"
#include "util/clock.h"

#include <pthread.h>
#include <stdlib.h>

struct worker {
	struct client client;
	struct bulk bulk;
	char path[PATH_MAX];
	unsigned in_flight;
	pthread_t thread;
	pthread_barrier_t *start;
	uint64_t ended_ns;
	int rc;
};

static void *work(void *argument)
{
	struct worker *worker = argument;

	(void)pthread_barrier_wait(worker->start);
	worker->rc = bulk_move(&worker->client, &worker->bulk, worker->in_flight);
	worker->ended_ns = clock_now_ns();
	return NULL;
}

static int begin(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct worker *worker, unsigned session)
{
	int rc;

	worker->in_flight = scenario->in_flight;
	worker->bulk = bulk_of(bench, scenario, session);
	rc = bulk_prepare(bench, scenario, &worker->bulk, session, worker->path);
	if (rc != 0)
		return rc;
	rc = client_start(&worker->client, bench, side);
	if (rc == 0)
		rc = bulk_open(&worker->client, &worker->bulk, worker->path);
	return client_result(&worker->client, bench, side, rc);
}

/* Lets all begin at the same moment; returns how long the slowest took. */
static double run_all(struct worker *workers, unsigned count)
{
	pthread_barrier_t start;
	uint64_t started, ended = 0;

	pthread_barrier_init(&start, NULL, count + 1);
	for (unsigned i = 0; i < count; i++) {
		workers[i].start = &start;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			abort();
	}
	started = clock_now_ns();
	(void)pthread_barrier_wait(&start);
	for (unsigned i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].ended_ns > ended)
			ended = workers[i].ended_ns;
	}
	pthread_barrier_destroy(&start);
	return (double)(ended - started) / (double)NS_PER_S;
}

static int end(struct bench *bench, const struct side *side, struct worker *worker, double *cpu)
{
	int rc = worker->rc;

	if (rc == 0)
		rc = ask_close(&worker->client, &worker->bulk.handle);
	if (rc == 0)
		rc = client_finish(&worker->client, cpu);
	if (rc != 0)
		return client_result(&worker->client, bench, side, rc);
	return bulk_verify(bench, side, &worker->bulk, worker->path);
}

int bulk_run_many(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	unsigned count = scenario->sessions;
	struct worker *workers = calloc(count, sizeof(*workers));
	int rc = 0;

	if (workers == NULL)
		return bench_fail(bench, -1, "no memory");
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = begin(bench, scenario, side, &workers[i], i);
	if (rc == 0)
		out->seconds = run_all(workers, count);
	for (unsigned i = 0; i < count && rc == 0; i++) {
		rc = end(bench, side, &workers[i], &out->cpu);
		out->amount += (double)workers[i].bulk.count * workers[i].bulk.size;
	}
	for (unsigned i = 0; i < count; i++)
		client_abandon(&workers[i].client);
	free(workers);
	return rc;
}
