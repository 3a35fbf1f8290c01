/* server: a reply, built in place in the output ring.  No I/O. */
#include "server/reply.h"

#include "server/status.h"

#include <string.h>

#define LENGTH_BYTES 4u
#define DATA_AT REPLY_DATA_HEADER /* length, type, id, length of the data */
#define NAME_COUNT_AT 9u

static void begin_type(struct reply *reply, enum sftp_type type)
{
	reply->writer.at = LENGTH_BYTES;
	wire_put_u8(&reply->writer, (uint8_t)type);
	wire_put_u32(&reply->writer, reply->id);
}

void reply_begin(struct reply *reply, uint32_t id, uint8_t *data, size_t cap)
{
	*reply = (struct reply){.id = id, .writer = {.data = data, .cap = cap}};
}

void reply_move(struct reply *reply, uint8_t *data, size_t cap)
{
	reply->writer = (struct wire_writer){.data = data, .cap = cap};
}

size_t reply_end(struct reply *reply)
{
	size_t size = reply->writer.at;

	if (reply->writer.failed || size <= LENGTH_BYTES)
		return 0;
	wire_patch_u32(&reply->writer, 0, (uint32_t)(size - LENGTH_BYTES));
	return size;
}

void reply_errno(struct reply *reply, int error)
{
	reply_status(reply, status_from_errno(-error), error == 0 ? NULL : strerror(-error));
}

void reply_status(struct reply *reply, enum sftp_status status, const char *text)
{
	begin_type(reply, SFTP_STATUS);
	wire_put_u32(&reply->writer, status);
	wire_put_text(&reply->writer, text != NULL ? text : status_text(status));
	wire_put_text(&reply->writer, ""); /* language tag */
	reply->status = status;
}

void reply_handle(struct reply *reply, const void *handle, size_t len)
{
	begin_type(reply, SFTP_HANDLE);
	wire_put_string(&reply->writer, handle, len);
}

void reply_attrs(struct reply *reply, const struct attrs *attrs)
{
	begin_type(reply, SFTP_ATTRS);
	attrs_put(&reply->writer, attrs);
}

void reply_one_name(struct reply *reply, const char *name)
{
	const struct attrs none = {.flags = 0};

	reply_names_begin(reply);
	(void)reply_names_add(reply, name, name, &none, REPLY_MAX);
	reply_names_end(reply);
}

void reply_names_begin(struct reply *reply)
{
	begin_type(reply, SFTP_NAME);
	wire_put_u32(&reply->writer, 0);
	reply->name_count = 0;
}

bool reply_names_add(struct reply *reply, const char *name, const char *longname,
    const struct attrs *attrs, size_t limit)
{
	struct wire_writer trial = reply->writer;

	wire_put_text(&trial, name);
	wire_put_text(&trial, longname);
	attrs_put(&trial, attrs);
	if (trial.failed || trial.at > limit)
		return false;
	reply->writer = trial;
	reply->name_count++;
	return true;
}

void reply_names_end(struct reply *reply)
{
	if (reply->name_count == 0)
		reply_status(reply, SFTP_EOF, NULL);
	else
		wire_patch_u32(&reply->writer, NAME_COUNT_AT, reply->name_count);
}

uint8_t *reply_data_begin(struct reply *reply, size_t len)
{
	begin_type(reply, SFTP_DATA);
	wire_put_u32(&reply->writer, (uint32_t)len);
	return reply->writer.data + DATA_AT;
}

void reply_data_end(struct reply *reply, size_t len)
{
	wire_patch_u32(&reply->writer, DATA_AT - 4, (uint32_t)len);
	reply->writer.at += len;
}

void reply_data_header(const struct reply *reply, size_t len, uint8_t out[REPLY_DATA_HEADER])
{
	struct wire_writer writer = {.data = out, .cap = REPLY_DATA_HEADER};

	wire_put_u32(&writer, (uint32_t)(REPLY_DATA_HEADER - LENGTH_BYTES + len));
	wire_put_u8(&writer, SFTP_DATA);
	wire_put_u32(&writer, reply->id);
	wire_put_u32(&writer, (uint32_t)len);
}

void reply_version_begin(struct reply *reply)
{
	reply->writer.at = LENGTH_BYTES;
	wire_put_u8(&reply->writer, SFTP_VERSION_REPLY);
	wire_put_u32(&reply->writer, SFTP_VERSION);
}

void reply_extended_begin(struct reply *reply)
{
	begin_type(reply, SFTP_EXTENDED_REPLY);
}
