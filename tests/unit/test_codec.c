/* unit tests: codec.  Every expectation is a literal byte or a field. */
#include "codec/attrs.h"
#include "codec/request.h"
#include "codec/sftp.h"
#include "codec/wire.h"

#include "packet.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A reader of exactly these bytes, in memory of their own: a read beyond is seen by the address
 * sanitizer. */
static struct wire_reader reader_of(const void *data, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);

	cr_assert_not_null(copy);
	memcpy(copy, data, len);
	return (struct wire_reader){.data = copy, .len = len};
}

static void free_reader(struct wire_reader *reader)
{
	free((void *)(uintptr_t)reader->data);
}

/* wire */

TestSuite(wire);

Test(wire, reads_in_order)
{
	static const uint8_t bytes[] = {
	    0xfe, 0x01, 0x02, 0x03, 0x04, 0xff, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 'h', 'i', 9};
	struct wire_reader reader = reader_of(bytes, sizeof(bytes));
	struct wire_span text;

	cr_expect_eq(wire_get_u8(&reader), 0xfe);
	cr_expect_eq(wire_get_u32(&reader), 0x01020304);
	cr_expect_eq(wire_get_u64(&reader), UINT64_C(0xff00000000000001));
	text = wire_get_string(&reader);
	cr_expect_eq(text.len, 2);
	cr_expect_eq(memcmp(text.data, "hi", 2), 0);
	cr_expect_eq(text.data, reader.data + 17, "borrowed, not copied");
	cr_expect_eq(wire_left(&reader), 1);
	cr_expect_not(reader.failed);
	free_reader(&reader);
}

Test(wire, the_first_failure_stays)
{
	static const uint8_t bytes[] = {0, 0, 1, 2, 3};
	struct wire_reader reader = reader_of(bytes, sizeof(bytes));

	cr_expect_eq(wire_get_u64(&reader), 0);
	cr_expect(reader.failed);
	cr_expect_eq(wire_get_u8(&reader), 0, "though a byte is there");
	cr_expect_eq(wire_get_u32(&reader), 0);
	cr_expect_null(wire_get_string(&reader).data);
	cr_expect_eq(wire_get_string(&reader).len, 0);
	free_reader(&reader);
}

Test(wire, strings_that_lie)
{
	static const uint8_t lengths[][4] = {{0, 0, 0, 3}, {0, 0, 1, 0}, {0x7f, 0xff, 0xff, 0xff},
	    {0x80, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}};

	for (size_t i = 0; i < COUNT(lengths); i++) {
		uint8_t bytes[6] = {
		    lengths[i][0], lengths[i][1], lengths[i][2], lengths[i][3], 'a', 'b'};
		struct wire_reader reader = reader_of(bytes, sizeof(bytes));
		struct wire_span span = wire_get_string(&reader);

		cr_expect(reader.failed, "length %zu", i);
		cr_expect_null(span.data);
		cr_expect_eq(span.len, 0);
		free_reader(&reader);
	}
}

Test(wire, empty_input_and_empty_string)
{
	struct wire_reader reader = reader_of("", 0);

	cr_expect_eq(wire_get_u8(&reader), 0);
	cr_expect(reader.failed);
	free_reader(&reader);
	reader = reader_of("\0\0\0\0", 4);
	cr_expect_eq(wire_get_string(&reader).len, 0);
	cr_expect_not(reader.failed);
	cr_expect_eq(wire_left(&reader), 0);
	free_reader(&reader);
}

Test(wire, writes_in_order)
{
	static const uint8_t expected[] = {
	    7, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 2, 'o', 'k', 0, 0, 0, 1, 0};
	uint8_t out[64] = {0};
	struct wire_writer writer = {.data = out, .cap = sizeof(out)};

	wire_put_u8(&writer, 7);
	wire_put_u32(&writer, 0xdeadbeef);
	wire_put_u64(&writer, UINT64_C(0x0102030405060708));
	wire_put_text(&writer, "ok");
	wire_put_string(&writer, "", 1);
	cr_assert_eq(writer.at, sizeof(expected));
	cr_expect_eq(memcmp(out, expected, sizeof(expected)), 0);
	wire_patch_u32(&writer, 1, 0x01020304);
	cr_expect_eq(memcmp(out, "\x07\x01\x02\x03\x04\x01", 6), 0);
	cr_expect_eq(wire_peek_u32(out + 1), 0x01020304);
	cr_expect_not(writer.failed);
}

