/* unit tests: requests and replies as text. */
#include "script.h"

#include "codec/sftp.h"

#include <criterion/criterion.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NAMES_MAX 64

static const struct {
	const char *name;
	enum sftp_type type;
	const char *extension;
} requests[] = {
    {"open", SFTP_OPEN, NULL},
    {"close", SFTP_CLOSE, NULL},
    {"read", SFTP_READ, NULL},
    {"write", SFTP_WRITE, NULL},
    {"lstat", SFTP_LSTAT, NULL},
    {"fstat", SFTP_FSTAT, NULL},
    {"setstat", SFTP_SETSTAT, NULL},
    {"fsetstat", SFTP_FSETSTAT, NULL},
    {"opendir", SFTP_OPENDIR, NULL},
    {"readdir", SFTP_READDIR, NULL},
    {"remove", SFTP_REMOVE, NULL},
    {"mkdir", SFTP_MKDIR, NULL},
    {"rmdir", SFTP_RMDIR, NULL},
    {"realpath", SFTP_REALPATH, NULL},
    {"stat", SFTP_STAT, NULL},
    {"rename", SFTP_RENAME, NULL},
    {"readlink", SFTP_READLINK, NULL},
    {"symlink", SFTP_SYMLINK, NULL},
    {"posix-rename", SFTP_EXTENDED, "posix-rename@openssh.com"},
    {"statvfs", SFTP_EXTENDED, "statvfs@openssh.com"},
    {"fstatvfs", SFTP_EXTENDED, "fstatvfs@openssh.com"},
    {"hardlink", SFTP_EXTENDED, "hardlink@openssh.com"},
    {"fsync", SFTP_EXTENDED, "fsync@openssh.com"},
    {"lsetstat", SFTP_EXTENDED, "lsetstat@openssh.com"},
    {"limits", SFTP_EXTENDED, "limits@openssh.com"},
    {"expand-path", SFTP_EXTENDED, "expand-path@openssh.com"},
    {"copy-data", SFTP_EXTENDED, "copy-data"},
    {"home-directory", SFTP_EXTENDED, "home-directory"},
    {"users-groups-by-id", SFTP_EXTENDED, "users-groups-by-id@openssh.com"},
};

/* requests */

static void add_name(struct packet *packet, const char *name, uint32_t id)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		if (strcmp(requests[i].name, name) != 0)
			continue;
		packet_add(packet, "bu", (int)requests[i].type, id);
		if (requests[i].extension != NULL)
			packet_add(packet, "s", requests[i].extension);
		return;
	}
	if (strchr(name, '@') != NULL)
		packet_add(packet, "bus", SFTP_EXTENDED, id, name);
	else
		packet_add(packet, "bu", atoi(name), id);
}

/* The string between two quotes; returns what follows. */
static const char *add_quoted(struct packet *packet, const char *text)
{
	char bytes[512];
	size_t len = 0;

	while (*text != '\'') {
		unsigned int byte = 0;

		cr_assert(*text != '\0' && len < sizeof(bytes));
		if (strncmp(text, "\\x", 2) == 0) {
			cr_assert_eq(sscanf(text + 2, "%2x", &byte), 1);
			bytes[len++] = (char)byte;
			text += 4;
		} else {
			bytes[len++] = *text++;
		}
	}
	packet_add(packet, "x", (const void *)bytes, len);
	return text + 1;
}

static void add_ids(struct packet *packet, const char *text)
{
	static struct packet ids;

	ids.len = 0;
	while (*text >= '0' && *text <= '9') {
		char *end;

		packet_add(&ids, "u", (unsigned int)strtoul(text, &end, 0));
		text = end + (*end == ',');
	}
	packet_add(packet, "x", (const void *)ids.bytes, ids.len);
}

/* Values in the protocol's order, the flags before them. */
static void add_attrs(struct packet *packet, const char *text)
{
	unsigned int flags = 0, mode = 0, atime = 0, mtime = 0;
	uint64_t size = 0;

	while (*text != ' ' && *text != '\0') {
		if (sscanf(text, "size:%li", (long *)&size) == 1)
			flags |= SFTP_ATTR_SIZE;
		else if (strncmp(text, "owner", 5) == 0)
			flags |= SFTP_ATTR_UIDGID;
		else if (sscanf(text, "mode:%i", (int *)&mode) == 1)
			flags |= SFTP_ATTR_PERMISSIONS;
		else if (sscanf(text, "times:%u,%u", &atime, &mtime) == 2)
			flags |= SFTP_ATTR_TIMES;
		else
			cr_assert_eq(strncmp(text, "none", 4), 0, "\"%s\"", text);
		text += strcspn(text, "+ ");
		text += *text == '+';
	}
	packet_add(packet, "u", flags);
	if (flags & SFTP_ATTR_SIZE)
		packet_add(packet, "q", size);
	if (flags & SFTP_ATTR_UIDGID)
		packet_add(packet, "uu", getuid(), getgid());
	if (flags & SFTP_ATTR_PERMISSIONS)
		packet_add(packet, "u", mode);
	if (flags & SFTP_ATTR_TIMES)
		packet_add(packet, "uu", atime, mtime);
}

