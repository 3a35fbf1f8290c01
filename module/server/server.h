/* server: what one SFTP session knows, as its operations see it.  Nothing else. */
#ifndef SD_SERVER_SERVER_H
#define SD_SERVER_SERVER_H

#include "codec/request.h"
#include "server/handle.h"
#include "server/options.h"
#include "server/reply.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct output;
struct session;

struct server {
	const struct options *options;
	struct session *session;
	struct output *output; /* of the engine; NULL without one */
	struct handle_table handles;
	bool initialised; /* INIT has been answered */
	const char
	    *refusal; /* not NULL: this session was not admitted, and every request is told so */
	uint64_t refused_ns;        /* when one was told so last; 0: not yet */
	size_t bytes_in, bytes_out; /* of file data, since the engine last looked */
	uint64_t last_close_ns;     /* when the last handle was closed; 0: there was none */
	/* Large, so last: what is looked at in each turn shares a page. */
	struct request request;         /* the one being carried out; too large for a stack frame */
	char start_directory[PATH_MAX]; /* op_start_directory; empty: not asked for yet */
};

/* An operation carries out one request, parsed whole, and makes its reply.  It never fails
 * otherwise. */
typedef void (*operation)(
    struct server *server, const struct request *request, struct reply *reply);

/* Each operation is named after its request (draft-ietf-secsh-filexfer-02 section 6; OpenSSH
 * PROTOCOL section 4 for the extensions). */
void op_open(struct server *server, const struct request *request, struct reply *reply);
void op_close(struct server *server, const struct request *request, struct reply *reply);
void op_read(struct server *server, const struct request *request, struct reply *reply);
void op_write(struct server *server, const struct request *request, struct reply *reply);
void op_lstat(struct server *server, const struct request *request, struct reply *reply);
void op_fstat(struct server *server, const struct request *request, struct reply *reply);
void op_setstat(struct server *server, const struct request *request, struct reply *reply);
void op_fsetstat(struct server *server, const struct request *request, struct reply *reply);
void op_opendir(struct server *server, const struct request *request, struct reply *reply);
void op_readdir(struct server *server, const struct request *request, struct reply *reply);
void op_remove(struct server *server, const struct request *request, struct reply *reply);
void op_mkdir(struct server *server, const struct request *request, struct reply *reply);
void op_rmdir(struct server *server, const struct request *request, struct reply *reply);
void op_realpath(struct server *server, const struct request *request, struct reply *reply);
void op_stat(struct server *server, const struct request *request, struct reply *reply);
void op_rename(struct server *server, const struct request *request, struct reply *reply);
void op_readlink(struct server *server, const struct request *request, struct reply *reply);
void op_symlink(struct server *server, const struct request *request, struct reply *reply);
void op_posix_rename(struct server *server, const struct request *request, struct reply *reply);
void op_statvfs(struct server *server, const struct request *request, struct reply *reply);
void op_fstatvfs(struct server *server, const struct request *request, struct reply *reply);
void op_hardlink(struct server *server, const struct request *request, struct reply *reply);
void op_fsync(struct server *server, const struct request *request, struct reply *reply);
void op_lsetstat(struct server *server, const struct request *request, struct reply *reply);
void op_limits(struct server *server, const struct request *request, struct reply *reply);
void op_expand_path(struct server *server, const struct request *request, struct reply *reply);
void op_copy_data(struct server *server, const struct request *request, struct reply *reply);
void op_home_directory(struct server *server, const struct request *request, struct reply *reply);
void op_users_groups_by_id(
    struct server *server, const struct request *request, struct reply *reply);

/* Writes the log line of a handle that is closed; prefix is "" or "forced ". */
void op_log_close(const struct handle *handle, const char *prefix);

/* The directory that the session started in, absolute.  It never goes elsewhere. */
const char *op_start_directory(struct server *server);

/* The open handle of that kind that a request means, or NULL after the reply has been made. */
struct handle *op_find_handle(
    struct server *server, struct wire_span bytes, enum handle_kind kind, struct reply *reply);

/* Writes all of the data at an offset (with O_APPEND: at the end): a short write is finished, or its
 * reason told.  Returns the bytes written; *error is 0 or the negative errno that ended it. */
size_t op_write_all(int fd, struct wire_span data, uint64_t offset, int *error);

#endif
