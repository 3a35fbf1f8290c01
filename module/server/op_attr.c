/* server: operations on attributes: STAT, SETSTAT and their kin, statvfs, limits. */
#include "server/log_name.h"
#include "server/server.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static void reply_stat(int rc, const struct stat *st, struct reply *reply)
{
	struct attrs attrs;

	if (rc != 0) {
		reply_errno(reply, -errno);
		return;
	}
	attrs_from_stat(st, &attrs);
	reply_attrs(reply, &attrs);
}

void op_stat(struct server *server, const struct request *request, struct reply *reply)
{
	struct stat st;

	(void)server;
	log_verbose("stat name \"%s\"", log_name(request->paths[0]));
	reply_stat(stat(request->paths[0], &st), &st, reply);
}

void op_lstat(struct server *server, const struct request *request, struct reply *reply)
{
	struct stat st;

	(void)server;
	log_verbose("lstat name \"%s\"", log_name(request->paths[0]));
	reply_stat(lstat(request->paths[0], &st), &st, reply);
}

void op_fstat(struct server *server, const struct request *request, struct reply *reply)
{
	struct handle *handle = handle_find(&server->handles, request->handles[0]);
	struct stat st;

	if (handle == NULL) {
		reply_status(reply, SFTP_FAILURE, "no such handle");
		return;
	}
	reply_stat(fstat(handle->fd, &st), &st, reply);
}

/* What attributes are set on: an open file, or a name with or without the link at its end. */
struct target {
	int fd; /* -1: the path */
	const char *path;
	int at_flags; /* of fchmodat(2) and its kin */
};

static int set_size(const struct target *target, uint64_t size)
{
	log_info("set \"%s\" size %llu", log_name(target->path), (unsigned long long)size);
	if (size > INT64_MAX)
		return -EFBIG;
	if (target->fd >= 0)
		return ftruncate(target->fd, (off_t)size) != 0 ? -errno : 0;
	return truncate(target->path, (off_t)size) != 0 ? -errno : 0;
}

static int set_mode(const struct target *target, uint32_t permissions)
{
	mode_t mode = permissions & 07777;

	log_info("set \"%s\" mode %04o", log_name(target->path), permissions);
	if (target->fd >= 0)
		return fchmod(target->fd, mode) != 0 ? -errno : 0;
	return fchmodat(AT_FDCWD, target->path, mode, target->at_flags) != 0 ? -errno : 0;
}

static void log_times(const struct target *target, time_t mtime)
{
	struct tm local;
	char when[64];

	if (!log_enabled(LEVEL_INFO) || localtime_r(&mtime, &local) == NULL ||
	    strftime(when, sizeof(when), "%Y%m%d-%H:%M:%S", &local) == 0)
		return;
	log_info("set \"%s\" modtime %s", log_name(target->path), when);
}

static int set_times(const struct target *target, const struct attrs *attrs)
{
	const struct timespec times[2] = {{.tv_sec = attrs->atime}, {.tv_sec = attrs->mtime}};

	log_times(target, attrs->mtime);
	if (target->fd >= 0)
		return futimens(target->fd, times) != 0 ? -errno : 0;
	return utimensat(AT_FDCWD, target->path, times, target->at_flags) != 0 ? -errno : 0;
}

static int set_owner(const struct target *target, const struct attrs *attrs)
{
	log_info("set \"%s\" owner %lu group %lu", log_name(target->path),
	    (unsigned long)attrs->uid, (unsigned long)attrs->gid);
	if (target->fd >= 0)
		return fchown(target->fd, attrs->uid, attrs->gid) != 0 ? -errno : 0;
	return fchownat(AT_FDCWD, target->path, attrs->uid, attrs->gid, target->at_flags) != 0
		   ? -errno
		   : 0;
}

/* Sets all that the request gives, in OpenSSH's order, also when one of them fails; the last
 * failure is told, as there. */