static void add_field(struct packet *packet, const char *text, const struct script_handles *handles)
{
	static char many[8192];
	size_t place;

	switch (*text) {
	case '@':
		memset(many, 'x', sizeof(many));
		packet_add(packet, "x", (const void *)many, (size_t)atoi(text + 1));
		return;
	case '#':
		place = (size_t)(text[1] - 'A');
		packet_add(
		    packet, "x", (const void *)handles->of[place].bytes, handles->of[place].len);
		return;
	default:
		break;
	}
	if (strncmp(text, "i:", 2) == 0)
		add_ids(packet, text + 2);
	else if (strncmp(text, "u:", 2) == 0)
		packet_add(packet, "u", (unsigned int)strtoul(text + 2, NULL, 0));
	else if (strncmp(text, "q:", 2) == 0)
		packet_add(packet, "q", (uint64_t)strtoull(text + 2, NULL, 0));
	else
		add_attrs(packet, text);
}

void script_request(
    struct packet *packet, const char *text, uint32_t id, const struct script_handles *handles)
{
	char name[64];
	size_t len = strcspn(text, " ");

	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	packet->len = 0;
	add_name(packet, name, id);
	for (text += len; *text != '\0';) {
		text += *text == ' ';
		if (*text == '\'') {
			text = add_quoted(packet, text + 1);
		} else {
			add_field(packet, text, handles);
			text += strcspn(text, " ");
		}
	}
}

/* replies */

static char shown[16384];

struct cursor {
	const struct packet *packet;
	size_t at;
};

static uint32_t take_u32(struct cursor *cursor)
{
	uint32_t value = packet_u32(cursor->packet, cursor->at);

	cursor->at += 4;
	return value;
}

static uint64_t take_u64(struct cursor *cursor)
{
	uint64_t high = take_u32(cursor);

	return high << 32 | take_u32(cursor);
}

/* A string with what differs from place to place taken out; freed by the caller. */
static char *take_string(struct cursor *cursor, const char *replace, const char *word)
{
	size_t len = take_u32(cursor), size = 0, replaced = strlen(replace);
	const char *from = (const char *)cursor->packet->bytes + cursor->at;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	cr_assert(len <= cursor->packet->len - cursor->at, "a string ends behind the reply");
	cr_assert_not_null(out);
	for (size_t i = 0; i < len;) {
		if (replaced > 0 && len - i >= replaced &&
		    memcmp(from + i, replace, replaced) == 0) {
			fputs(word, out);
			i += replaced;
		} else if (from[i] >= ' ' && from[i] < 0x7f) {
			fputc(from[i++], out);
		} else {
			fprintf(out, "\\x%02x", (unsigned char)from[i++]);
		}
	}
	cursor->at += len;
	cr_assert_eq(fclose(out), 0);
	return text;
}

static void show_string(FILE *out, struct cursor *cursor, const char *directory)
{
	char *text = take_string(cursor, directory, "$D");

	fprintf(out, " '%s'", text);
	free(text);
}

static void show_attrs(FILE *out, struct cursor *cursor)
{
	uint32_t flags = take_u32(cursor), uid, gid;

	if (flags == 0) {
		fprintf(out, " none");
		return;
	}
	cr_assert_eq(flags, 15, "flags 0x%x of attributes", flags);
	fprintf(out, " size=%llu", (unsigned long long)take_u64(cursor));
	uid = take_u32(cursor);
	gid = take_u32(cursor);
	if (uid == getuid() && gid == getgid())
		fprintf(out, " own");
	else
		fprintf(out, " uid=%u gid=%u", uid, gid);
	fprintf(out, " mode=0%o", take_u32(cursor));
	fprintf(out, " atime=%u", take_u32(cursor));
	fprintf(out, " mtime=%u", take_u32(cursor));
}

/* "user     group   " as a long name has it. */
static const char *owner_columns(void)
{
	static char text[256];
	const struct passwd *user = getpwuid(getuid());
	char user_name[100], group_name[100];
	const struct group *group;

	cr_assert_not_null(user);
	snprintf(user_name, sizeof(user_name), "%s", user->pw_name);
	group = getgrgid(getgid());
	snprintf(group_name, sizeof(group_name), "%s", group == NULL ? "" : group->gr_name);
	snprintf(text, sizeof(text), "%-8s %-8s", user_name, group_name);
	return text;
}

static int by_text(const void *one, const void *two)
{
	return strcmp(*(char *const *)one, *(char *const *)two);
}

/* One name of a READDIR as a text of its own; NULL for "." and "..". */
static char *show_entry(struct cursor *cursor)
{
	char *name = take_string(cursor, "", ""), *text = NULL;
	bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
	char *long_name = take_string(cursor, owner_columns(), "$O");
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert_not_null(out);
	fprintf(out, " '%s' '%s'", name, long_name);
	show_attrs(out, cursor);
	cr_assert_eq(fclose(out), 0);
	free(name);
	free(long_name);
	if (!dots)
		return text;
	free(text);
	return NULL;
}

