/* unit tests: what dispatch answers by itself: INIT, permissions, refusals, malformed packets. */
#include "codec/sftp.h"
#include "server/dispatch.h"

#include "serving.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Each request by its name, with fields that make it succeed on "f" and "dir", a byte too short
 * when cut by one. */
static const struct known_request {
	const char *name;
	enum sftp_type type;
	const char *extension;
	bool writes;
	const char *
	    fields; /* p path "f", o path "other", d path "dir", h file, t another file, r directory, n
		   no name, i ids, q u a w */
} requests[] = {
    {"open", SFTP_OPEN, NULL, false, "pua"},
    {"close", SFTP_CLOSE, NULL, false, "h"},
    {"read", SFTP_READ, NULL, false, "hqu"},
    {"write", SFTP_WRITE, NULL, true, "hqw"},
    {"lstat", SFTP_LSTAT, NULL, false, "p"},
    {"fstat", SFTP_FSTAT, NULL, false, "h"},
    {"setstat", SFTP_SETSTAT, NULL, true, "pa"},
    {"fsetstat", SFTP_FSETSTAT, NULL, true, "ha"},
    {"opendir", SFTP_OPENDIR, NULL, false, "d"},
    {"readdir", SFTP_READDIR, NULL, false, "r"},
    {"remove", SFTP_REMOVE, NULL, true, "p"},
    {"mkdir", SFTP_MKDIR, NULL, true, "oa"},
    {"rmdir", SFTP_RMDIR, NULL, true, "d"},
    {"realpath", SFTP_REALPATH, NULL, false, "p"},
    {"stat", SFTP_STAT, NULL, false, "p"},
    {"rename", SFTP_RENAME, NULL, true, "po"},
    {"readlink", SFTP_READLINK, NULL, false, "l"},
    {"symlink", SFTP_SYMLINK, NULL, true, "po"},
    {"posix-rename", SFTP_EXTENDED, "posix-rename@openssh.com", true, "po"},
    {"statvfs", SFTP_EXTENDED, "statvfs@openssh.com", false, "p"},
    {"fstatvfs", SFTP_EXTENDED, "fstatvfs@openssh.com", false, "h"},
    {"hardlink", SFTP_EXTENDED, "hardlink@openssh.com", true, "po"},
    {"fsync", SFTP_EXTENDED, "fsync@openssh.com", true, "h"},
    {"lsetstat", SFTP_EXTENDED, "lsetstat@openssh.com", true, "pa"},
    {"limits", SFTP_EXTENDED, "limits@openssh.com", false, ""},
    {"expand-path", SFTP_EXTENDED, "expand-path@openssh.com", false, "p"},
    {"copy-data", SFTP_EXTENDED, "copy-data", true, "hqqtq"},
    {"home-directory", SFTP_EXTENDED, "home-directory", false, "n"},
    {"users-groups-by-id", SFTP_EXTENDED, "users-groups-by-id@openssh.com", false, "ii"},
};

static struct handle_text file, target, directory;

/* The tree and the handles that the requests are about, as new. */
static void prepare(void)
{
	handle_table_free(&serving.handles);
	handle_table_init(&serving.handles, 1000);
	(void)remove("f");
	(void)remove("other");
	scratch_write("f", "content");
	if (!scratch_exists("dir"))
		cr_assert_eq(mkdir("dir", 0755), 0);
	if (!scratch_exists("link"))
		cr_assert_eq(symlink("f", "link"), 0);
	file = open_file("f", SFTP_FLAG_READ | SFTP_FLAG_WRITE);
	target = open_file("target", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT | SFTP_FLAG_TRUNC);
	directory = open_directory("dir");
}

static void add_field(struct packet *fields, char field)
{
	switch (field) {
	case 'p':
		packet_add(fields, "s", "f");
		break;
	case 'o':
		packet_add(fields, "s", "other");
		break;
	case 'd':
		packet_add(fields, "s", "dir");
		break;
	case 'l':
		packet_add(fields, "s", "link");
		break;
	case 'h':
		packet_add(fields, "x", HANDLE_FIELD(file));
		break;
	case 't':
		packet_add(fields, "x", HANDLE_FIELD(target));
		break;
	case 'r':
		packet_add(fields, "x", HANDLE_FIELD(directory));
		break;
	case 'n':
		packet_add(fields, "s", "");
		break;
	case 'i':
		packet_add(fields, "uuu", 8u, 0u, 1u);
		break;
	case 'q':
		packet_add(fields, "q", UINT64_C(0));
		break;
	case 'u':
		packet_add(fields, "u", 1u);
		break;
	case 'a':
		packet_add(fields, "uu", SFTP_ATTR_PERMISSIONS, 0700u);
		break;
	case 'w':
		packet_add(fields, "s", "data");
		break;
	default:
		abort();
	}
}

