/* server: operations on names: REMOVE, RENAME, links, REALPATH, expand-path. */
#include "server/log_name.h"
#include "server/path.h"
#include "server/server.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void op_remove(struct server *server, const struct request *request, struct reply *reply)
{
	const char *name = request->paths[0];

	(void)server;
	log_info("remove name \"%s\"", log_name(name));
	reply_errno(reply, unlink(name) != 0 ? -errno : 0);
}

/* For file systems that cannot refuse to replace in one step. */
static int rename_by_link(const char *from, const char *to)
{
	struct stat st;

	if (lstat(from, &st) != 0)
		return -errno;
	if (S_ISREG(st.st_mode) && link(from, to) == 0) {
		if (unlink(from) == 0)
			return 0;
		unlink(to);
		return -EIO;
	}
	if (S_ISREG(st.st_mode) && errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM &&
	    errno != EXDEV)
		return -errno;
	if (lstat(to, &st) == 0)
		return -EEXIST;
	return rename(from, to) != 0 ? -errno : 0;
}

/* Version 3 lets RENAME fail when the new name exists [6.5], and OpenSSH makes it so. */
void op_rename(struct server *server, const struct request *request, struct reply *reply)
{
	const char *from = request->paths[0], *to = request->paths[1];
	int rc = 0;

	(void)server;
	log_info("rename old \"%s\" new \"%s\"", log_name(from), log_name(to));
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0)
		rc = errno == EINVAL || errno == ENOSYS ? rename_by_link(from, to) : -errno;
	reply_errno(reply, rc);
}

void op_posix_rename(struct server *server, const struct request *request, struct reply *reply)
{
	const char *from = request->paths[0], *to = request->paths[1];

	(void)server;
	log_info("posix-rename old \"%s\" new \"%s\"", log_name(from), log_name(to));
	reply_errno(reply, rename(from, to) != 0 ? -errno : 0);
}

/* OpenSSH takes the target first and the link's own name second, against the draft; every client
 * knows (OpenSSH PROTOCOL 4.1). */
void op_symlink(struct server *server, const struct request *request, struct reply *reply)
{
	const char *target = request->paths[0], *name = request->paths[1];

	(void)server;
	log_info("symlink old \"%s\" new \"%s\"", log_name(target), log_name(name));
	reply_errno(reply, symlink(target, name) != 0 ? -errno : 0);
}

void op_hardlink(struct server *server, const struct request *request, struct reply *reply)
{
	const char *from = request->paths[0], *to = request->paths[1];

	(void)server;
	log_info("hardlink old \"%s\" new \"%s\"", log_name(from), log_name(to));
	reply_errno(reply, link(from, to) != 0 ? -errno : 0);
}

void op_readlink(struct server *server, const struct request *request, struct reply *reply)
{
	const char *name = request->paths[0];
	char target[PATH_MAX];
	ssize_t len;

	(void)server;
	log_verbose("readlink \"%s\"", log_name(name));
	len = readlink(name, target, sizeof(target) - 1);
	if (len < 0) {
		reply_errno(reply, -errno);
		return;
	}
	target[len] = '\0';
	reply_one_name(reply, target);
}

const char *op_start_directory(struct server *server)
{
	char *directory = server->start_directory;

	if (directory[0] == '\0' && getcwd(directory, sizeof(server->start_directory)) == NULL)
		strcpy(directory, "?");
	return directory;
}

static void reply_resolved(const char *path, struct reply *reply)
{
	char resolved[PATH_MAX];
	int rc = path_resolve(path, resolved);

	if (rc != 0)
		reply_errno(reply, rc);
	else
		reply_one_name(reply, resolved);
}

void op_realpath(struct server *server, const struct request *request, struct reply *reply)
{
	const char *path = request->paths[0][0] == '\0' ? "." : request->paths[0];

	(void)server;
	log_verbose("realpath \"%s\"", log_name(path));
	reply_resolved(path, reply);
}

/* As OpenSSH shows it: absolute, unless nothing was asked for. */
static void log_expanded(const char *asked, const char *path)
{
	char directory[PATH_MAX], absolute[PATH_MAX];

	if (!log_enabled(LEVEL_VERBOSE))
		return;
	if (asked[0] != '\0' && getcwd(directory, sizeof(directory)) != NULL)
		path = path_absolute(directory, path, absolute);
	log_verbose("expand \"%s\"", log_name(path));
}

void op_expand_path(struct server *server, const struct request *request, struct reply *reply)
{
	/* As in OpenSSH, the client's own ~ is the directory that its session started in. */
	struct passwd self = {.pw_dir = (char *)(uintptr_t)op_start_directory(server)};
	const char *path = request->paths[0][0] == '\0' ? "." : request->paths[0];
	char expanded[PATH_MAX];
	int rc = path_expand_tilde(path, &self, expanded);

	if (rc == -ENOENT) {
		reply_status(reply, SFTP_NO_SUCH_FILE, "no such user");
		return;
	}
	if (rc != 0) {
		reply_errno(reply, rc);
		return;
	}
	log_expanded(request->paths[0], expanded);
	reply_resolved(expanded, reply);
}
