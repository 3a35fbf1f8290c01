/* server: the one table of requests, and the way of a request through it. */
#include "server/dispatch.h"

#include "codec/sftp.h"
#include "server/log_name.h"
#include "server/output.h"
#include "server/session.h"
#include "server/status.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <string.h>

enum request_trait {
	WRITES = 1, /* refused in read-only mode */
	OPENS = 2,  /* starts something new: refused while the session drains */
	CUTS = 4,   /* may be followed by changes to a file that is not open for writing yet */
	PURE = 8,   /* changes nothing, and may be carried out beside others that do not */
};

/* The order is OpenSSH's: -Q and VERSION show it.  The shape is request_parse's. */
static const struct entry {
	const char *name;
	const char *extension; /* as announced in VERSION; NULL: not an extension */
	const char *version;
	const char *shape;
	operation run;
	uint8_t type;
	uint8_t traits;
} entries[] = {
    {"open", NULL, NULL, "pua", op_open, SFTP_OPEN, OPENS | CUTS},
    {"close", NULL, NULL, "h", op_close, SFTP_CLOSE, 0},
    {"read", NULL, NULL, "hqu", op_read, SFTP_READ, PURE},
    {"write", NULL, NULL, "hqd", op_write, SFTP_WRITE, WRITES},
    {"lstat", NULL, NULL, "p", op_lstat, SFTP_LSTAT, PURE},
    {"fstat", NULL, NULL, "h", op_fstat, SFTP_FSTAT, PURE},
    {"setstat", NULL, NULL, "pa", op_setstat, SFTP_SETSTAT, WRITES | CUTS},
    {"fsetstat", NULL, NULL, "ha", op_fsetstat, SFTP_FSETSTAT, WRITES},
    {"opendir", NULL, NULL, "p", op_opendir, SFTP_OPENDIR, OPENS},
    {"readdir", NULL, NULL, "h", op_readdir, SFTP_READDIR, 0},
    {"remove", NULL, NULL, "p", op_remove, SFTP_REMOVE, WRITES},
    {"mkdir", NULL, NULL, "pa", op_mkdir, SFTP_MKDIR, WRITES},
    {"rmdir", NULL, NULL, "p", op_rmdir, SFTP_RMDIR, WRITES},
    {"realpath", NULL, NULL, "p", op_realpath, SFTP_REALPATH, PURE},
    {"stat", NULL, NULL, "p", op_stat, SFTP_STAT, PURE},
    {"rename", NULL, NULL, "pp", op_rename, SFTP_RENAME, WRITES},
    {"readlink", NULL, NULL, "p", op_readlink, SFTP_READLINK, PURE},
    {"symlink", NULL, NULL, "pp", op_symlink, SFTP_SYMLINK, WRITES},
    {"posix-rename", "posix-rename@openssh.com", "1", "pp", op_posix_rename, SFTP_EXTENDED, WRITES},
    {"statvfs", "statvfs@openssh.com", "2", "p", op_statvfs, SFTP_EXTENDED, PURE},
    {"fstatvfs", "fstatvfs@openssh.com", "2", "h", op_fstatvfs, SFTP_EXTENDED, PURE},
    {"hardlink", "hardlink@openssh.com", "1", "pp", op_hardlink, SFTP_EXTENDED, WRITES},
    {"fsync", "fsync@openssh.com", "1", "h", op_fsync, SFTP_EXTENDED, WRITES},
    {"lsetstat", "lsetstat@openssh.com", "1", "pa", op_lsetstat, SFTP_EXTENDED, WRITES},
    {"limits", "limits@openssh.com", "1", "", op_limits, SFTP_EXTENDED, 0},
    {"expand-path", "expand-path@openssh.com", "1", "p", op_expand_path, SFTP_EXTENDED, 0},
    {"copy-data", "copy-data", "1", "hqlhq", op_copy_data, SFTP_EXTENDED, WRITES},
    {"home-directory", "home-directory", "1", "p", op_home_directory, SFTP_EXTENDED, 0},
    {"users-groups-by-id", "users-groups-by-id@openssh.com", "1", "ii", op_users_groups_by_id,
	SFTP_EXTENDED, 0},
};

/* What a PURE request is answered with, data of files not counted: a path twice, at the most. */
#define PURE_REPLY_MAX (2 * PATH_MAX + 256)

#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

