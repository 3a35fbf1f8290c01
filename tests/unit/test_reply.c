/* unit tests: what the server's replies are made of: status, reply, log_name. */
#include "server/log_name.h"
#include "server/reply.h"
#include "server/status.h"

#include "packet.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* status */

TestSuite(status);

Test(status, of_every_errno)
{
	static const struct {
		int error;
		enum sftp_status status;
	} known[] = {
	    {0, SFTP_OK},
	    {ENOENT, SFTP_NO_SUCH_FILE},
	    {ENOTDIR, SFTP_NO_SUCH_FILE},
	    {EBADF, SFTP_NO_SUCH_FILE},
	    {ELOOP, SFTP_NO_SUCH_FILE},
	    {EPERM, SFTP_PERMISSION_DENIED},
	    {EACCES, SFTP_PERMISSION_DENIED},
	    {EFAULT, SFTP_PERMISSION_DENIED},
	    {ENAMETOOLONG, SFTP_BAD_MESSAGE},
	    {EINVAL, SFTP_BAD_MESSAGE},
	    {EBADMSG, SFTP_BAD_MESSAGE},
	    {ENOSYS, SFTP_OP_UNSUPPORTED},
	};

	for (int error = -1; error < 200; error++) {
		enum sftp_status expected = SFTP_FAILURE;

		for (size_t i = 0; i < COUNT(known); i++) {
			if (known[i].error == error)
				expected = known[i].status;
		}
		cr_expect_eq(status_from_errno(error), expected, "%d", error);
	}
}

Test(status, texts)
{
	cr_expect_str_eq(status_text(SFTP_OK), "Success");
	cr_expect_str_eq(status_text(SFTP_EOF), "End of file");
	cr_expect_str_eq(status_text(SFTP_NO_SUCH_FILE), "No such file");
	cr_expect_str_eq(status_text(SFTP_PERMISSION_DENIED), "Permission denied");
	cr_expect_str_eq(status_text(SFTP_FAILURE), "Failure");
	cr_expect_str_eq(status_text(SFTP_BAD_MESSAGE), "Bad message");
	cr_expect_str_eq(status_text(SFTP_NO_CONNECTION), "No connection");
	cr_expect_str_eq(status_text(SFTP_CONNECTION_LOST), "Connection lost");
	cr_expect_str_eq(status_text(SFTP_OP_UNSUPPORTED), "Operation unsupported");
	cr_expect_str_eq(status_text((enum sftp_status)9), "Unknown error");
}

/* reply */

static uint8_t out[REPLY_MAX];
static struct reply reply;

static void begin(void)
{
	reply_begin(&reply, 0xa1b2c3d4, out, sizeof(out));
}

/* Ends the reply and compares all of it, the length field too. */
static bool ended_as(const char *shape, ...)
{
	static struct packet got, body, expected;
	va_list list;

	got.len = body.len = expected.len = 0;
	va_start(list, shape);
	packet_add_list(&body, shape, list);
	va_end(list);
	packet_add(&expected, "x", (const void *)body.bytes, body.len);
	packet_add(&got, "r", (const void *)out, reply_end(&reply));
	return packet_equals(&got, &expected);
}

TestSuite(reply, .init = begin);

Test(reply, status)
{
	reply_status(&reply, SFTP_FAILURE, "because");
	cr_expect_eq(reply.status, SFTP_FAILURE);
	cr_expect(ended_as("buuss", 101, 0xa1b2c3d4, 4u, "because", ""));
	begin();
	reply_status(&reply, SFTP_EOF, NULL);
	cr_expect(ended_as("buuss", 101, 0xa1b2c3d4, 1u, "End of file", ""));
	begin();
	reply_errno(&reply, 0);
	cr_expect(ended_as("buuss", 101, 0xa1b2c3d4, 0u, "Success", ""));
	begin();
	reply_errno(&reply, -EACCES);
	cr_expect(ended_as("buuss", 101, 0xa1b2c3d4, 3u, strerror(EACCES), ""));
}

