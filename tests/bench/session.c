/* bench: the beginning and the end of a client's session. */
#include "client.h"

#include "twice.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool client_announced(const struct client *client, const char *extension)
{
	struct wire_reader reader = {.data = client->extensions, .len = client->extensions_len};

	while (wire_left(&reader) > 0 && !reader.failed) {
		struct wire_span name = wire_get_string(&reader);

		(void)wire_get_string(&reader);
		if (name.len == strlen(extension) && memcmp(name.data, extension, name.len) == 0)
			return true;
	}
	return false;
}

/* INIT and VERSION have the version where others have the id, so the slot is that one's. */
static int send_init(struct client *client)
{
	struct slot *slot = &client->slots[SFTP_VERSION % CLIENT_SLOTS];
	struct wire_writer writer = {.data = slot->head, .cap = sizeof(slot->head)};

	slot->id = SFTP_VERSION;
	wire_put_u32(&writer, 0);
	wire_put_u8(&writer, SFTP_INIT);
	wire_put_u32(&writer, SFTP_VERSION);
	return request_send(client, slot, &writer);
}

static int receive_version(struct client *client)
{
	struct slot *slot;
	struct reply reply;
	int rc = client_receive(client, &slot, &reply);

	if (rc != 0)
		return rc;
	if (reply.type != SFTP_VERSION_REPLY)
		return client_fail(client, "INIT was not answered with VERSION");
	client->extensions_len = wire_left(&reply.body);
	if (client->extensions_len > sizeof(client->extensions))
		return client_fail(client, "VERSION is too long for this client");
	memcpy(client->extensions, reply.body.data + reply.body.at, client->extensions_len);
	return 0;
}

int client_start(struct client *client, struct bench *bench, const struct side *side)
{
	int rc;

	memset(client, 0, sizeof(*client));
	client->input = twice_map(CLIENT_INPUT_BYTES);
	if (client->input == NULL)
		return client_fail(client, "no memory");
	rc = server_start(bench, side, &client->server);
	if (rc != 0)
		return client_fail(client, "cannot run %s: %s", side->argv[0], strerror(-rc));
	client->running = true;
	rc = send_init(client);
	return rc == 0 ? receive_version(client) : rc;
}

int client_finish(struct client *client, double *cpu)
{
	double used = 0;
	int status = 0, rc;

	client->running = false;
	rc = server_end(&client->server, &used, &status);
	*cpu += used;
	client_abandon(client);
	if (rc != 0)
		return client_fail(client, "cannot await the server: %s", strerror(-rc));
	if (WIFSIGNALED(status))
		return client_fail(client, "the server died of signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return client_fail(client, "the server ended with %d", WEXITSTATUS(status));
	return 0;
}

void client_abandon(struct client *client)
{
	double cpu;
	int status;

	if (client->running) {
		kill(client->server.pid, SIGKILL);
		(void)server_end(&client->server, &cpu, &status);
	}
	client->running = false;
	twice_free(client->input, CLIENT_INPUT_BYTES);
	client->input = NULL;
}

int client_result(struct client *client, struct bench *bench, const struct side *side, int rc)
{
	if (rc >= 0)
		return rc;
	client_abandon(client);
	return bench_fail(bench, rc, "%s: %s", side->text, client->problem);
}
