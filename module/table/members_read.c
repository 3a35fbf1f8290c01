/* table: members files as root reads them from outside: every field is hostile.
 * Never maps the file, never trusts a pid, never logs or exits. */
#include "table/members_read.h"

#include "table/lock.h"
#include "table/members_file.h"
#include "util/clock.h"
#include "util/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_TRIES 16

static const uint64_t writers_limit_ns = 2 * NS_PER_S;

static int start_reader(int fd, uid_t uid, struct members_reader *out)
{
	if (fd < 0)
		return fd;
	*out = (struct members_reader){.fd = fd, .uid = uid, .next = LOCK_ROWS};
	return 0;
}

int members_reader_open(
    const char *shmdir, const struct connection *connection, struct members_reader *out)
{
	int fd = members_open_file(shmdir, connection->ref, O_RDONLY, connection->uid);

	return start_reader(fd, connection->uid, out);
}

int members_reader_open_advisory(
    const char *shmdir, uid_t uid, const char *name, struct members_reader *out)
{
	return start_reader(members_open_advisory_file(shmdir, uid, name, O_RDONLY), uid, out);
}

void members_reader_close(struct members_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
}

bool members_any(const struct members_reader *reader)
{
	return lock_is_held(reader->fd, LOCK_MEMBERS, 1, NULL) == 1;
}

bool members_any_unlisted(const struct members_reader *reader)
{
	return members_any(reader) && lock_is_held(reader->fd, LOCK_ROWS, MEMBERS_ROWS, NULL) == 0;
}

static off_t row_offset(uint32_t index)
{
	return MEMBERS_ROWS_AT + (off_t)(index * sizeof(struct member_row));
}

/* Reads a row until two reads agree: its writer does not stop for us.  What still moves after a
 * bounded number of tries is taken as it is, for counters may. */
static int read_row(const struct members_reader *reader, uint32_t index, struct member_row *row)
{
	struct member_row again;

	for (int i = 0; i < READ_TRIES; i++) {
		ssize_t got = safe_pread(reader->fd, row, sizeof(*row), row_offset(index));

		if (got >= 0)
			got = safe_pread(reader->fd, &again, sizeof(again), row_offset(index));
		if (got < 0)
			return (int)got;
		if ((size_t)got != sizeof(*row))
			return -EPROTO;
		if (memcmp(row, &again, sizeof(again)) == 0)
			break;
	}
	return 0;
}

static bool file_is_sound(const struct file_row *file)
{
	return (file->version & 1) == 0 && file->direction > FILE_UNUSED &&
	       file->direction <= FILE_BOTH && memchr(file->path, '\0', sizeof(file->path)) != NULL;
}

static void take_files(const struct member_row *row, struct member *out)
{
	out->file_count = 0;
	for (int i = 0; i < MEMBERS_FILES; i++) {
		const struct file_row *from = &row->files[i];
		struct member_file *to = &out->files[out->file_count];

		if (!file_is_sound(from))
			continue;
		to->direction = from->direction;
		to->offset = from->offset;
		to->size = from->size;
		memcpy(to->path, from->path, sizeof(to->path));
		out->file_count++;
	}
}

static void take_row(const struct member_row *row, uint32_t index, struct member *out)
{
	*out = (struct member){.row = index, .state = MEMBER_JOINING};
	/* A holder that has not written its row yet, or that writes nonsense. */
	if (row->state == MEMBER_GONE || row->state > MEMBER_FLUSHING || row->pid == 0 ||
	    row->pid > INT32_MAX)
		return;
	out->id = (struct proc_id){.pid = (pid_t)row->pid, .start = row->start};
	out->state = row->state;
	out->joined_ns = row->joined_ns;
	out->active_ns = row->active_ns;
	out->read_bytes = row->read_bytes;
	out->written_bytes = row->written_bytes;
	out->requests = row->requests;
	take_files(row, out);
}

int members_next(struct members_reader *reader, struct member *out)
{
	struct member_row row;
	off_t left = LOCK_ROWS + MEMBERS_ROWS - reader->next;
	off_t held;
	uint32_t index;
	int rc;

	if (left <= 0)
		return 0;
	/* One question for each held row, not one for each row. */
	rc = lock_is_held(reader->fd, reader->next, left, &held);
	if (rc <= 0)
		return rc;
	reader->next = held + 1;
	index = (uint32_t)(held - LOCK_ROWS);
	rc = read_row(reader, index, &row);
	if (rc != 0)
		return rc;
	take_row(&row, index, out);
	return 1;
}