/* Sends the request with only the first len bytes of its fields.  Returns whether that was all. */
static bool ask_cut(const struct known_request *request, size_t len)
{
	static struct packet fields;
	bool whole;

	fields.len = 0;
	for (const char *field = request->fields; *field != '\0'; field++)
		add_field(&fields, *field);
	whole = len >= fields.len;
	if (!whole)
		fields.len = len;
	if (request->extension != NULL)
		ask_extended(request->extension, "r", (const void *)fields.bytes, fields.len);
	else
		ask(request->type, "r", (const void *)fields.bytes, fields.len);
	return whole;
}

static void ask_whole(const struct known_request *request)
{
	cr_assert(ask_cut(request, SIZE_MAX));
}

static bool replied_success(void)
{
	return serving_reply.bytes[0] != SFTP_STATUS || packet_u32(&serving_reply, 5) == SFTP_OK ||
	       packet_u32(&serving_reply, 5) == SFTP_EOF;
}

TestSuite(refuse, .init = serving_start, .fini = serving_stop, .timeout = 60);

/* init */

/* VERSION with every extension but those denied, or with none when denied is NULL. */
static void expect_version(const char *denied)
{
	static const char *const extensions[][2] = {
	    {"posix-rename@openssh.com", "1"},
	    {"statvfs@openssh.com", "2"},
	    {"fstatvfs@openssh.com", "2"},
	    {"hardlink@openssh.com", "1"},
	    {"fsync@openssh.com", "1"},
	    {"lsetstat@openssh.com", "1"},
	    {"limits@openssh.com", "1"},
	    {"expand-path@openssh.com", "1"},
	    {"copy-data", "1"},
	    {"home-directory", "1"},
	    {"users-groups-by-id@openssh.com", "1"},
	};
	struct packet init = {.len = 0}, expected = {.len = 0};

	packet_add(&expected, "bu", SFTP_VERSION_REPLY, 3u);
	for (size_t i = 0; i < COUNT(extensions); i++) {
		if (denied != NULL && strstr(denied, extensions[i][0]) == NULL)
			packet_add(&expected, "ss", extensions[i][0], extensions[i][1]);
	}
	packet_add(&init, "buss", SFTP_INIT, 6u, "some-extension@client", "1");
	cr_assert_eq(serving_send(&init), 0);
	cr_expect(packet_equals(&serving_reply, &expected));
}

Test(refuse, init_announces_what_is_permitted)
{
	expect_version("");
	serving_options.denied = "statvfs,limits,open";
	dispatch_set_permissions(&serving_options);
	expect_version("statvfs@openssh.com limits@openssh.com fstatvfs?");
}

Test(refuse, init_announces_nothing_that_writes_when_read_only)
{
	serving_options.read_only = true;
	dispatch_set_permissions(&serving_options);
	expect_version("posix-rename@openssh.com hardlink@openssh.com fsync@openssh.com "
		       "lsetstat@openssh.com copy-data");
}

Test(refuse, nothing_before_init)
{
	struct packet packet = {.len = 0};

	serving_make();
	packet_add(&packet, "bus", SFTP_MKDIR, 1u, "d");
	cr_expect_eq(serving_send(&packet), -EPROTO);
	packet.len = 0;
	packet_add(&packet, "bus", SFTP_EXTENDED, 1u, "limits@openssh.com");
	cr_expect_eq(serving_send(&packet), -EPROTO);
	cr_expect_not(scratch_exists("d"));
}

Test(refuse, packets_that_are_no_requests)
{
	for (int type = 0; type < 256; type++) {
		struct packet packet = {.len = 0};

		packet_add(&packet, "bu", type, 1u);
		for (packet.len = 0; packet.len < 5; packet.len++)
			cr_expect_eq(
			    serving_send(&packet), -EPROTO, "type %d, %zu bytes", type, packet.len);
	}
}

Test(refuse, unknown_types)
{
	for (int type = 0; type < 256; type++) {
		bool known = type == SFTP_INIT || type == SFTP_EXTENDED;

		for (size_t i = 0; i < COUNT(requests); i++)
			known = known || (int)requests[i].type == type;
		if (known)
			continue;
		ask((enum sftp_type)type, "s", "f");
		cr_expect(
		    replied_status(SFTP_OP_UNSUPPORTED, "Operation unsupported"), "type %d", type);
	}
}