Test(wire, never_writes_beyond)
{
	for (size_t cap = 0; cap < 24; cap++) {
		uint8_t *out = malloc(cap == 0 ? 1 : cap);
		struct wire_writer writer = {.data = out, .cap = cap};

		wire_put_u8(&writer, 1);
		wire_put_u32(&writer, 2);
		wire_put_text(&writer, "abc");
		wire_put_u64(&writer, 3);
		cr_expect_eq(writer.failed, cap < 20);
		cr_expect_leq(writer.at, cap);
		wire_put_u8(&writer, 4);
		cr_expect_eq(writer.failed, cap < 21, "nothing smaller is let in after a failure");
		free(out);
	}
}

Test(wire, patches_only_what_is_written)
{
	uint8_t out[8] = {0};
	struct wire_writer writer = {.data = out, .cap = sizeof(out)};

	wire_put_u32(&writer, 0);
	wire_patch_u32(&writer, 1, 0xffffffff);
	wire_patch_u32(&writer, 4, 0xffffffff);
	cr_expect_eq(memcmp(out, "\0\0\0\0\0\0\0\0", 8), 0);
}

/* attrs */

TestSuite(attrs);

/* The parts of a message with all of them, in the order of their flags. */
static const struct {
	uint32_t flag;
	size_t len;
	uint8_t bytes[8];
} parts[] = {
    {SFTP_ATTR_SIZE, 8, {1, 2, 3, 4, 5, 6, 7, 8}},
    {SFTP_ATTR_UIDGID, 8, {0, 0, 3, 0xe8, 0, 0, 3, 0xe9}},
    {SFTP_ATTR_PERMISSIONS, 4, {0, 0, 0x81, 0xa4}},
    {SFTP_ATTR_TIMES, 8, {0x60, 0, 0, 0, 0xf0, 0, 0, 1}},
};

static void add_parts(struct packet *packet, uint32_t flags)
{
	packet_add(packet, "u", flags);
	for (size_t i = 0; i < COUNT(parts); i++) {
		if (flags & parts[i].flag)
			packet_add(packet, "r", parts[i].bytes, parts[i].len);
	}
}

static void expect_parts(const struct attrs *attrs, uint32_t flags)
{
	bool size = flags & SFTP_ATTR_SIZE, owner = flags & SFTP_ATTR_UIDGID;
	bool mode = flags & SFTP_ATTR_PERMISSIONS, times = flags & SFTP_ATTR_TIMES;

	cr_expect_eq(attrs->flags, flags);
	cr_expect_eq(attrs->size, size ? UINT64_C(0x0102030405060708) : 0);
	cr_expect_eq(attrs->uid, owner ? 1000u : 0u);
	cr_expect_eq(attrs->gid, owner ? 1001u : 0u);
	cr_expect_eq(attrs->permissions, mode ? 0100644u : 0u);
	cr_expect_eq(attrs->atime, times ? 0x60000000u : 0u);
	cr_expect_eq(attrs->mtime, times ? 0xf0000001u : 0u);
}

Test(attrs, every_combination_of_parts_there_and_back)
{
	for (uint32_t flags = 0; flags < 16; flags++) {
		struct packet packet = {.len = 0};
		uint8_t out[64];
		struct wire_writer writer = {.data = out, .cap = sizeof(out)};
		struct wire_reader reader;
		struct attrs attrs;

		add_parts(&packet, flags);
		reader = reader_of(packet.bytes, packet.len);
		attrs_get(&reader, &attrs);
		cr_expect_not(reader.failed);
		cr_expect_eq(wire_left(&reader), 0);
		expect_parts(&attrs, flags);
		free_reader(&reader);

		attrs_put(&writer, &attrs);
		cr_assert_eq(writer.at, packet.len);
		cr_expect_eq(memcmp(out, packet.bytes, packet.len), 0);

		for (size_t len = 0; len < packet.len; len++) {
			reader = reader_of(packet.bytes, len);
			attrs_get(&reader, &attrs);
			cr_expect(reader.failed, "flags %x cut to %zu", flags, len);
			free_reader(&reader);
		}
	}
}

