/* server: operations on open files: OPEN, CLOSE, READ, WRITE, fsync. */
#include "server/log_name.h"
#include "server/output.h"
#include "server/path.h"
#include "server/server.h"
#include "server/session.h"
#include "server/status.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct handle *op_find_handle(
    struct server *server, struct wire_span bytes, enum handle_kind kind, struct reply *reply)
{
	struct handle *handle = handle_find(&server->handles, bytes);

	if (handle != NULL && handle->kind == kind)
		return handle;
	reply_status(reply, SFTP_FAILURE, "no such handle");
	return NULL;
}

static int open_flags(uint32_t pflags)
{
	int flags = O_RDONLY;

	if ((pflags & SFTP_FLAG_READ) && (pflags & SFTP_FLAG_WRITE))
		flags = O_RDWR;
	else if (pflags & SFTP_FLAG_WRITE)
		flags = O_WRONLY;
	if (pflags & SFTP_FLAG_APPEND)
		flags |= O_APPEND;
	if (pflags & SFTP_FLAG_CREAT)
		flags |= O_CREAT;
	if (pflags & SFTP_FLAG_TRUNC)
		flags |= O_TRUNC;
	if (pflags & SFTP_FLAG_EXCL)
		flags |= O_EXCL;
	return flags;
}

/* The flags as OpenSSH's log line has them. */
static const char *show_flags(uint32_t pflags)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
	    {SFTP_FLAG_READ, "READ"},
	    {SFTP_FLAG_WRITE, "WRITE"},
	    {SFTP_FLAG_APPEND, "APPEND"},
	    {SFTP_FLAG_CREAT, "CREATE"},
	    {SFTP_FLAG_TRUNC, "TRUNCATE"},
	    {SFTP_FLAG_EXCL, "EXCL"},
	};
	static char text[64];

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((pflags & names[i].flag) == 0)
			continue;
		if (text[0] != '\0')
			strcat(text, ",");
		strcat(text, names[i].name);
	}
	return text;
}

/* Setuid and setgid in a new file's mode are the explicit SETSTAT's business, unless an operator
 * set the umask and so decided. */
static mode_t open_mode(const struct server *server, const struct attrs *attrs)
{
	mode_t mode = attrs->flags & SFTP_ATTR_PERMISSIONS ? (mode_t)attrs->permissions : 0666;

	return mode & (server->options->umask_set ? 07777 : 0777);
}

/* Tells the table what is moving. */
static void list_file(struct server *server, struct handle *handle)
{
	enum file_direction direction = FILE_READ;
	char path[PATH_MAX];

	if (!session_is_listed(server->session))
		return;
	if ((handle->flags & O_ACCMODE) == O_WRONLY)
		direction = FILE_WRITE;
	else if ((handle->flags & O_ACCMODE) == O_RDWR)
		direction = FILE_BOTH;
	path_absolute(op_start_directory(server), handle->name, path);
	handle->row = session_file_begin(server->session, path, direction, handle->fd);
}

/* Never waits for the other end of a fifo: a session that hangs there would mind no order, and no
 * READ or WRITE has an offset there.  The flag means nothing to regular files but for one that is
 * leased, whose lease the kernel breaks within a bounded time. */
static int open_file(const char *name, int flags, mode_t mode)
{
	int fd;

	flags |= O_CLOEXEC | O_NOCTTY;
	fd = open(name, flags | O_NONBLOCK, mode);
	if (fd < 0 && errno == EWOULDBLOCK)
		fd = open(name, flags, mode);
	return fd;
}

void op_open(struct server *server, const struct request *request, struct reply *reply)
{
	const char *name = request->paths[0];
	int flags = open_flags(request->number);
	mode_t mode = open_mode(server, &request->attrs);
	uint8_t bytes[HANDLE_BYTES];
	struct handle *handle;
	int fd;

	log_info("open \"%s\" flags %s mode 0%o", log_name(name), show_flags(request->number),
	    (unsigned int)mode);
	if (server->options->read_only &&
	    ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0)) {
		log_verbose("Refusing open request in read-only mode");
		reply_status(reply, SFTP_PERMISSION_DENIED, "the server is read-only");
		return;
	}
	/* Asked first: a refusal must not have created or cut the file. */
	if (server->handles.open >= server->handles.limit) {
		reply_status(reply, SFTP_FAILURE, "too many open handles");
		return;
	}
	fd = open_file(name, flags, mode);
	if (fd < 0) {
		reply_errno(reply, -errno);
		return;
	}
	handle = handle_open(&server->handles, HANDLE_FILE, fd, flags, name, NULL);
	if (handle == NULL) {
		close(fd);
		reply_errno(reply, -ENOMEM);
		return;
	}
	list_file(server, handle);
	handle_bytes(&server->handles, handle, bytes);
	reply_handle(reply, bytes, sizeof(bytes));
}