Test(reply, handle_and_attrs)
{
	const struct attrs attrs = {.flags = 5, .size = 6, .permissions = 7};

	reply_handle(&reply, "\0\1\2", 3);
	cr_expect(ended_as("bux", 102, 0xa1b2c3d4, "\0\1\2", (size_t)3));
	begin();
	reply_attrs(&reply, &attrs);
	cr_expect(ended_as("buuqu", 105, 0xa1b2c3d4, 5u, UINT64_C(6), 7u));
	cr_expect_eq(reply.status, SFTP_OK);
}

Test(reply, data)
{
	uint8_t *room = reply_data_begin(&reply, SFTP_DATA_MAX);

	memset(room, 'x', SFTP_DATA_MAX);
	reply_data_end(&reply, 3);
	cr_expect(ended_as("bus", 103, 0xa1b2c3d4, "xxx"));
	begin();
	(void)reply_data_begin(&reply, SFTP_DATA_MAX);
	reply_data_end(&reply, SFTP_DATA_MAX);
	cr_expect_eq(reply_end(&reply), SFTP_DATA_MAX + 13);
	begin();
	(void)reply_data_begin(&reply, 100);
	reply_errno(&reply, -EIO);
	cr_expect(
	    ended_as("buuss", 101, 0xa1b2c3d4, 4u, strerror(EIO), ""), "changed into a failure");
}

Test(reply, names)
{
	const struct attrs none = {.flags = 0}, size = {.flags = 1, .size = 9};

	reply_names_begin(&reply);
	cr_expect(reply_names_add(&reply, "a", "long a", &none, REPLY_MAX));
	cr_expect(reply_names_add(&reply, "", "", &size, REPLY_MAX));
	reply_names_end(&reply);
	cr_expect(ended_as(
	    "buussussuq", 104, 0xa1b2c3d4, 2u, "a", "long a", 0u, "", "", 1u, UINT64_C(9)));
	begin();
	reply_names_begin(&reply);
	reply_names_end(&reply);
	cr_expect(ended_as("buuss", 101, 0xa1b2c3d4, 1u, "End of file", ""));
	cr_expect_eq(reply.status, SFTP_EOF);
	begin();
	reply_one_name(&reply, "/x");
	cr_expect(ended_as("buussu", 104, 0xa1b2c3d4, 1u, "/x", "/x", 0u));
}

Test(reply, names_stop_at_the_limit)
{
	const struct attrs none = {.flags = 0};
	size_t limit = 13 + 2 * (4 + 3 + 4 + 3 + 4);

	reply_names_begin(&reply);
	cr_expect(reply_names_add(&reply, "abc", "abc", &none, limit));
	cr_expect_not(reply_names_add(&reply, "abc", "abcd", &none, limit));
	cr_expect(reply_names_add(&reply, "def", "def", &none, limit));
	cr_expect_not(reply_names_add(&reply, "", "", &none, limit));
	reply_names_end(&reply);
	cr_expect(ended_as("buussussu", 104, 0xa1b2c3d4, 2u, "abc", "abc", 0u, "def", "def", 0u));
}

Test(reply, version_and_extended)
{
	reply_version_begin(&reply);
	wire_put_text(&reply.writer, "x");
	cr_expect(ended_as("bus", 2, 3u, "x"));
	begin();
	reply_extended_begin(&reply);
	wire_put_u64(&reply.writer, 1);
	cr_expect(ended_as("buq", 201, 0xa1b2c3d4, UINT64_C(1)));
}

Test(reply, none_and_too_large_are_told)
{
	static char text[REPLY_MAX];

	cr_expect_eq(reply_end(&reply), 0, "no reply was made");
	memset(text, 'x', sizeof(text) - 1);
	reply_status(&reply, SFTP_FAILURE, text);
	cr_expect_eq(reply_end(&reply), 0);
}

/* log_name */

TestSuite(log_name);

Test(log_name, escaped_and_cut)
{
	char name[PATH_MAX];

	cr_expect_str_eq(log_name("plain"), "plain");
	cr_expect_str_eq(log_name("a\nb\"\033"), "a\\012b\\042\\033");
	memset(name, '\n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cr_expect_lt(strlen(log_name(name)), 1000);
	cr_expect_gt(strlen(log_name(name)), 800);
}

Test(log_name, two_at_a_time)
{
	const char *one = log_name("one"), *two = log_name("two");

	cr_expect_str_eq(one, "one");
	cr_expect_str_eq(two, "two");
}