Test(attrs, extended_pairs_are_read_and_not_sent_back)
{
	struct packet packet = {.len = 0};
	struct wire_reader reader;
	uint8_t out[64];
	struct wire_writer writer = {.data = out, .cap = sizeof(out)};
	struct attrs attrs;

	packet_add(&packet, "uuussssb", SFTP_ATTR_EXTENDED | SFTP_ATTR_PERMISSIONS, 0600u, 2u,
	    "a@b", "1", "", "", 0x5a);
	reader = reader_of(packet.bytes, packet.len);
	attrs_get(&reader, &attrs);
	cr_expect_not(reader.failed);
	cr_expect_eq(wire_get_u8(&reader), 0x5a);
	cr_expect_eq(attrs.permissions, 0600);
	free_reader(&reader);
	attrs_put(&writer, &attrs);
	cr_expect_eq(writer.at, 8);
	cr_expect_eq(memcmp(out, "\0\0\0\x04\0\0\x01\x80", 8), 0);
}

Test(attrs, number_of_extended_pairs_is_bounded)
{
	static const struct {
		uint32_t told, there;
		bool failed;
	} cases[] = {
	    {0, 0, false},
	    {ATTRS_EXTENDED_MAX, ATTRS_EXTENDED_MAX, false},
	    {ATTRS_EXTENDED_MAX, ATTRS_EXTENDED_MAX - 1, true},
	    {ATTRS_EXTENDED_MAX + 1, ATTRS_EXTENDED_MAX + 1, true},
	    {UINT32_MAX, 4, true},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet packet = {.len = 0};
		struct wire_reader reader;
		struct attrs attrs;

		packet_add(&packet, "uu", SFTP_ATTR_EXTENDED, cases[i].told);
		for (uint32_t pair = 0; pair < cases[i].there; pair++)
			packet_add(&packet, "ss", "", "");
		reader = reader_of(packet.bytes, packet.len);
		attrs_get(&reader, &attrs);
		cr_expect_eq(reader.failed, cases[i].failed, "%u told, %u there", cases[i].told,
		    cases[i].there);
		free_reader(&reader);
	}
}

Test(attrs, of_a_file)
{
	struct stat st = {.st_size = 5, .st_uid = 7, .st_gid = 8, .st_mode = S_IFDIR | 01755};
	struct attrs attrs;

	st.st_atime = 0xffffffff;
	st.st_mtime = 1;
	attrs_from_stat(&st, &attrs);
	cr_expect_eq(attrs.flags, 15);
	cr_expect_eq(attrs.size, 5);
	cr_expect_eq(attrs.uid, 7);
	cr_expect_eq(attrs.gid, 8);
	cr_expect_eq(attrs.permissions, 041755);
	cr_expect_eq(attrs.atime, 0xffffffff);
	cr_expect_eq(attrs.mtime, 1);
}

/* request */

static struct request request;

TestSuite(request);

static int parse(const char *shape, const struct packet *packet)
{
	struct wire_reader reader = reader_of(packet->bytes, packet->len);
	int rc = request_parse(shape, &reader, &request);

	free_reader(&reader);
	return rc;
}