void members_rewind(struct members_reader *reader)
{
	reader->next = LOCK_ROWS;
}

static int read_header(const struct members_reader *reader, struct members_header *header)
{
	ssize_t got = safe_pread(reader->fd, header, sizeof(*header), 0);

	if (got < 0)
		return (int)got;
	if ((size_t)got != sizeof(*header) || header->magic != MEMBERS_MAGIC ||
	    header->signature != TABLE_SIGNATURE)
		return -EPROTO;
	return 0;
}

/* A row's beginning, up to its files. */
#define ROW_HEAD offsetof(struct member_row, files)

/* Whether the row is of a session that was killed: nobody holds it and it does not say gone. */
static bool is_killed(
    const struct members_reader *reader, uint32_t index, const struct member_row *row)
{
	return row->state != MEMBER_GONE &&
	       lock_is_held(reader->fd, LOCK_ROWS + (off_t)index, 1, NULL) == 0;
}

/* Adds the killed; with issued_ns those alone that had seen that order. */
static int count_killed(const struct members_reader *reader, uint32_t hint, enum order_scope scope,
    uint64_t issued_ns, uint32_t *killed)
{
	/* Rows are claimed in turn: until the hint has gone round, those from it on are untouched. */
	uint32_t rows = hint < MEMBERS_ROWS ? hint : MEMBERS_ROWS;

	for (uint32_t i = 0; i < rows; i++) {
		struct member_row row;
		ssize_t got = safe_pread(reader->fd, &row, ROW_HEAD, row_offset(i));

		if (got < 0)
			return (int)got;
		if ((size_t)got != ROW_HEAD)
			return -EPROTO;
		if ((issued_ns == 0 || row.orders_ns[scope] == issued_ns) &&
		    is_killed(reader, i, &row))
			(*killed)++;
	}
	return 0;
}

int members_read_ended(const struct members_reader *reader, struct members_ended *out)
{
	struct members_header header;
	int rc = read_header(reader, &header);

	if (rc != 0)
		return rc;
	*out = (struct members_ended){header.tally.clean, header.tally.forced};
	return count_killed(reader, header.row_hint, SCOPE_HOST, 0, &out->forced);
}

int members_read_ended_under(const struct members_reader *reader, enum order_scope scope,
    uint64_t issued_ns, struct members_ended *out)
{
	struct members_header header;
	const struct tally_under *under = &header.under[scope];
	int rc = read_header(reader, &header);

	*out = (struct members_ended){0, 0};
	if (rc != 0)
		return rc;
	if (under->issued_ns == issued_ns)
		*out = (struct members_ended){under->tally.clean, under->tally.forced};
	return count_killed(reader, header.row_hint, scope, issued_ns, &out->forced);
}

bool members_is_closing(const struct members_reader *reader)
{
	struct members_header header;

	return read_header(reader, &header) == 0 && header.gate == GATE_CLOSING;
}

bool members_ever_joined(const struct members_reader *reader)
{
	struct members_header header;

	return read_header(reader, &header) == 0 && header.row_hint != 0;
}

bool members_is_guarded(const struct members_reader *reader)
{
	return lock_is_held(reader->fd, LOCK_GUARD, 1, NULL) == 1;
}

int members_read_advisory(const struct members_reader *reader, struct connection *out)
{
	struct members_header header;
	int rc = read_header(reader, &header);

	if (rc != 0)
		return rc;
	if (header.sshd_pid == 0 || header.sshd_pid > INT32_MAX ||
	    header.policy.drain > POLICY_DRAIN_NOW || header.policy.close > POLICY_CLOSE_LAST)
		return -EPROTO;
	*out = (struct connection){.state = ENTRY_OPEN, .uid = reader->uid};
	out->monitor = (struct proc_id){(pid_t)header.sshd_pid, header.sshd_start};
	out->opened_ns = header.opened_ns;
	out->policy = header.policy;
	memcpy(out->address, header.address, sizeof(out->address));
	out->address[sizeof(out->address) - 1] = '\0';
	return order_read(&header.order, &out->order);
}

