/* bench: requests about names: STAT, LSTAT, REALPATH; and FSTAT. */
#include "names.h"

#include "client.h"
#include "requests.h"
#include "util/clock.h"

#include <string.h>
#include <sys/stat.h>

struct names {
	uint8_t type;
	const char *directory;
	uint64_t count, next;
	struct handle handle; /* for FSTAT */
	uint64_t size;        /* of its file */
};

static void path_of(const struct names *names, uint64_t number, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/name-%06llu", names->directory, (unsigned long long)number);
}

/* One name, which is the path itself: there is no symbolic link in it. */
static int expect_name(struct client *client, struct reply *reply, const char *path)
{
	struct wire_span name;

	if (reply->type != SFTP_NAME || wire_get_u32(&reply->body) != 1)
		return client_fail(client, "REALPATH was not answered with one name");
	name = wire_get_string(&reply->body);
	if (reply->body.failed || name.len != strlen(path) ||
	    memcmp(name.data, path, name.len) != 0)
		return client_fail(client, "a wrong path for %s", path);
	return 0;
}

static int names_step(struct client *client, struct slot *slot, struct reply *reply, void *context)
{
	struct names *names = context;
	char path[PATH_MAX];
	int rc = 0;

	path_of(names, slot->item, path);
	if (reply != NULL && names->type == SFTP_REALPATH)
		rc = expect_name(client, reply, path);
	else if (reply != NULL)
		rc = expect_attrs(client, reply, slot->item);
	if (rc != 0 || names->next == names->count)
		return rc;
	slot->item = names->next++ % NAMES_COUNT;
	path_of(names, slot->item, path);
	return send_path(client, slot, names->type, path);
}

static int fstat_step(struct client *client, struct slot *slot, struct reply *reply, void *context)
{
	struct names *names = context;
	int rc = reply == NULL ? 0 : expect_attrs(client, reply, names->size);

	if (rc != 0 || names->next == names->count)
		return rc;
	names->next++;
	return send_handle(client, slot, SFTP_FSTAT, &names->handle);
}

static int measure(struct client *client, const struct job *job, double *seconds)
{
	uint64_t started = clock_now_ns();
	int rc = client_run(client, job);

	*seconds = (double)(clock_now_ns() - started) / (double)NS_PER_S;
	return rc;
}

/* Where the names are.  Names are as long as on a host where directories are nested. */
static int prepare(struct bench *bench, char directory[PATH_MAX])
{
	char path[PATH_MAX];
	int rc;

	(void)mkdir(place_path(&bench->small, path, "names"), 0755);
	(void)mkdir(place_path(&bench->small, path, "names/of"), 0755);
	place_path(&bench->small, directory, "names/of/files");
	rc = place_fill(directory, NAMES_COUNT, 1);
	return rc == 0 ? 0 : bench_fail(bench, rc, "cannot make %s: %s", directory, strerror(-rc));
}

int names_session(struct bench *bench, const struct scenario *scenario, const struct side *side,
    const char *directory, struct sample *out)
{
	struct names names = {.type = scenario->type,
	    .directory = directory,
	    .count = scenario_work(bench, scenario)};
	const struct job job = {
	    .step = names_step, .context = &names, .in_flight = scenario->in_flight};
	struct client client;
	int rc = client_start(&client, bench, side);

	if (rc == 0)
		rc = measure(&client, &job, &out->seconds);
	out->amount = (double)names.count;
	if (rc == 0)
		rc = client_finish(&client, &out->cpu);
	return client_result(&client, bench, side, rc);
}

int names_run(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	char directory[PATH_MAX];
	int rc = prepare(bench, directory);

	return rc == 0 ? names_session(bench, scenario, side, directory, out) : rc;
}

int fstat_run(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	char directory[PATH_MAX], path[PATH_MAX];
	struct names names = {.directory = directory,
	    .count = scenario_work(bench, scenario),
	    .size = NAMES_COUNT - 1};
	const struct job job = {
	    .step = fstat_step, .context = &names, .in_flight = scenario->in_flight};
	struct client client;
	int rc = prepare(bench, directory);

	if (rc != 0)
		return rc;
	path_of(&names, names.size, path);
	rc = client_start(&client, bench, side);
	if (rc == 0)
		rc = ask_open(&client, path, SFTP_FLAG_READ, &names.handle);
	if (rc == 0)
		rc = measure(&client, &job, &out->seconds);
	out->amount = (double)names.count;
	if (rc == 0)
		rc = client_finish(&client, &out->cpu);
	return client_result(&client, bench, side, rc);
}