static void show_entries(FILE *out, struct cursor *cursor)
{
	uint32_t count = take_u32(cursor);
	char *entries[NAMES_MAX];
	size_t kept = 0;

	cr_assert(count > 0 && count < NAMES_MAX);
	for (uint32_t i = 0; i < count; i++) {
		entries[kept] = show_entry(cursor);
		kept += entries[kept] != NULL;
	}
	qsort(entries, kept, sizeof(entries[0]), by_text);
	fprintf(out, "NAME");
	for (size_t i = 0; i < kept; i++) {
		fputs(entries[i], out);
		free(entries[i]);
	}
}

static void show_one_name(FILE *out, struct cursor *cursor, const char *directory)
{
	cr_assert_eq(take_u32(cursor), 1);
	fprintf(out, "NAME");
	show_string(out, cursor, directory);
	show_string(out, cursor, directory);
	show_attrs(out, cursor);
}

/* Blocks and files that are free change by themselves. */
static void show_statvfs(FILE *out, struct cursor *cursor)
{
	static const char *const fields[] = {"bsize", "frsize", "blocks", NULL, NULL, "files", NULL,
	    NULL, "fsid", "flag", "namemax"};

	for (size_t i = 0; i < COUNT(fields); i++) {
		uint64_t value = take_u64(cursor);

		if (fields[i] != NULL)
			fprintf(out, " %s=%llu", fields[i], (unsigned long long)value);
	}
}

/* How many handles there may be is a matter of limits. */
static void show_limits(FILE *out, struct cursor *cursor)
{
	for (int i = 0; i < 3; i++)
		fprintf(out, " %llu", (unsigned long long)take_u64(cursor));
	cr_expect_gt(take_u64(cursor), 0);
}

static void show_name_lists(FILE *out, struct cursor *cursor)
{
	for (int i = 0; i < 2; i++) {
		size_t end = take_u32(cursor);

		end += cursor->at;
		fprintf(out, " [");
		while (cursor->at < end)
			show_string(out, cursor, "");
		cr_assert_eq(cursor->at, end);
		fprintf(out, " ]");
	}
}

static void show_extended(FILE *out, struct cursor *cursor, const char *request)
{
	fprintf(out, "EXTENDED");
	if (strncmp(request, "limits", 6) == 0)
		show_limits(out, cursor);
	else if (strncmp(request, "users", 5) == 0)
		show_name_lists(out, cursor);
	else
		show_statvfs(out, cursor);
}

static void show_status(FILE *out, struct cursor *cursor)
{
	uint32_t code = take_u32(cursor);
	char *text = take_string(cursor, "", ""), *language = take_string(cursor, "", "");

	cr_expect_str_empty(language);
	if (code == SFTP_OK && strcmp(text, "Success") == 0)
		fprintf(out, "OK");
	else
		fprintf(out, "STATUS %u '%s'", code, text);
	free(text);
	free(language);
}

static void learn_handle(
    FILE *out, struct cursor *cursor, const char *expected, struct script_handles *handles)
{
	size_t len = take_u32(cursor);
	const uint8_t *bytes = cursor->packet->bytes + cursor->at;

	cr_assert(len <= SCRIPT_HANDLE_MAX && len <= cursor->packet->len - cursor->at);
	cursor->at += len;
	fprintf(out, "HANDLE");
	if (strncmp(expected, "HANDLE ", 7) != 0)
		return;
	handles->of[expected[7] - 'A'].len = len;
	memcpy(handles->of[expected[7] - 'A'].bytes, bytes, len);
	fprintf(out, " %c", expected[7]);
}

const char *script_show(const struct packet *reply, uint32_t id, const char *request,
    const char *directory, const char *expected, struct script_handles *handles)
{
	struct cursor cursor = {.packet = reply, .at = 1};
	FILE *out = fmemopen(shown, sizeof(shown), "w");

	cr_assert_not_null(out);
	cr_assert_eq(take_u32(&cursor), id, "the reply is to another request");
	switch (reply->bytes[0]) {
	case SFTP_STATUS:
		show_status(out, &cursor);
		break;
	case SFTP_HANDLE:
		learn_handle(out, &cursor, expected, handles);
		break;
	case SFTP_DATA:
		fprintf(out, "DATA");
		show_string(out, &cursor, "");
		break;
	case SFTP_NAME:
		if (strncmp(request, "readdir", 7) == 0)
			show_entries(out, &cursor);
		else
			show_one_name(out, &cursor, directory);
		break;
	case SFTP_ATTRS:
		fprintf(out, "ATTRS");
		show_attrs(out, &cursor);
		break;
	case SFTP_EXTENDED_REPLY:
		show_extended(out, &cursor, request);
		break;
	default:
		fprintf(out, "type %d", reply->bytes[0]);
		break;
	}
	if (cursor.at != reply->len)
		fprintf(out, " and %zu bytes more", reply->len - cursor.at);
	cr_assert_eq(fclose(out), 0);
	return shown;
}