Test(refuse, unknown_extensions)
{
	static const char *const names[] = {
	    "", "f", "limits", "limits@openssh.co", "limits@openssh.comm", "open"};

	for (size_t i = 0; i < COUNT(names); i++) {
		ask_extended(names[i], "s", "f");
		cr_expect(
		    replied_status(SFTP_OP_UNSUPPORTED, "Operation unsupported"), "%s", names[i]);
	}
	ask(SFTP_EXTENDED, "u", 100u);
	cr_expect(replied_errno(EBADMSG, SFTP_BAD_MESSAGE));
	ask(SFTP_EXTENDED, "");
	cr_expect(replied_errno(EBADMSG, SFTP_BAD_MESSAGE));
}

/* every request */

Test(refuse, every_request_works_when_whole_and_is_malformed_when_cut)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		prepare();
		for (size_t len = 0; !ask_cut(&requests[i], len); len++) {
			cr_expect(replied_errno(EBADMSG, SFTP_BAD_MESSAGE), "%s cut to %zu",
			    requests[i].name, len);
			cr_expect_str_eq(scratch_read("f"), "content");
			cr_expect_eq(scratch_lstat("f").st_mode & 07777, 0644);
			cr_expect(scratch_exists("dir"));
			cr_expect_not(scratch_exists("other"));
			cr_expect_eq(scratch_lstat("target").st_size, 0);
		}
		cr_expect(replied_success(), "%s", requests[i].name);
	}
}

/* The request's fields, all of them; and where the length of each string stands. */
static size_t make_fields(
    const struct known_request *request, struct packet *fields, size_t places[4])
{
	size_t count = 0;

	fields->len = 0;
	for (const char *field = request->fields; *field != '\0'; field++) {
		if (strchr("podlhtrniw", *field) != NULL)
			places[count++] = fields->len;
		add_field(fields, *field);
	}
	return count;
}

/* Sends the request with the length of one string changed.  Returns whether it has that string. */
static bool ask_longer(const struct known_request *request, size_t string, uint32_t by)
{
	static struct packet fields, number;
	size_t places[4], count = make_fields(request, &fields, places);

	if (string >= count)
		return false;
	number.len = 0;
	packet_add(&number, "u", packet_u32(&fields, places[string]) + by);
	memcpy(fields.bytes + places[string], number.bytes, 4);
	if (request->extension != NULL)
		ask_extended(request->extension, "r", (const void *)fields.bytes, fields.len);
	else
		ask(request->type, "r", (const void *)fields.bytes, fields.len);
	return true;
}

static void expect_malformed_when_longer(const struct known_request *request, uint32_t by)
{
	prepare();
	for (size_t string = 0; ask_longer(request, string, by); string++) {
		cr_expect(replied_errno(EBADMSG, SFTP_BAD_MESSAGE), "%s, string %zu, %u more",
		    request->name, string, by);
		cr_expect_str_eq(scratch_read("f"), "content");
		cr_expect_not(scratch_exists("other"));
		cr_expect_eq(scratch_lstat("target").st_size, 0);
	}
}

Test(refuse, every_request_is_malformed_when_a_length_is_wrong)
{
	static const uint32_t more[] = {100, 0x10000, 0x7ffffff0, 0xffff0000};

	for (size_t i = 0; i < COUNT(requests); i++) {
		for (size_t by = 0; by < COUNT(more); by++)
			expect_malformed_when_longer(&requests[i], more[by]);
	}
}

Test(refuse, bytes_behind_the_last_field_are_ignored)
{
	ask(SFTP_MKDIR, "suqqq", "d", 0u, UINT64_MAX, UINT64_MAX, UINT64_MAX);
	cr_expect(replied_ok());
}

Test(refuse, read_only)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		serving_options.read_only = false;
		dispatch_set_permissions(&serving_options);
		prepare();
		serving_options.read_only = true;
		dispatch_set_permissions(&serving_options);
		ask_whole(&requests[i]);
		if (requests[i].writes)
			cr_expect(replied_status(SFTP_PERMISSION_DENIED, "the server is read-only"),
			    "%s", requests[i].name);
		else
			cr_expect(replied_success(), "%s", requests[i].name);
	}
}

Test(refuse, read_only_open)
{
	static const uint32_t flags[] = {SFTP_FLAG_WRITE, SFTP_FLAG_READ | SFTP_FLAG_WRITE,
	    SFTP_FLAG_READ | SFTP_FLAG_CREAT, SFTP_FLAG_READ | SFTP_FLAG_TRUNC};

	scratch_write("f", "content");
	serving_options.read_only = true;
	dispatch_set_permissions(&serving_options);
	for (size_t i = 0; i < COUNT(flags); i++) {
		ask(SFTP_OPEN, "suu", "f", flags[i], 0u);
		cr_expect(replied_status(SFTP_PERMISSION_DENIED, "the server is read-only"));
	}
	(void)open_file("f", SFTP_FLAG_READ);
	cr_expect_str_eq(scratch_read("f"), "content");
}