/* What the client is told, and what stands around the request's name in OpenSSH's log line. */
struct refusal {
	const char *text, *before, *after;
};

static const struct refusal read_only = {"the server is read-only", "", " in read-only mode"};
static const struct refusal denied = {"the server denies this request", "denylisted ", ""};
static const struct refusal not_allowed = {
    "the server does not allow this request", "non-allowlisted ", ""};

/* Why a request is refused; NULL: it is not.  One process serves one client, so this is the
 * session's. */
static const struct refusal *refusals[ENTRY_COUNT];

/* Whether name is one of the names, separated by commas, in list. */
static bool list_has(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (list != NULL && *list != '\0') {
		size_t item = strcspn(list, ",");

		if (item == len && memcmp(list, name, len) == 0)
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}

static const struct refusal *refusal_of(const struct entry *entry, const struct options *options)
{
	if (options->read_only && (entry->traits & WRITES))
		return &read_only;
	if (list_has(options->denied, entry->name))
		return &denied;
	if (options->allowed != NULL && !list_has(options->allowed, entry->name))
		return &not_allowed;
	return NULL;
}

void dispatch_set_permissions(const struct options *options)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		const struct refusal *refusal = refusal_of(&entries[i], options);

		/* Where nothing is refused, nothing is written: the page then takes no memory. */
		if (refusals[i] != refusal)
			refusals[i] = refusal;
	}
}

void dispatch_print_names(FILE *out)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++)
		fprintf(out, "%s\n", entries[i].name);
}

bool dispatch_names_known(const char *list, char *unknown, size_t unknown_len)
{
	while (*list != '\0') {
		size_t item = strcspn(list, ",");
		bool known = false;

		for (size_t i = 0; i < ENTRY_COUNT && !known; i++)
			known = strlen(entries[i].name) == item &&
				memcmp(entries[i].name, list, item) == 0;
		if (!known) {
			snprintf(unknown, unknown_len, "%.*s", (int)item, list);
			return false;
		}
		list += item + (list[item] == ',');
	}
	return true;
}

/* Announces version 3 and every permitted extension. */
static void answer_init(struct server *server, struct reply *reply, uint32_t version)
{
	log_verbose("received client version %u", version);
	server->initialised = true;
	reply_version_begin(reply);
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		/* With none announced, the client's first request is one whose failure it shows. */
		if (entries[i].extension == NULL || refusals[i] != NULL || server->refusal != NULL)
			continue;
		wire_put_text(&reply->writer, entries[i].extension);
		wire_put_text(&reply->writer, entries[i].version);
	}
}

static const struct entry *find_entry(uint8_t type)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		if (entries[i].type == type)
			return &entries[i];
	}
	return NULL;
}

static const struct entry *find_extension(struct wire_span name)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		if (entries[i].extension != NULL && strlen(entries[i].extension) == name.len &&
		    memcmp(entries[i].extension, name.data, name.len) == 0)
			return &entries[i];
	}
	return NULL;
}

/* Makes the reply of a request that must not be carried out.  Returns whether it did. */
static bool refuse(struct server *server, const struct entry *entry, struct reply *reply)
{
	const struct refusal *refusal = refusals[entry - entries];
	char text[SESSION_TEXT_MAX];

	if (server->refusal != NULL) {
		server->refused_ns = clock_now_ns();
		reply_status(reply, SFTP_FAILURE, server->refusal);
		return true;
	}
	if (refusal != NULL) {
		log_verbose(
		    "Refusing %s%s request%s", refusal->before, entry->name, refusal->after);
		reply_status(reply, SFTP_PERMISSION_DENIED, refusal->text);
		return true;
	}
	if ((entry->traits & OPENS) && session_refuses_new(server->session)) {
		reply_status(
		    reply, SFTP_FAILURE, session_drain_text(server->session, text, sizeof(text)));
		return true;
	}
	return false;
}

/* Whether the request has to wait until the client has taken the pages of earlier READs: it may
 * change, or lead to changes of, a file that they are of (output_add_pages). */
static bool must_wait(const struct server *server, const struct entry *entry,
    const struct request *request, const struct reply *reply)
{
	bool changes;

	if (!(entry->traits & CUTS) || server->output == NULL || reply->apart)
		return false;
	if (entry->type == SFTP_OPEN)
		changes = (request->number & (SFTP_FLAG_WRITE | SFTP_FLAG_TRUNC)) != 0;
	else
		changes = (request->attrs.flags & SFTP_ATTR_SIZE) != 0;
	return changes && output_shares_pages(server->output);
}

