/* bench: a file copied by the server itself (copy-data, draft-ietf-secsh-filexfer-extensions-00
 * section 7). */
#include "bulk.h"

#include "requests.h"
#include "util/clock.h"

#include <string.h>
#include <unistd.h>

static const char extension[] = "copy-data";

static int ask_copy(struct client *client, const struct handle *from, const struct handle *to)
{
	struct slot *slot = &client->slots[0];
	struct wire_writer writer = request_begin(client, slot, SFTP_EXTENDED);
	struct reply reply;
	int rc;

	wire_put_text(&writer, extension);
	wire_put_string(&writer, from->bytes, from->len);
	wire_put_u64(&writer, 0);
	wire_put_u64(&writer, BULK_FILE_BYTES);
	wire_put_string(&writer, to->bytes, to->len);
	wire_put_u64(&writer, 0);
	rc = request_send(client, slot, &writer);
	if (rc == 0)
		rc = client_receive(client, &slot, &reply);
	return rc == 0 ? expect_ok(client, &reply) : rc;
}

static int copy(struct client *client, const char *source, const char *target, double *seconds)
{
	struct handle from, to;
	uint64_t started;
	int rc = ask_open(client, source, SFTP_FLAG_READ, &from);

	if (rc == 0)
		rc = ask_open(client, target, SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, &to);
	started = clock_now_ns();
	if (rc == 0)
		rc = ask_copy(client, &from, &to);
	*seconds = (double)(clock_now_ns() - started) / (double)NS_PER_S;
	if (rc == 0)
		rc = ask_close(client, &from);
	return rc == 0 ? ask_close(client, &to) : rc;
}

int copy_run(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct sample *out)
{
	const struct bulk bulk = {.type = SFTP_READ, .size = 1};
	char source[PATH_MAX], target[PATH_MAX];
	struct client client;
	int rc = bulk_prepare(bench, scenario, &bulk, 0, source);

	if (rc != 0)
		return rc;
	place_path(&bench->large, target, "copy");
	(void)unlink(target);
	rc = client_start(&client, bench, side);
	if (rc == 0 && !client_announced(&client, extension)) {
		client_abandon(&client);
		return bench_fail(
		    bench, BENCH_SKIPPED, "%s does not announce %s", side->text, extension);
	}
	if (rc == 0)
		rc = copy(&client, source, target, &out->seconds);
	if (rc == 0)
		rc = client_finish(&client, &out->cpu);
	if (rc != 0)
		return client_result(&client, bench, side, rc);
	out->amount = (double)BULK_FILE_BYTES;
	rc = place_verify(target, BULK_FILE_BYTES, 0);
	(void)unlink(target);
	return rc == 0
		   ? 0
		   : bench_fail(bench, rc, "%s: the copy is wrong: %s", side->text, strerror(-rc));
}
