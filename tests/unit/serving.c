/* unit tests: one server in this process. */
#include "serving.h"

#include "server/dispatch.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct server serving;
struct session serving_session;
struct options serving_options;
struct packet serving_reply;

static uint32_t last_id = 0xfffffff0;

void serving_make(void)
{
	static char user[] = "user";

	serving_options = (struct options){
	    .self = {.pw_name = user, .pw_uid = getuid()}, .rundir = "/nonexistent"};
	serving_session = (struct session){
	    .options = &serving_options,
	    .table = {.fd = -1},
	    .membership = {.fd = -1, .row_index = -1},
	    .sshd_pin = -1,
	    .share = -1,
	};
	serving = (struct server){.options = &serving_options, .session = &serving_session};
	handle_table_init(&serving.handles, 1000);
	cr_assert_not_null(getcwd(serving.start_directory, sizeof(serving.start_directory)));
	dispatch_set_permissions(&serving_options);
}

void serving_start(void)
{
	struct packet init = {.len = 0};

	scratch_enter();
	serving_make();
	packet_add(&init, "bu", SFTP_INIT, 3u);
	cr_assert_eq(serving_send(&init), 0);
}

void serving_stop(void)
{
	handle_table_free(&serving.handles);
	scratch_leave();
}

int serving_send(const struct packet *packet)
{
	/* Memory of exactly that size, so that the address sanitizer sees a read beyond it. */
	uint8_t *bytes = malloc(packet->len == 0 ? 1 : packet->len);
	static uint8_t out[REPLY_MAX];
	struct reply reply;
	size_t reply_len = 0;
	int rc;

	if (bytes == NULL)
		abort();
	memcpy(bytes, packet->bytes, packet->len);
	reply_begin(&reply, 0, out, sizeof(out));
	rc = dispatch_packet(&serving, bytes, packet->len, &reply, &reply_len);
	free(bytes);
	serving_reply.len = 0;
	if (rc != 0)
		return rc;
	cr_assert(reply_len > 4 && reply_len <= sizeof(out));
	cr_assert_eq(wire_peek_u32(out), reply_len - 4);
	packet_add(&serving_reply, "r", out + 4, reply_len - 4);
	return 0;
}

void ask(enum sftp_type type, const char *shape, ...)
{
	static struct packet packet;
	va_list list;

	packet.len = 0;
	packet_add(&packet, "bu", (int)type, ++last_id);
	va_start(list, shape);
	packet_add_list(&packet, shape, list);
	va_end(list);
	cr_assert_eq(serving_send(&packet), 0);
}

void ask_extended(const char *name, const char *shape, ...)
{
	static struct packet packet;
	va_list list;

	packet.len = 0;
	packet_add(&packet, "bus", SFTP_EXTENDED, ++last_id, name);
	va_start(list, shape);
	packet_add_list(&packet, shape, list);
	va_end(list);
	cr_assert_eq(serving_send(&packet), 0);
}

bool replied(enum sftp_type type, const char *shape, ...)
{
	static struct packet expected;
	va_list list;

	expected.len = 0;
	packet_add(&expected, "bu", (int)type, last_id);
	va_start(list, shape);
	packet_add_list(&expected, shape, list);
	va_end(list);
	return packet_equals(&serving_reply, &expected);
}

bool replied_status(enum sftp_status status, const char *text)
{
	return replied(SFTP_STATUS, "uss", (unsigned int)status, text, "");
}

bool replied_ok(void)
{
	return replied_status(SFTP_OK, "Success");
}

bool replied_errno(int error, enum sftp_status status)
{
	return replied_status(status, strerror(error));
}

bool replied_attrs(const struct stat *st)
{
	return replied(SFTP_ATTRS, "uquuuuu", 15u, (uint64_t)st->st_size, st->st_uid, st->st_gid,
	    st->st_mode, (unsigned int)st->st_atime, (unsigned int)st->st_mtime);
}

struct handle_text replied_handle(void)
{
	struct handle_text text;

	cr_assert_eq(serving_reply.len, 1 + 4 + 4 + HANDLE_BYTES);
	memcpy(text.bytes, serving_reply.bytes + 9, HANDLE_BYTES);
	cr_assert(replied(SFTP_HANDLE, "x", HANDLE_FIELD(text)));
	return text;
}

struct handle_text open_file(const char *name, uint32_t flags)
{
	ask(SFTP_OPEN, "suu", name, flags, 0u);
	return replied_handle();
}

struct handle_text open_directory(const char *name)
{
	ask(SFTP_OPENDIR, "s", name);
	return replied_handle();
}