Test(request, every_field)
{
	struct packet packet = {.len = 0};
	struct wire_reader reader;

	packet_add(&packet, "sqqsquuusxs", "handle", UINT64_C(5), UINT64_C(6), "h2", UINT64_C(7),
	    8u, SFTP_ATTR_PERMISSIONS, 0600u, "old", "\0d", (size_t)2, "new");
	reader = reader_of(packet.bytes, packet.len);
	cr_assert_eq(request_parse("hqlhquapdp", &reader, &request), 0);
	cr_expect_eq(request.handles[0].len, 6);
	cr_expect_eq(memcmp(request.handles[0].data, "handle", 6), 0);
	cr_expect_eq(request.handles[1].len, 2);
	cr_expect_eq(request.offsets[0], 5);
	cr_expect_eq(request.length, 6);
	cr_expect_eq(request.offsets[1], 7);
	cr_expect_eq(request.number, 8);
	cr_expect_eq(request.attrs.permissions, 0600);
	cr_expect_str_eq(request.paths[0], "old");
	cr_expect_eq(request.data.len, 2);
	cr_expect_str_eq(request.paths[1], "new");
	cr_expect_eq(wire_left(&reader), 0);
	free_reader(&reader);
}

Test(request, what_follows_is_ignored)
{
	struct packet packet = {.len = 0};

	packet_add(&packet, "sqqq", "p", UINT64_C(1), UINT64_C(2), UINT64_C(3));
	cr_expect_eq(parse("p", &packet), 0);
	cr_expect_eq(parse("", &packet), 0);
}

Test(request, cut_at_every_length)
{
	static const char *const shapes[] = {
	    "pua", "h", "hqu", "hqd", "p", "pa", "ha", "pp", "hqlhq", "ii"};

	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct packet packet = {.len = 0};

		for (const char *field = shapes[i]; *field != '\0'; field++) {
			if (strchr("hpdi", *field) != NULL)
				packet_add(&packet, "s", "text");
			else if (strchr("ql", *field) != NULL)
				packet_add(&packet, "q", UINT64_C(9));
			else if (*field == 'u')
				packet_add(&packet, "u", 9u);
			else
				add_parts(&packet, 15);
		}
		cr_expect_eq(parse(shapes[i], &packet), 0, "%s", shapes[i]);
		while (packet.len-- > 0)
			cr_expect_eq(parse(shapes[i], &packet), -EBADMSG, "%s cut to %zu",
			    shapes[i], packet.len);
	}
}

Test(request, paths)
{
	static char longest[PATH_MAX + 1];
	struct packet packet = {.len = 0};

	packet_add(&packet, "s", "");
	cr_expect_eq(parse("p", &packet), 0);
	cr_expect_str_empty(request.paths[0]);

	packet.len = 0;
	packet_add(&packet, "x", "a\0b", (size_t)3);
	cr_expect_eq(parse("p", &packet), -EBADMSG);
	packet.len = 0;
	packet_add(&packet, "sx", "good", "a\0", (size_t)2);
	cr_expect_eq(parse("pp", &packet), -EBADMSG);

	memset(longest, 'x', PATH_MAX);
	packet.len = 0;
	packet_add(&packet, "x", longest, (size_t)(PATH_MAX - 1));
	cr_expect_eq(parse("p", &packet), 0);
	cr_expect_eq(strlen(request.paths[0]), PATH_MAX - 1);
	packet.len = 0;
	packet_add(&packet, "x", longest, (size_t)PATH_MAX);
	cr_expect_eq(parse("p", &packet), -ENAMETOOLONG);
}

Test(request, strings_of_numbers)
{
	struct packet packet = {.len = 0};

	packet_add(&packet, "uuuu", 8u, 1u, 2u, 0u);
	cr_expect_eq(parse("ii", &packet), 0);
	cr_expect_eq(request.ids[0].len, 8);
	cr_expect_eq(request.ids[1].len, 0);
	for (size_t len = 1; len < 8; len++) {
		packet.len = 0;
		packet_add(&packet, "xu", "1234567", len, 0u);
		cr_expect_eq(parse("ii", &packet), len == 4 ? 0 : -EBADMSG, "%zu bytes", len);
	}
	packet.len = 0;
	packet_add(&packet, "us", 0u, "12345");
	cr_expect_eq(parse("ii", &packet), -EBADMSG);
}

Test(request, unknown_shape)
{
	struct packet packet = {.len = 0};

	packet_add(&packet, "q", UINT64_C(0));
	cr_expect_eq(parse("?", &packet), -EBADMSG);
}
