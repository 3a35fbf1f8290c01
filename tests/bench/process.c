/* bench: what a server costs as a process: its start, and its memory while it does nothing. */
#include "client.h"
#include "requests.h"
#include "util/clock.h"

#include <stdlib.h>
#include <string.h>

int spawn_run(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	uint64_t count = scenario_work(bench, scenario);
	struct client client;
	int rc = 0;

	for (uint64_t i = 0; rc == 0 && i < count; i++) {
		uint64_t started = clock_now_ns();

		rc = client_start(&client, bench, side);
		out->seconds += (double)(clock_now_ns() - started) / (double)NS_PER_S;
		if (rc == 0)
			rc = client_finish(&client, &out->cpu);
		rc = client_result(&client, bench, side, rc);
	}
	out->amount = (double)count;
	return rc;
}

/* A process's share of the memory that it uses, in KiB (proc(5), smaps_rollup), or negative. */
static double read_pss(pid_t pid)
{
	char path[64], line[256];
	double kib = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	while (kib < 0 && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "Pss:", 4) == 0)
			kib = strtod(line + 4, NULL);
	}
	fclose(file);
	return kib;
}

/* As far as every client goes before it has something to do. */
static int begin_idle(struct client *client, struct bench *bench, const struct side *side)
{
	struct slot *slot = &client->slots[0];
	struct reply reply;
	int rc = client_start(client, bench, side);

	if (rc == 0)
		rc = send_path(client, slot, SFTP_REALPATH, ".");
	if (rc == 0)
		rc = client_receive(client, &slot, &reply);
	if (rc == 0 && reply.type != SFTP_NAME)
		rc = client_fail(client, "REALPATH was not answered with a name");
	return client_result(client, bench, side, rc);
}

int memory_run(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	unsigned count = scenario->sessions;
	struct client *clients = calloc(count, sizeof(*clients));
	double pss, sum = 0, cpu = 0;
	int rc = clients == NULL ? bench_fail(bench, -1, "no memory") : 0;

	for (unsigned i = 0; rc == 0 && i < count; i++)
		rc = begin_idle(&clients[i], bench, side);
	for (unsigned i = 0; rc == 0 && i < count; i++) {
		pss = read_pss(clients[i].server.pid);
		if (pss < 0)
			rc = bench_fail(
			    bench, BENCH_SKIPPED, "smaps_rollup of a server cannot be read");
		sum += pss;
	}
	for (unsigned i = 0; rc == 0 && i < count; i++)
		rc = client_result(&clients[i], bench, side, client_finish(&clients[i], &cpu));
	for (unsigned i = 0; clients != NULL && i < count; i++)
		client_abandon(&clients[i]);
	free(clients);
	*out = (struct sample){.amount = sum / count, .cpu = -1};
	return rc;
}
