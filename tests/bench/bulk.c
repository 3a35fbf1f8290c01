/* bench: one file read or written in blocks, many in flight. */
#include "bulk.h"

#include "content.h"
#include "requests.h"
#include "util/clock.h"

#include <string.h>
#include <sys/stat.h>

static uint64_t offset_of(const struct bulk *bulk, uint64_t number)
{
	uint64_t block = bulk->random ? content_random(number) : bulk->first + number;

	return block % bulk->blocks * bulk->size;
}

/* What is left of the slot's block. */
static int read_rest(struct client *client, struct slot *slot, const struct bulk *bulk)
{
	return send_read(
	    client, slot, &bulk->handle, slot->item + slot->done, bulk->size - slot->done);
}

static int read_step(struct client *client, struct slot *slot, struct reply *reply, void *context)
{
	struct bulk *bulk = context;
	uint32_t got;
	int rc;

	if (reply != NULL) {
		rc = expect_content(client, reply, bulk->phase + slot->item + slot->done,
		    bulk->size - slot->done, &got);
		if (rc != 0)
			return rc;
		slot->done += got;
		if (slot->done < bulk->size)
			return read_rest(client, slot, bulk);
	}
	if (bulk->next == bulk->count)
		return 0;
	slot->item = offset_of(bulk, bulk->next++);
	slot->done = 0;
	return read_rest(client, slot, bulk);
}

static int write_step(struct client *client, struct slot *slot, struct reply *reply, void *context)
{
	struct bulk *bulk = context;
	int rc = reply == NULL ? 0 : expect_ok(client, reply);
	uint64_t offset;

	if (rc != 0 || bulk->next == bulk->count)
		return rc;
	offset = offset_of(bulk, bulk->next++);
	return send_write(
	    client, slot, &bulk->handle, offset, content_at(bulk->phase + offset), bulk->size);
}

int bulk_open(struct client *client, struct bulk *bulk, const char *path)
{
	uint32_t flags =
	    bulk->type == SFTP_READ ? SFTP_FLAG_READ : SFTP_FLAG_WRITE | SFTP_FLAG_CREAT;

	return ask_open(client, path, flags, &bulk->handle);
}

int bulk_move(struct client *client, struct bulk *bulk, unsigned in_flight)
{
	const struct job job = {
	    .step = bulk->type == SFTP_READ ? read_step : write_step,
	    .context = bulk,
	    .in_flight = in_flight,
	};

	return client_run(client, &job);
}

struct bulk bulk_of(struct bench *bench, const struct scenario *scenario, unsigned session)
{
	struct bulk bulk = {
	    .type = scenario->type,
	    .random = scenario->random,
	    .size = scenario->size,
	    .blocks = BULK_FILE_BYTES / scenario->size,
	    .count = scenario_work(bench, scenario),
	};

	if (scenario->type == SFTP_READ) {
		bulk.first = bulk.blocks / (scenario->sessions + 1) * session;
	} else {
		bulk.phase = bench->phase += 7919;
		/* So that all of the file is written. */
		if (bulk.blocks > bulk.count)
			bulk.blocks = bulk.count;
	}
	return bulk;
}

int bulk_prepare(struct bench *bench, const struct scenario *scenario, const struct bulk *bulk,
    unsigned session, char path[PATH_MAX])
{
	uint64_t size = BULK_FILE_BYTES;
	struct stat st;
	int rc;

	if (bulk->type == SFTP_READ) {
		place_path(&bench->large, path, "source");
	} else {
		place_path(&bench->large, path, "%s-%u", scenario->name, session);
		size = bulk->blocks * bulk->size;
	}
	if (stat(path, &st) == 0)
		return 0;
	rc = place_write(path, size, 0);
	return rc == 0 ? 0 : bench_fail(bench, rc, "cannot make %s: %s", path, strerror(-rc));
}

int bulk_verify(
    struct bench *bench, const struct side *side, const struct bulk *bulk, const char *path)
{
	int rc = 0;

	if (bulk->type == SFTP_WRITE)
		rc = place_verify(path, bulk->blocks * bulk->size, bulk->phase);
	return rc == 0 ? 0
		       : bench_fail(bench, rc, "%s: %s is not what was written: %s", side->text,
			     path, strerror(-rc));
}

int bulk_session(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct bulk *bulk, const char *path, struct sample *out)
{
	struct client client;
	uint64_t started;
	int rc = client_start(&client, bench, side);

	if (rc == 0)
		rc = bulk_open(&client, bulk, path);
	started = clock_now_ns();
	if (rc == 0)
		rc = bulk_move(&client, bulk, scenario->in_flight);
	out->seconds = (double)(clock_now_ns() - started) / (double)NS_PER_S;
	out->amount = (double)bulk->count * (scenario->unit == UNIT_MIB_S ? bulk->size : 1);
	if (rc == 0)
		rc = ask_close(&client, &bulk->handle);
	if (rc == 0)
		rc = client_finish(&client, &out->cpu);
	return client_result(&client, bench, side, rc);
}

int bulk_run(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	struct bulk bulk = bulk_of(bench, scenario, 0);
	char path[PATH_MAX];
	int rc = bulk_prepare(bench, scenario, &bulk, 0, path);

	if (rc == 0)
		rc = bulk_session(bench, scenario, side, &bulk, path, out);
	return rc == 0 ? bulk_verify(bench, side, &bulk, path) : rc;
}