int members_pin(const struct members_reader *reader, const struct member *member, int *pidfd)
{
	uid_t uid;
	int rc = proc_pin(member->id, pidfd);

	if (rc != 0)
		return rc;
	rc = proc_read_uid(member->id.pid, &uid);
	if (rc == 0 && uid != reader->uid)
		rc = -EPERM;
	if (rc == 0 && lock_is_held(reader->fd, LOCK_ROWS + (off_t)member->row, 1, NULL) != 1)
		rc = -ESRCH;
	/* The uid was read by pid: it is of the pinned process only if that has not ended since. */
	if (rc == 0 && proc_pin_ended(*pidfd))
		rc = -ESRCH;
	if (rc != 0)
		close(*pidfd);
	return rc;
}

int members_signal(const struct members_reader *reader, const struct member *member, int signal)
{
	int pidfd, rc = members_pin(reader, member, &pidfd);

	if (rc != 0)
		return rc;
	rc = proc_signal(pidfd, signal);
	close(pidfd);
	return rc;
}

/* The guard has no row: the kernel says which process it is.  Returns whether it got the signal. */
static bool signal_guard(const struct members_reader *reader, int signal)
{
	struct proc_stat stat;
	uid_t uid;
	pid_t pid = lock_owner(reader->fd, LOCK_GUARD);
	int pidfd;
	bool done;

	if (pid <= 0 || proc_read_stat(pid, &stat) != 0 || proc_pin(stat.id, &pidfd) != 0)
		return false;
	/* Pinned now; it holds the lock still, and is that user's, or it is not the guard. */
	done = proc_read_uid(pid, &uid) == 0 && uid == reader->uid &&
	       lock_owner(reader->fd, LOCK_GUARD) == pid && !proc_pin_ended(pidfd) &&
	       proc_signal(pidfd, signal) == 0;
	close(pidfd);
	return done;
}

size_t members_signal_sessions(struct members_reader *reader, int signal)
{
	struct member member;
	size_t reached = 0;

	members_rewind(reader);
	while (members_next(reader, &member) == 1) {
		if (members_signal(reader, &member, signal) == 0)
			reached++;
	}
	members_rewind(reader);
	return reached;
}

size_t members_signal_all(struct members_reader *reader, int signal)
{
	size_t reached = members_signal_sessions(reader, signal);

	return signal_guard(reader, signal) ? reached + 1 : reached;
}

size_t members_terminate(struct members_reader *reader)
{
	size_t asked = members_signal_sessions(reader, SIGTERM);

	/* In this order: it comes to the signal first.  A guard may be stopped too. */
	(void)members_signal_all(reader, SIGCONT);
	return asked;
}

/* order_write's two steps, by pwrite: a user may truncate the file under a mapping. */
static int write_order(int fd, uint64_t version, const struct order *order)
{
	const off_t cell_at = offsetof(struct members_header, order);
	off_t slot_at = cell_at + (off_t)offsetof(struct order_cell, slots) +
			(off_t)((version & 1) * sizeof(*order));
	int rc = safe_pwrite(fd, order, sizeof(*order), slot_at);

	return rc != 0 ? rc : safe_pwrite(fd, &version, sizeof(version), cell_at);
}

/* With the writers' lock held. */
static int change_order(const struct members_reader *reader, const struct order_change *change,
    struct order *now_in_force)
{
	struct members_header header;
	struct stat st;
	int rc = read_header(reader, &header);

	if (rc == 0 && (fstat(reader->fd, &st) != 0 || st.st_nlink == 0))
		rc = -ENOENT;
	if (rc == 0)
		rc = order_read(&header.order, now_in_force);
	if (rc != 0)
		return rc;
	if (change != NULL)
		order_apply_change(now_in_force, change, clock_now_ns());
	else
		*now_in_force = (struct order){.active = 0};
	return write_order(reader->fd, header.order.version + 1, now_in_force);
}

int members_change_advisory_order(const char *shmdir, uid_t uid, const char *name,
    const struct order_change *change, struct order *now_in_force)
{
	struct members_reader reader;
	int rc = start_reader(members_open_advisory_file(shmdir, uid, name, O_RDWR), uid, &reader);

	if (rc != 0)
		return rc;
	rc = lock_wait(reader.fd, LOCK_WRITERS, LOCK_EXCLUSIVE, writers_limit_ns);
	if (rc == 0)
		rc = change_order(&reader, change, now_in_force);
	members_reader_close(&reader);
	return rc == -ETIMEDOUT ? -EBUSY : rc;
}
