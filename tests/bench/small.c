/* bench: many small files put or got: each is opened, moved by one request and closed. */
#include "client.h"
#include "content.h"
#include "requests.h"
#include "util/clock.h"

#include <string.h>
#include <sys/stat.h>

struct small {
	uint8_t type; /* SFTP_READ or SFTP_WRITE */
	const char *directory;
	uint32_t size;
	uint64_t count, next;
	uint64_t phase; /* of the first file */
};

enum stage { OPENED, MOVED, CLOSED };

/* Every file has a content of its own. */
static uint64_t phase_of(const struct small *small, uint64_t number)
{
	return small->phase + number * 4099;
}

static void path_of(const struct small *small, uint64_t number, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/file-%05llu", small->directory, (unsigned long long)number);
}

static int open_next(struct client *client, struct slot *slot, struct small *small)
{
	uint32_t flags = small->type == SFTP_READ
			     ? SFTP_FLAG_READ
			     : SFTP_FLAG_WRITE | SFTP_FLAG_CREAT | SFTP_FLAG_TRUNC;
	char path[PATH_MAX];

	if (small->next == small->count)
		return 0;
	slot->item = small->next++;
	slot->stage = OPENED;
	path_of(small, slot->item, path);
	return send_open(client, slot, path, flags);
}

static int move(struct client *client, struct slot *slot, struct reply *reply, struct small *small)
{
	int rc = expect_handle(client, reply, &slot->handle);

	if (rc != 0)
		return rc;
	slot->stage = MOVED;
	if (small->type == SFTP_READ)
		return send_read(client, slot, &slot->handle, 0, small->size);
	return send_write(
	    client, slot, &slot->handle, 0, content_at(phase_of(small, slot->item)), small->size);
}

static int finish(
    struct client *client, struct slot *slot, struct reply *reply, struct small *small)
{
	uint32_t got = small->size;
	int rc;

	if (small->type == SFTP_READ)
		rc = expect_content(client, reply, phase_of(small, slot->item), small->size, &got);
	else
		rc = expect_ok(client, reply);
	if (rc != 0)
		return rc;
	if (got != small->size)
		return client_fail(client, "a file is too short");
	slot->stage = CLOSED;
	return send_handle(client, slot, SFTP_CLOSE, &slot->handle);
}

static int step(struct client *client, struct slot *slot, struct reply *reply, void *context)
{
	struct small *small = context;
	int rc = 0;

	if (reply != NULL && slot->stage == OPENED)
		return move(client, slot, reply, small);
	if (reply != NULL && slot->stage == MOVED)
		return finish(client, slot, reply, small);
	if (reply != NULL)
		rc = expect_ok(client, reply);
	return rc == 0 ? open_next(client, slot, small) : rc;
}

/* For reading: the files.  For writing: an empty directory. */
static int prepare(struct bench *bench, const struct small *small)
{
	char path[PATH_MAX];
	struct stat st;
	int rc = 0;

	if (small->type == SFTP_READ && stat(small->directory, &st) == 0)
		return 0;
	place_remove_tree(small->directory);
	(void)mkdir(small->directory, 0755);
	for (uint64_t i = 0; rc == 0 && small->type == SFTP_READ && i < small->count; i++) {
		path_of(small, i, path);
		rc = place_write(path, small->size, phase_of(small, i));
	}
	return rc == 0 ? 0 : bench_fail(bench, rc, "cannot make %s: %s", path, strerror(-rc));
}

/* What was put is there; then away with it. */
static int verify(struct bench *bench, const struct side *side, const struct small *small)
{
	char path[PATH_MAX];
	int rc = 0;

	if (small->type == SFTP_READ)
		return 0;
	for (uint64_t i = 0; rc == 0 && i < small->count; i++) {
		path_of(small, i, path);
		rc = place_verify(path, small->size, phase_of(small, i));
	}
	place_remove_tree(small->directory);
	return rc == 0 ? 0
		       : bench_fail(bench, rc, "%s: %s is not what was written: %s", side->text,
			     path, strerror(-rc));
}

int small_run(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	char directory[PATH_MAX];
	struct small small = {
	    .type = scenario->type,
	    .directory = place_path(&bench->small, directory, "small-%u", scenario->type),
	    .size = scenario->size,
	    .count = scenario_work(bench, scenario),
	    .phase = scenario->type == SFTP_READ ? 0 : (bench->phase += 7919),
	};
	const struct job job = {.step = step, .context = &small, .in_flight = scenario->in_flight};
	struct client client;
	uint64_t started;
	int rc = prepare(bench, &small);

	if (rc != 0)
		return rc;
	rc = client_start(&client, bench, side);
	started = clock_now_ns();
	if (rc == 0)
		rc = client_run(&client, &job);
	out->seconds = (double)(clock_now_ns() - started) / (double)NS_PER_S;
	out->amount = (double)small.count;
	if (rc == 0)
		rc = client_finish(&client, &out->cpu);
	if (rc != 0)
		return client_result(&client, bench, side, rc);
	return verify(bench, side, &small);
}