void op_log_close(const struct handle *handle, const char *prefix)
{
	if (handle->kind == HANDLE_DIR)
		log_info("%sclosedir \"%s\"", prefix, log_name(handle->name));
	else
		log_info("%sclose \"%s\" bytes read %llu written %llu", prefix,
		    log_name(handle->name), (unsigned long long)handle->read_bytes,
		    (unsigned long long)handle->written_bytes);
}

void op_close(struct server *server, const struct request *request, struct reply *reply)
{
	struct handle *handle = handle_find(&server->handles, request->handles[0]);

	if (handle == NULL) {
		reply_status(reply, SFTP_NO_SUCH_FILE, "no such handle");
		return;
	}
	op_log_close(handle, "");
	reply_errno(reply, handle_close(&server->handles, handle));
	if (server->handles.open == 0)
		server->last_close_ns = clock_now_ns();
}

/* Fewer bytes are copied sooner than their pages are handed over. */
#define PAGES_LEAST 4096

/* Answers with pages of the file, where that gives the same as a copy: what is written later must not
 * show in what was read before.  Returns as output_add_pages. */
static int read_pages(
    struct server *server, struct handle *handle, uint64_t offset, size_t len, struct reply *reply)
{
	struct output *output = server->output;
	uint8_t header[REPLY_DATA_HEADER];
	int rc;

	if (len < PAGES_LEAST || reply->apart || handle->no_pages || server->handles.writable > 0 ||
	    output == NULL)
		return -ENOTSUP;
	reply_data_header(reply, len, header);
	rc = output_add_pages(output, header, sizeof(header), handle->fd, offset, len);
	reply->elsewhere = rc == 1;
	reply->again = rc == -EAGAIN;
	handle->no_pages = rc == -ENOTSUP && output->slots > 0;
	if (rc == 0 || rc == -ENOTSUP)
		reply_move(reply, ring_end(&output->ring), ring_room(&output->ring));
	return rc;
}

static ssize_t read_copy(struct handle *handle, uint64_t offset, size_t len, struct reply *reply)
{
	uint8_t *room = reply_data_begin(reply, len);
	ssize_t got;

	do {
		got = pread(handle->fd, room, len, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	if (got >= 0)
		reply_data_end(reply, (size_t)got);
	return got < 0 ? -errno : got;
}

void op_read(struct server *server, const struct request *request, struct reply *reply)
{
	struct handle *handle = op_find_handle(server, request->handles[0], HANDLE_FILE, reply);
	size_t len = request->number < SFTP_DATA_MAX ? request->number : SFTP_DATA_MAX;
	uint64_t offset = request->offsets[0];
	ssize_t got = (ssize_t)len;
	int rc;

	if (handle == NULL)
		return;
	rc = read_pages(server, handle, offset, len, reply);
	if (rc == -EAGAIN)
		return;
	if (rc != 1)
		got = read_copy(handle, offset, len, reply);
	if (got < 0) {
		log_error("read \"%s\": %s", log_name(handle->name), strerror((int)-got));
		reply_errno(reply, (int)got);
		return;
	}
	/* Nothing asked for is nothing got, not the end. */
	if (got == 0 && len > 0) {
		reply_status(reply, SFTP_EOF, NULL);
		return;
	}
	reply->read_from = handle;
	reply->read_at = offset;
	reply->read_len = (size_t)got;
}

size_t op_write_all(int fd, struct wire_span data, uint64_t offset, int *error)
{
	size_t done = 0;

	*error = 0;
	while (done < data.len) {
		ssize_t put = pwrite(fd, data.data + done, data.len - done, (off_t)(offset + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			*error = put < 0 ? -errno : -ENOSPC;
			break;
		}
		done += (size_t)put;
	}
	return done;
}

void op_write(struct server *server, const struct request *request, struct reply *reply)
{
	struct handle *handle = op_find_handle(server, request->handles[0], HANDLE_FILE, reply);
	uint64_t offset;
	size_t done;
	int error;

	if (handle == NULL)
		return;
	/* With O_APPEND the offset means nothing, but Linux still looks whether it could be one. */
	offset = handle->flags & O_APPEND ? 0 : request->offsets[0];
	done = op_write_all(handle->fd, request->data, offset, &error);
	if (error != 0)
		log_error("write \"%s\": %s", log_name(handle->name), strerror(-error));
	reply_errno(reply, error);
	handle->written_bytes += done;
	server->bytes_in += done;
	if (done > 0)
		session_file_moved(server->session, handle->row, FILE_WRITE, offset, done);
}

void op_fsync(struct server *server, const struct request *request, struct reply *reply)
{
	struct handle *handle = handle_find(&server->handles, request->handles[0]);

	/* Another code than elsewhere, as in OpenSSH. */
	if (handle == NULL || handle->kind != HANDLE_FILE) {
		reply_status(reply, SFTP_NO_SUCH_FILE, "no such handle");
		return;
	}
	log_verbose("fsync \"%s\"", log_name(handle->name));
	reply_errno(reply, fsync(handle->fd) != 0 ? -errno : 0);
}
