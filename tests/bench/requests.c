/* bench: the requests that the scenarios make, and what they expect in reply. */
#include "requests.h"

#include "content.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put_handle(struct wire_writer *writer, const struct handle *handle)
{
	wire_put_string(writer, handle->bytes, handle->len);
}

int send_open(struct client *client, struct slot *slot, const char *path, uint32_t flags)
{
	struct attrs attrs = {.flags = SFTP_ATTR_PERMISSIONS, .permissions = 0644};
	struct wire_writer writer = request_begin(client, slot, SFTP_OPEN);

	wire_put_text(&writer, path);
	wire_put_u32(&writer, flags);
	attrs_put(&writer, &attrs);
	return request_send(client, slot, &writer);
}

int send_read(struct client *client, struct slot *slot, const struct handle *handle,
    uint64_t offset, uint32_t len)
{
	struct wire_writer writer = request_begin(client, slot, SFTP_READ);

	put_handle(&writer, handle);
	wire_put_u64(&writer, offset);
	wire_put_u32(&writer, len);
	return request_send(client, slot, &writer);
}

int send_write(struct client *client, struct slot *slot, const struct handle *handle,
    uint64_t offset, const uint8_t *data, uint32_t len)
{
	struct wire_writer writer = request_begin(client, slot, SFTP_WRITE);

	put_handle(&writer, handle);
	wire_put_u64(&writer, offset);
	request_data(&writer, slot, data, len);
	return request_send(client, slot, &writer);
}

int send_handle(struct client *client, struct slot *slot, uint8_t type, const struct handle *handle)
{
	struct wire_writer writer = request_begin(client, slot, type);

	put_handle(&writer, handle);
	return request_send(client, slot, &writer);
}

int send_path(struct client *client, struct slot *slot, uint8_t type, const char *path)
{
	struct wire_writer writer = request_begin(client, slot, type);

	wire_put_text(&writer, path);
	return request_send(client, slot, &writer);
}

/* Says what came instead. */
static int unexpected(struct client *client, struct reply *reply, const char *wanted)
{
	struct wire_span text;
	uint32_t code;

	if (reply->type != SFTP_STATUS)
		return client_fail(client, "a reply of type %u, not %s", reply->type, wanted);
	code = wire_get_u32(&reply->body);
	text = wire_get_string(&reply->body);
	return client_fail(client, "status %u (%.*s), not %s", code, (int)text.len,
	    text.data == NULL ? "" : (const char *)text.data, wanted);
}

int expect_ok(struct client *client, struct reply *reply)
{
	struct reply copy = *reply;

	if (reply->type == SFTP_STATUS && wire_get_u32(&copy.body) == SFTP_OK)
		return 0;
	return unexpected(client, reply, "OK");
}

int expect_handle(struct client *client, struct reply *reply, struct handle *out)
{
	struct wire_span handle;

	if (reply->type != SFTP_HANDLE)
		return unexpected(client, reply, "a handle");
	handle = wire_get_string(&reply->body);
	if (reply->body.failed || handle.len > sizeof(out->bytes))
		return client_fail(client, "a malformed handle");
	memcpy(out->bytes, handle.data, handle.len);
	out->len = handle.len;
	return 0;
}

int expect_content(
    struct client *client, struct reply *reply, uint64_t position, uint32_t len, uint32_t *got)
{
	struct wire_span data;

	if (reply->type != SFTP_DATA)
		return unexpected(client, reply, "data");
	data = wire_get_string(&reply->body);
	if (reply->body.failed || data.len == 0 || data.len > len)
		return client_fail(client, "%zu bytes of data, not %u", data.len, len);
	if (!content_matches(position, data.data, data.len))
		return client_fail(client, "wrong bytes were read");
	*got = (uint32_t)data.len;
	return 0;
}

bool attrs_are(const struct attrs *attrs, uint64_t size)
{
	const uint32_t all =
	    SFTP_ATTR_SIZE | SFTP_ATTR_UIDGID | SFTP_ATTR_PERMISSIONS | SFTP_ATTR_TIMES;

	return attrs->flags == all && attrs->size == size && attrs->uid == geteuid() &&
	       attrs->gid == getegid() && attrs->permissions == (S_IFREG | PLACE_FILL_MODE) &&
	       attrs->atime == PLACE_FILL_TIME && attrs->mtime == PLACE_FILL_TIME;
}

int expect_attrs(struct client *client, struct reply *reply, uint64_t size)
{
	struct attrs attrs;

	if (reply->type != SFTP_ATTRS)
		return unexpected(client, reply, "attributes");
	attrs_get(&reply->body, &attrs);
	if (reply->body.failed || !attrs_are(&attrs, size))
		return client_fail(client, "wrong attributes");
	return 0;
}

int ask_open(struct client *client, const char *path, uint32_t flags, struct handle *out)
{
	struct slot *slot = &client->slots[0];
	struct reply reply;
	int rc = send_open(client, slot, path, flags);

	if (rc == 0)
		rc = client_receive(client, &slot, &reply);
	return rc == 0 ? expect_handle(client, &reply, out) : rc;
}

int ask_opendir(struct client *client, const char *path, struct handle *out)
{
	struct slot *slot = &client->slots[0];
	struct reply reply;
	int rc = send_path(client, slot, SFTP_OPENDIR, path);

	if (rc == 0)
		rc = client_receive(client, &slot, &reply);
	return rc == 0 ? expect_handle(client, &reply, out) : rc;
}

int ask_close(struct client *client, const struct handle *handle)
{
	struct slot *slot = &client->slots[0];
	struct reply reply;
	int rc = send_handle(client, slot, SFTP_CLOSE, handle);

	if (rc == 0)
		rc = client_receive(client, &slot, &reply);
	return rc == 0 ? expect_ok(client, &reply) : rc;
}
