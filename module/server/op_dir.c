/* server: operations on directories: OPENDIR, READDIR, MKDIR, RMDIR. */
#include "server/directory.h"
#include "server/log_name.h"
#include "server/longname.h"
#include "server/server.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a reply to READDIR is filled to.  Clients that read packets of a fixed size take this much;
 * larger ones bring no speed. */
#define NAMES_BYTES 32768u

void op_opendir(struct server *server, const struct request *request, struct reply *reply)
{
	const char *name = request->paths[0];
	struct directory *directory;
	struct handle *handle = NULL;
	uint8_t bytes[HANDLE_BYTES];
	int fd;

	log_info("opendir \"%s\"", log_name(name));
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		reply_errno(reply, -errno);
		return;
	}
	directory = directory_new(fd);
	if (directory != NULL)
		handle = handle_open(&server->handles, HANDLE_DIR, fd, O_RDONLY, name, directory);
	if (handle == NULL) {
		directory_free(directory);
		close(fd);
		reply_status(reply, SFTP_FAILURE, "too many open handles");
		return;
	}
	handle_bytes(&server->handles, handle, bytes);
	reply_handle(reply, bytes, sizeof(bytes));
}

void op_readdir(struct server *server, const struct request *request, struct reply *reply)
{
	struct handle *handle = op_find_handle(server, request->handles[0], HANDLE_DIR, reply);
	char longname[NAME_MAX + LONGNAME_EXTRA];
	const char *name = NULL;
	int rc;

	if (handle == NULL)
		return;
	reply_names_begin(reply);
	while ((rc = directory_peek(handle->directory, &name)) == 1) {
		struct attrs attrs;
		struct stat st;

		/* Gone since it was listed: not worth a word. */
		if (fstatat(handle->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			directory_taken(handle->directory);
			continue;
		}
		attrs_from_stat(&st, &attrs);
		longname_format(name, &st, longname);
		if (!reply_names_add(reply, name, longname, &attrs, NAMES_BYTES))
			break;
		directory_taken(handle->directory);
	}
	if (rc < 0 && reply->name_count == 0)
		reply_errno(reply, rc);
	else
		reply_names_end(reply);
}

void op_mkdir(struct server *server, const struct request *request, struct reply *reply)
{
	const char *name = request->paths[0];
	mode_t mode = request->attrs.flags & SFTP_ATTR_PERMISSIONS
			  ? (mode_t)request->attrs.permissions & 07777
			  : 0777;

	(void)server;
	log_info("mkdir name \"%s\" mode 0%o", log_name(name), (unsigned int)mode);
	reply_errno(reply, mkdir(name, mode) != 0 ? -errno : 0);
}

void op_rmdir(struct server *server, const struct request *request, struct reply *reply)
{
	const char *name = request->paths[0];

	(void)server;
	log_info("rmdir name \"%s\"", log_name(name));
	reply_errno(reply, rmdir(name) != 0 ? -errno : 0);
}
