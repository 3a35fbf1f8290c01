/* server: copy-data, from one open file to another.  Never keeps the session longer than an order or
 * a signal to end allows. */
#include "server/log_name.h"
#include "server/server.h"
#include "server/session.h"
#include "server/signals.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the kernel copies in one call.  It minds no signal of ours meanwhile. */
#define KERNEL_BYTES (8u << 20)
#define BUFFER_BYTES (64u << 10)

/* How long a copy goes on once the session is to end: what does not take long is carried out, like
 * every request that has been received. */
static const uint64_t last_limit_ns = 2 * NS_PER_S;

struct copy {
	struct server *server;
	struct handle *from, *to;
	uint64_t from_at, to_at;
	uint64_t left;
	bool in_kernel;
	uint64_t ending_ns; /* when the session was seen to end; 0: it does not */
};

static void account(struct copy *copy, size_t read_bytes, size_t written_bytes)
{
	struct session *session = copy->server->session;

	copy->from->read_bytes += read_bytes;
	copy->to->written_bytes += written_bytes;
	session_file_moved(session, copy->from->row, FILE_READ, copy->from_at, read_bytes);
	session_file_moved(session, copy->to->row, FILE_WRITE, copy->to_at, written_bytes);
	copy->from_at += read_bytes;
	copy->to_at += written_bytes;
	copy->left -= read_bytes;
}

/* Without the bytes passing through this process.  Returns false when the kernel does not do that
 * between these two files, or says that nothing is left, which it does of every file in /proc. */
static bool copy_in_kernel(struct copy *copy)
{
	size_t len = copy->left < KERNEL_BYTES ? (size_t)copy->left : KERNEL_BYTES;
	off64_t from = (off64_t)copy->from_at, to = (off64_t)copy->to_at;
	ssize_t done = copy_file_range(copy->from->fd, &from, copy->to->fd, &to, len, 0);

	if (done > 0)
		account(copy, (size_t)done, (size_t)done);
	return done > 0 || (done < 0 && errno == EINTR);
}

/* Returns 1, 0 at the end of the file, or a negative errno. */
static int copy_by_buffer(struct copy *copy)
{
	uint8_t buffer[BUFFER_BYTES];
	size_t len = copy->left < sizeof(buffer) ? (size_t)copy->left : sizeof(buffer);
	size_t written;
	ssize_t got;
	int error;

	do {
		got = pread(copy->from->fd, buffer, len, (off_t)copy->from_at);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	written = op_write_all(copy->to->fd, (struct wire_span){.data = buffer, .len = (size_t)got},
	    copy->to_at, &error);
	account(copy, (size_t)got, written);
	if (error != 0)
		return error;
	return got > 0;
}

/* Looks at what the engine would look at between two requests. */
static bool must_stop(struct copy *copy)
{
	struct session *session = copy->server->session;
	uint64_t now = clock_now_ns();

	session_update(session, false);
	if (!session->connection_ends && !signals_end_waits() &&
	    (session->plan.drain == POLICY_DRAIN_UNSET || now < session->plan.deadline_ns))
		return false;
	if (copy->ending_ns == 0)
		copy->ending_ns = now;
	return now - copy->ending_ns >= last_limit_ns;
}

static int copy_all(struct copy *copy)
{
	int rc = 1;

	while (rc > 0 && copy->left > 0) {
		if (must_stop(copy))
			return -EINTR;
		copy->in_kernel = copy->in_kernel && copy_in_kernel(copy);
		if (!copy->in_kernel)
			rc = copy_by_buffer(copy);
	}
	return rc < 0 ? rc : 0;
}

/* Whether both are one file.  A copy onto itself could feed on what it writes. */
static int same_file(const struct handle *from, const struct handle *to, bool *same)
{
	struct stat source, target;

	if (fstat(from->fd, &source) != 0 || fstat(to->fd, &target) != 0)
		return -errno;
	*same = source.st_dev == target.st_dev && source.st_ino == target.st_ino;
	return 0;
}

/* Whether the copy may begin; if not, the reply has been made. */
static bool admitted(const struct copy *copy, struct reply *reply)
{
	bool same = false;
	int rc;

	if (copy->from == NULL || copy->from->kind != HANDLE_FILE || copy->to == NULL ||
	    copy->to->kind != HANDLE_FILE) {
		reply_status(reply, SFTP_NO_SUCH_FILE, "no such handle");
		return false;
	}
	rc = same_file(copy->from, copy->to, &same);
	if (rc == 0 && copy->from_at > INT64_MAX)
		rc = -EINVAL;
	if (rc == 0 && copy->to_at > INT64_MAX && (copy->to->flags & O_APPEND) == 0)
		rc = -EINVAL;
	if (rc != 0) {
		reply_errno(reply, rc);
		return false;
	}
	if (same) {
		log_error("refusing to read/write same file: read \"%s\", write \"%s\"",
		    log_name(copy->from->name), log_name(copy->to->name));
		reply_status(reply, SFTP_FAILURE, "source and target are the same file");
		return false;
	}
	return true;
}

/* A length of 0 is up to the end.  A length that the file does not have is answered EOF, like a READ
 * there, after what there is has been copied (draft-ietf-secsh-filexfer-extensions-00 section 7). */
void op_copy_data(struct server *server, const struct request *request, struct reply *reply)
{
	struct copy copy = {
	    .server = server,
	    .from = handle_find(&server->handles, request->handles[0]),
	    .to = handle_find(&server->handles, request->handles[1]),
	    .from_at = request->offsets[0],
	    .to_at = request->offsets[1],
	    .left = request->length == 0 ? UINT64_MAX : request->length,
	};
	int rc;

	if (!admitted(&copy, reply))
		return;
	log_debug("copy-data from \"%s\" off %llu len %llu to \"%s\" off %llu",
	    log_name(copy.from->name), (unsigned long long)copy.from_at,
	    (unsigned long long)request->length, log_name(copy.to->name),
	    (unsigned long long)copy.to_at);
	/* With O_APPEND the offset means nothing, and the kernel's way is refused. */
	copy.in_kernel = (copy.to->flags & O_APPEND) == 0;
	if (!copy.in_kernel)
		copy.to_at = 0;
	rc = copy_all(&copy);
	if (rc != 0)
		log_error("copy-data \"%s\" to \"%s\": %s", log_name(copy.from->name),
		    log_name(copy.to->name), rc == -EINTR ? "the session ends" : strerror(-rc));
	if (rc == -EINTR)
		reply_status(reply, SFTP_FAILURE, "the session ends before the copy does");
	else if (rc == 0 && request->length != 0 && copy.left > 0)
		reply_status(reply, SFTP_EOF, NULL);
	else
		reply_errno(reply, rc);
}