static void set_attrs(const struct target *target, const struct attrs *attrs, struct reply *reply)
{
	int rc, last = 0;

	if ((attrs->flags & SFTP_ATTR_SIZE) && (rc = set_size(target, attrs->size)) != 0)
		last = rc;
	if ((attrs->flags & SFTP_ATTR_PERMISSIONS) &&
	    (rc = set_mode(target, attrs->permissions)) != 0)
		last = rc;
	if ((attrs->flags & SFTP_ATTR_TIMES) && (rc = set_times(target, attrs)) != 0)
		last = rc;
	if ((attrs->flags & SFTP_ATTR_UIDGID) && (rc = set_owner(target, attrs)) != 0)
		last = rc;
	reply_errno(reply, last);
}

void op_setstat(struct server *server, const struct request *request, struct reply *reply)
{
	const struct target target = {.fd = -1, .path = request->paths[0]};

	(void)server;
	set_attrs(&target, &request->attrs, reply);
}

void op_lsetstat(struct server *server, const struct request *request, struct reply *reply)
{
	const struct target target = {
	    .fd = -1, .path = request->paths[0], .at_flags = AT_SYMLINK_NOFOLLOW};

	(void)server;
	/* A link's size is its target's length: as in OpenSSH, nothing at all is set then. */
	if (request->attrs.flags & SFTP_ATTR_SIZE) {
		reply_errno(reply, -EINVAL);
		return;
	}
	set_attrs(&target, &request->attrs, reply);
}

void op_fsetstat(struct server *server, const struct request *request, struct reply *reply)
{
	struct handle *handle = handle_find(&server->handles, request->handles[0]);
	struct target target;

	if (handle == NULL) {
		reply_status(reply, SFTP_FAILURE, "no such handle");
		return;
	}
	target = (struct target){.fd = handle->fd, .path = handle->name};
	set_attrs(&target, &request->attrs, reply);
}

/* uint64 f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_favail, f_fsid,
 * f_flag, f_namemax (OpenSSH PROTOCOL 4.4). */
static void reply_statvfs(int rc, const struct statvfs *fs, struct reply *reply)
{
	struct wire_writer *writer = &reply->writer;
	uint64_t flag = 0;

	if (rc != 0) {
		reply_errno(reply, -errno);
		return;
	}
	flag |= fs->f_flag & ST_RDONLY ? SFTP_STATVFS_RDONLY : 0;
	flag |= fs->f_flag & ST_NOSUID ? SFTP_STATVFS_NOSUID : 0;
	reply_extended_begin(reply);
	wire_put_u64(writer, fs->f_bsize);
	wire_put_u64(writer, fs->f_frsize);
	wire_put_u64(writer, fs->f_blocks);
	wire_put_u64(writer, fs->f_bfree);
	wire_put_u64(writer, fs->f_bavail);
	wire_put_u64(writer, fs->f_files);
	wire_put_u64(writer, fs->f_ffree);
	wire_put_u64(writer, fs->f_favail);
	wire_put_u64(writer, fs->f_fsid);
	wire_put_u64(writer, flag);
	wire_put_u64(writer, fs->f_namemax);
}

void op_statvfs(struct server *server, const struct request *request, struct reply *reply)
{
	struct statvfs fs;

	(void)server;
	log_info("statvfs \"%s\"", log_name(request->paths[0]));
	reply_statvfs(statvfs(request->paths[0], &fs), &fs, reply);
}

void op_fstatvfs(struct server *server, const struct request *request, struct reply *reply)
{
	struct handle *handle = handle_find(&server->handles, request->handles[0]);
	struct statvfs fs;

	if (handle == NULL) {
		reply_status(reply, SFTP_FAILURE, "no such handle");
		return;
	}
	reply_statvfs(fstatvfs(handle->fd, &fs), &fs, reply);
}

/* uint64 max-packet-length, max-read-length, max-write-length, max-open-handles (OpenSSH PROTOCOL
 * 4.8); 0: not known. */
void op_limits(struct server *server, const struct request *request, struct reply *reply)
{
	(void)request;
	reply_extended_begin(reply);
	wire_put_u64(&reply->writer, SFTP_PACKET_MAX);
	wire_put_u64(&reply->writer, SFTP_DATA_MAX);
	wire_put_u64(&reply->writer, SFTP_DATA_MAX);
	wire_put_u64(&reply->writer, server->handles.limit);
}