/* The entry of a request whose type has been read: of an extension it reads the name. */
static const struct entry *take_entry(uint8_t type, struct wire_reader *reader)
{
	return type == SFTP_EXTENDED ? find_extension(wire_get_string(reader)) : find_entry(type);
}

/* reader as it was before take_entry. */
static void log_unknown(uint8_t type, struct wire_reader reader)
{
	struct wire_span extension;

	if (type != SFTP_EXTENDED) {
		log_error("Unknown message %u", type);
		return;
	}
	extension = wire_get_string(&reader);
	log_error("Unknown extended request \"%s\"", log_bytes(extension.data, extension.len));
}

/* Returns 0, or -EAGAIN when nothing has been done, for it is too early. */
static int run(struct server *server, struct request *request, uint8_t type,
    struct wire_reader *reader, struct reply *reply)
{
	const struct wire_reader before = *reader;
	const struct entry *entry = take_entry(type, reader);
	int rc;

	if (reader->failed) {
		reply_errno(reply, -EBADMSG);
		return 0;
	}
	if (entry == NULL) {
		log_unknown(type, before);
		reply_status(reply, SFTP_OP_UNSUPPORTED, NULL);
		return 0;
	}
	if (refuse(server, entry, reply))
		return 0;
	rc = request_parse(entry->shape, reader, request);
	if (rc != 0) {
		log_error("request %s is malformed: %s", entry->name, strerror(-rc));
		reply_errno(reply, rc);
		return 0;
	}
	if (must_wait(server, entry, request, reply))
		return -EAGAIN;
	reply->pure = (entry->traits & PURE) != 0;
	entry->run(server, request, reply);
	return reply->again ? -EAGAIN : 0;
}

int dispatch_carry_out(struct server *server, struct request *request, const uint8_t *packet,
    size_t len, struct reply *reply)
{
	struct wire_reader reader = {.data = packet, .len = len};
	uint8_t type = wire_get_u8(&reader);
	int rc;

	reply->id = wire_get_u32(&reader); /* of INIT: the client's version */
	if (reader.failed || (!server->initialised && type != SFTP_INIT))
		return -EPROTO;
	if (type == SFTP_INIT)
		answer_init(server, reply, reply->id);
	else if ((rc = run(server, request, type, &reader, reply)) != 0)
		return rc;
	if (reply->status != SFTP_OK && reply->status != SFTP_EOF)
		log_info("sent status %s", status_text(reply->status));
	return 0;
}

void dispatch_account(struct server *server, const struct reply *reply)
{
	struct handle *handle = reply->read_from;

	if (handle == NULL)
		return;
	handle->read_bytes += reply->read_len;
	server->bytes_out += reply->read_len;
	session_file_moved(
	    server->session, handle->row, FILE_READ, reply->read_at, reply->read_len);
}

int dispatch_packet(struct server *server, const uint8_t *packet, size_t len, struct reply *reply,
    size_t *reply_len)
{
	int rc = dispatch_carry_out(server, &server->request, packet, len, reply);

	if (rc != 0)
		return rc;
	dispatch_account(server, reply);
	*reply_len = reply_end(reply);
	return *reply_len == 0 && !reply->elsewhere ? -EPROTO : 0;
}

bool dispatch_is_pure(const uint8_t *packet, size_t len)
{
	struct wire_reader reader = {.data = packet, .len = len};
	uint8_t type = wire_get_u8(&reader);
	const struct entry *entry;

	(void)wire_get_u32(&reader);
	entry = take_entry(type, &reader);
	return entry != NULL && (entry->traits & PURE) && !reader.failed;
}

size_t dispatch_reply_most(const uint8_t *packet, size_t len)
{
	struct wire_reader reader = {.data = packet, .len = len};
	uint8_t type = wire_get_u8(&reader);
	uint32_t wanted;

	if (!dispatch_is_pure(packet, len))
		return REPLY_MAX;
	if (type != SFTP_READ)
		return PURE_REPLY_MAX;
	(void)wire_get_u32(&reader);
	(void)wire_get_string(&reader);
	(void)wire_get_u64(&reader);
	wanted = wire_get_u32(&reader);
	return PURE_REPLY_MAX + (wanted < SFTP_DATA_MAX ? wanted : SFTP_DATA_MAX);
}