Test(refuse, denied_by_name)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		char denied[64];

		serving_options.denied = NULL;
		dispatch_set_permissions(&serving_options);
		prepare();
		snprintf(denied, sizeof(denied), "x,%s", requests[i].name);
		serving_options.denied = denied;
		dispatch_set_permissions(&serving_options);
		ask_whole(&requests[i]);
		cr_expect(replied_status(SFTP_PERMISSION_DENIED, "the server denies this request"),
		    "%s", requests[i].name);
	}
}

Test(refuse, allowed_by_name)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		serving_options.allowed = NULL;
		dispatch_set_permissions(&serving_options);
		prepare();
		serving_options.allowed = requests[i].name;
		dispatch_set_permissions(&serving_options);
		for (size_t other = 0; other < COUNT(requests); other++) {
			if (other == i)
				continue;
			ask_whole(&requests[other]);
			cr_expect(replied_status(SFTP_PERMISSION_DENIED,
				      "the server does not allow this request"),
			    "%s", requests[other].name);
		}
		ask_whole(&requests[i]);
		cr_expect(replied_success(), "%s", requests[i].name);
	}
}

Test(refuse, denied_beats_allowed)
{
	serving_options.allowed = "stat,lstat";
	serving_options.denied = "stat";
	dispatch_set_permissions(&serving_options);
	ask(SFTP_STAT, "s", ".");
	cr_expect(replied_status(SFTP_PERMISSION_DENIED, "the server denies this request"));
	ask(SFTP_LSTAT, "s", ".");
	cr_expect_eq(serving_reply.bytes[0], SFTP_ATTRS);
}

Test(refuse, a_session_that_is_not_admitted_is_told_so)
{
	prepare();
	serving.refusal = "server is draining: come back later";
	/* No extensions: the first request is one whose failure the client shows. */
	expect_version(NULL);
	cr_expect_eq(serving.refused_ns, 0);
	for (size_t i = 0; i < COUNT(requests); i++) {
		ask_whole(&requests[i]);
		cr_expect(replied_status(SFTP_FAILURE, serving.refusal), "%s", requests[i].name);
		cr_expect_neq(serving.refused_ns, 0);
	}
	cr_expect_str_eq(scratch_read("f"), "content");
}

Test(refuse, draining_refuses_only_what_opens)
{
	static const enum policy_drain drains[] = {
	    POLICY_DRAIN_SESSION, POLICY_DRAIN_TRANSFER, POLICY_DRAIN_NOW};

	for (size_t d = 0; d < COUNT(drains); d++) {
		for (size_t i = 0; i < COUNT(requests); i++) {
			bool opens =
			    requests[i].type == SFTP_OPEN || requests[i].type == SFTP_OPENDIR;

			serving_session.plan.drain = POLICY_DRAIN_UNSET;
			prepare();
			serving_session.plan.drain = drains[d];
			serving_session.plan.deadline_ns = UINT64_MAX;
			snprintf(serving_session.plan.message, ORDER_MESSAGE_MAX, "%s",
			    d == 1 ? "" : "bye");
			ask_whole(&requests[i]);
			if (!opens || drains[d] == POLICY_DRAIN_SESSION)
				cr_expect(replied_success(), "%s", requests[i].name);
			else
				cr_expect(replied_status(SFTP_FAILURE,
				    d == 1 ? "server is draining" : "server is draining: bye"));
		}
	}
}

/* names */

Test(refuse, names_are_printed_in_order)
{
	char *text = NULL, *at;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	dispatch_print_names(out);
	fclose(out);
	at = text;
	for (size_t i = 0; i < COUNT(requests); i++) {
		size_t name = strlen(requests[i].name);

		cr_assert_eq(strncmp(at, requests[i].name, name), 0);
		cr_assert_eq(at[name], '\n');
		at += name + 1;
	}
	cr_expect_eq(*at, '\0');
	free(text);
}

Test(refuse, names_known)
{
	char unknown[8] = "";

	cr_expect(dispatch_names_known("", unknown, sizeof(unknown)));
	cr_expect(dispatch_names_known("open,limits,posix-rename", unknown, sizeof(unknown)));
	cr_expect_not(dispatch_names_known("open,opem,x", unknown, sizeof(unknown)));
	cr_expect_str_eq(unknown, "opem");
	cr_expect_not(dispatch_names_known("open,limits@openssh.com", unknown, sizeof(unknown)));
	cr_expect_str_eq(unknown, "limits@");
	cr_expect_not(dispatch_names_known("open,,read", unknown, sizeof(unknown)));
	cr_expect_str_empty(unknown);
}
