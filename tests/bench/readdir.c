/* bench: a large directory listed, one READDIR at a time as clients do. */
#include "client.h"
#include "requests.h"
#include "util/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	uint64_t count; /* of names that are there */
	uint64_t found;
	unsigned dots;
	uint8_t *seen;  /* one for each */
	char line[128]; /* of ls -l, without the name: the same for all */
	size_t line_len;
};

/* The number in "name-NUMBER", or count. */
static uint64_t number_of(const struct listing *listing, struct wire_span name)
{
	static const char prefix[] = "name-";
	const size_t len = sizeof(prefix) - 1;
	uint64_t number = 0;

	if (name.len != len + 6 || memcmp(name.data, prefix, len) != 0)
		return listing->count;
	for (size_t i = len; i < name.len; i++) {
		if (!isdigit(name.data[i]))
			return listing->count;
		number = number * 10 + (uint64_t)(name.data[i] - '0');
	}
	return number < listing->count ? number : listing->count;
}

/* Whether a line is that of the others.  The first one decides. */
static bool line_is_like_others(
    struct listing *listing, struct wire_span line, struct wire_span name)
{
	size_t len = line.len - name.len;

	if (listing->found == 0 && len <= sizeof(listing->line)) {
		memcpy(listing->line, line.data, len);
		listing->line_len = len;
	}
	return len == listing->line_len && memcmp(line.data, listing->line, len) == 0;
}

/* One name, once, with its attributes, and at the end of what ls -l would say. */
static int take_name(struct client *client, struct reply *reply, struct listing *listing)
{
	struct wire_span name = wire_get_string(&reply->body);
	struct wire_span line = wire_get_string(&reply->body);
	struct attrs attrs;
	uint64_t number;

	attrs_get(&reply->body, &attrs);
	if (reply->body.failed || name.len == 0 || line.len < name.len ||
	    memcmp(line.data + line.len - name.len, name.data, name.len) != 0)
		return client_fail(client, "a malformed name");
	if (name.len <= 2 && name.data[0] == '.') {
		listing->dots++;
		return 0;
	}
	number = number_of(listing, name);
	if (number == listing->count || listing->seen[number])
		return client_fail(client, "the name %.*s is not there, or twice", (int)name.len,
		    (const char *)name.data);
	if (!attrs_are(&attrs, 0) || !line_is_like_others(listing, line, name))
		return client_fail(client, "wrong attributes in a listing");
	listing->seen[number] = 1;
	listing->found++;
	return 0;
}

static int take_reply(
    struct client *client, struct reply *reply, struct listing *listing, bool *ended)
{
	struct reply copy = *reply;
	uint32_t count;
	int rc = 0;

	*ended = reply->type == SFTP_STATUS && wire_get_u32(&copy.body) == SFTP_EOF;
	if (*ended)
		return 0;
	if (reply->type != SFTP_NAME)
		return client_fail(client, "READDIR was not answered with names");
	count = wire_get_u32(&reply->body);
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = take_name(client, reply, listing);
	return rc;
}

static int list(struct client *client, const struct handle *handle, struct listing *listing)
{
	struct slot *slot = &client->slots[0];
	struct reply reply;
	bool ended = false;
	int rc = 0;

	while (rc == 0 && !ended) {
		rc = send_handle(client, slot, SFTP_READDIR, handle);
		if (rc == 0)
			rc = client_receive(client, &slot, &reply);
		if (rc == 0)
			rc = take_reply(client, &reply, listing, &ended);
	}
	if (rc == 0 && (listing->found != listing->count || listing->dots != 2))
		return client_fail(client, "a listing is not complete");
	return rc;
}

static int run_session(
    struct client *client, const char *directory, struct listing *listing, struct sample *out)
{
	struct handle handle;
	uint64_t started;
	int rc = ask_opendir(client, directory, &handle);

	started = clock_now_ns();
	if (rc == 0)
		rc = list(client, &handle, listing);
	out->seconds = (double)(clock_now_ns() - started) / (double)NS_PER_S;
	out->amount = (double)listing->found;
	if (rc == 0)
		rc = ask_close(client, &handle);
	return rc == 0 ? client_finish(client, &out->cpu) : rc;
}

int readdir_run(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	struct listing listing = {.count = scenario_work(bench, scenario)};
	char directory[PATH_MAX];
	struct client client;
	int rc = place_fill(place_path(&bench->small, directory, "directory"), listing.count, 0);

	listing.seen = calloc(listing.count, 1);
	if (rc != 0 || listing.seen == NULL) {
		free(listing.seen);
		return bench_fail(bench, -1, "cannot make %s: %s", directory, strerror(-rc));
	}
	rc = client_start(&client, bench, side);
	if (rc == 0)
		rc = run_session(&client, directory, &listing, out);
	free(listing.seen);
	return client_result(&client, bench, side, rc);
}
