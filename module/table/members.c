/* table: a session's side of its connection's members file.  Never logs or exits.
 * The protocol is written in table_format.h. */
#include "table/members.h"

#include "table/lock.h"
#include "util/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t lock_limit_ns = 2 * NS_PER_S;

/* Takes fd over. */
static int map_members(int fd, struct membership *out)
{
	struct stat st;
	void *map;
	int rc = fstat(fd, &st) != 0 ? -errno : 0;

	if (rc == 0 && (size_t)st.st_size != MEMBERS_SIZE)
		rc = -EPROTO;
	if (rc != 0)
		goto fail;
	map = mmap(NULL, MEMBERS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		rc = -errno;
		goto fail;
	}
	*out = (struct membership){.fd = fd, .row_index = -1, .header = map};
	out->rows = (struct member_row *)((char *)map + MEMBERS_ROWS_AT);
	if (out->header->magic == MEMBERS_MAGIC && out->header->signature == TABLE_SIGNATURE)
		return 0;
	members_close(out);
	return -EPROTO;
fail:
	close(fd);
	return rc;
}

int members_open(const char *shmdir, struct connection_ref ref, struct membership *out)
{
	int fd = members_open_file(shmdir, ref, O_RDWR, geteuid());

	return fd < 0 ? fd : map_members(fd, out);
}

int members_open_advisory(
    const char *shmdir, const struct advisory_connection *connection, struct membership *out)
{
	int fd = members_open_or_create_advisory(shmdir, connection);

	return fd < 0 ? fd : map_members(fd, out);
}

void members_close(struct membership *membership)
{
	if (membership->header == NULL)
		return;
	munmap(membership->header, MEMBERS_SIZE);
	close(membership->fd);
	*membership = (struct membership){.fd = -1, .row_index = -1};
}

/* The read lock, or who is in the way: -ESHUTDOWN a closer, -ETIMEDOUT somebody else. */
static int lock_membership(struct membership *membership)
{
	uint64_t start = clock_now_ns();
	struct members_header *header = membership->header;
	uint32_t closing = GATE_CLOSING;

	for (;;) {
		int rc = lock_wait(membership->fd, LOCK_MEMBERS, LOCK_SHARED, NS_PER_MS);

		if (rc == 0)
			break;
		if (rc != -ETIMEDOUT)
			return rc;
		if (atomic_load(&header->gate) == GATE_CLOSING)
			return -ESHUTDOWN;
		if (clock_now_ns() - start >= lock_limit_ns)
			return -ETIMEDOUT;
	}
	/* Nobody holds the write lock, so a gate that says closing is of a closer that died. */
	atomic_compare_exchange_strong(&header->gate, &closing, GATE_OPEN);
	return 0;
}

static void count_in(struct tally *tally, bool forced)
{
	atomic_fetch_add(forced ? &tally->forced : &tally->clean, 1);
}

/* Counts the end of a row's session, among all and under each order that it had seen.  With LOCK_LEAVERS
 * held. */
static void count_end(struct members_header *header, const struct member_row *row, bool forced)
{
	count_in(&header->tally, forced);
	if (atomic_load(&header->first_end_ns) == 0)
		atomic_store(&header->first_end_ns, clock_now_ns());
	for (int scope = 0; scope < ORDER_SCOPES; scope++) {
		struct tally_under *under = &header->under[scope];
		uint64_t seen = atomic_load(&row->orders_ns[scope]);
		uint64_t counted = atomic_load(&under->issued_ns);

		if (seen == 0 || seen < counted)
			continue;
		if (seen > counted) {
			atomic_store(&under->tally.clean, 0);
			atomic_store(&under->tally.forced, 0);
			atomic_store(&under->issued_ns, seen);
		}
		count_in(&under->tally, forced);
	}
}

/* One at a time.  Who holds this lock for two seconds is stopped, and is not waited for. */
static bool lock_leavers(const struct membership *membership)
{
	return lock_wait(membership->fd, LOCK_LEAVERS, LOCK_EXCLUSIVE, lock_limit_ns) == 0;
}

static void unlock_leavers(const struct membership *membership)
{
	lock_drop(membership->fd, LOCK_LEAVERS);
}

static void count_killed(struct membership *membership, const struct member_row *row)
{
	(void)lock_leavers(membership);
	count_end(membership->header, row, true);
	unlock_leavers(membership);
}

/* Starts a row anew, and counts its last holder when that was killed. */
static void begin_row(struct membership *membership, int index)
{
	struct member_row *row = &membership->rows[index];
	struct proc_id self = {.pid = getpid()};

	if (atomic_load(&row->state) != MEMBER_GONE)
		count_killed(membership, row);
	(void)proc_self(&self);
	atomic_store(&row->state, MEMBER_JOINING);
	row->pid = (uint32_t)self.pid;
	row->start = self.start;
	row->joined_ns = clock_now_ns();
	atomic_store(&row->active_ns, row->joined_ns);
	atomic_store(&row->read_bytes, 0);
	atomic_store(&row->written_bytes, 0);
	atomic_store(&row->requests, 0);
	for (int i = 0; i < ORDER_SCOPES; i++)
		atomic_store(&row->orders_ns[i], 0);
	for (int i = 0; i < MEMBERS_FILES; i++)
		members_file_end(&row->files[i]);
	membership->row_index = index;
}

/* Notes that a row is taken or free, for those who look for one. */
static void mark_row(struct members_header *header, uint32_t index, bool taken)
{
	uint64_t bit = UINT64_C(1) << index % 64;

	if (taken)
		atomic_fetch_or(&header->rows_taken[index / 64], bit);
	else
		atomic_fetch_and(&header->rows_taken[index / 64], ~bit);
}

/* With the row's lock held.  Its page is asked for first: on a full file system a store through the
 * mapping would be SIGBUS. */
static int take_row(struct membership *membership, int index)
{
	off_t at = MEMBERS_ROWS_AT + (off_t)((size_t)index * sizeof(struct member_row));

	if (fallocate(membership->fd, FALLOC_FL_KEEP_SIZE, at, sizeof(struct member_row)) != 0) {
		int rc = errno == ENOSPC ? -ENOMEM : -errno;

		lock_drop(membership->fd, LOCK_ROWS + (off_t)index);
		return rc;
	}
	mark_row(membership->header, (uint32_t)index, true);
	begin_row(membership, index);
	return 0;
}

static bool is_marked(const struct members_header *header, uint32_t index)
{
	return (atomic_load(&header->rows_taken[index / 64]) >> index % 64 & 1) != 0;
}

/* Twice round: marked rows are tried only when no other is free, for a lock that is refused costs more
 * the more siblings there are. */
static int claim_row(struct membership *membership)
{
	uint32_t start = atomic_fetch_add(&membership->header->row_hint, 1);
	uint32_t max = membership->rows_max;
	uint32_t rows = max == 0 || max > MEMBERS_ROWS ? MEMBERS_ROWS : max;

	for (uint32_t i = 0; i < 2 * rows; i++) {
		uint32_t index = (start + i) % rows;
		int rc;

		if (i < rows && is_marked(membership->header, index))
			continue;
		rc = lock_try(membership->fd, LOCK_ROWS + (off_t)index, LOCK_EXCLUSIVE);
		if (rc == 0)
			return take_row(membership, (int)index);
		if (rc != -EAGAIN)
			return rc;
	}
	return -ENOSPC;
}

/* Whether the file still has its name.  Its last session takes that away with the write lock held,
 * so it is asked with the read lock held. */
static bool has_name(const struct membership *membership)
{
	struct stat st;

	return fstat(membership->fd, &st) == 0 && st.st_nlink > 0;
}

int members_join(struct membership *membership)
{
	int rc = lock_membership(membership);

	if (rc != 0)
		return rc;
	membership->joined = has_name(membership);
	if (membership->joined)
		return claim_row(membership);
	lock_drop(membership->fd, LOCK_MEMBERS);
	return -ESTALE;
}

/* With LOCK_LEAVERS held. */
static void end_row(struct membership *membership, enum member_end end)
{
	struct member_row *row = members_row(membership);

	if (row == NULL)
		return;
	/* Counted before the row says gone: dying in between counts it twice rather than never. */
	if (end != END_REFUSED)
		count_end(membership->header, row, end == END_FORCED);
	for (int i = 0; i < MEMBERS_FILES; i++)
		members_file_end(&row->files[i]);
	atomic_store(&row->state, MEMBER_GONE);
	mark_row(membership->header, (uint32_t)membership->row_index, false);
	membership->row_index = -1;
	lock_drop(membership->fd, LOCK_ROWS + (off_t)(row - membership->rows));
}

/* Converts the lock, or gives it up.  alone: LOCK_LEAVERS is held. */
static enum members_left convert(struct membership *membership, bool alone)
{
	if (!alone || lock_try(membership->fd, LOCK_MEMBERS, LOCK_EXCLUSIVE) != 0) {
		lock_drop(membership->fd, LOCK_MEMBERS);
		/* Where one was stopped, each may have been in the other's way: then the last to let go
		 * is it. */
		if (lock_try(membership->fd, LOCK_MEMBERS, LOCK_EXCLUSIVE) != 0)
			return LEFT_OTHERS;
	}
	/* What a closer that was killed said is not true of us. */
	atomic_store(&membership->header->gate, GATE_OPEN);
	return LEFT_LAST;
}

enum members_left members_try_last(struct membership *membership)
{
	enum members_left left = convert(membership, lock_leavers(membership));

	unlock_leavers(membership);
	return left;
}

enum members_left members_leave(struct membership *membership, enum member_end end)
{
	bool alone = lock_leavers(membership);
	enum members_left left;

	end_row(membership, end);
	left = convert(membership, alone);
	unlock_leavers(membership);
	return left;
}

uint64_t members_first_end(const struct membership *membership)
{
	return atomic_load(&membership->header->first_end_ns);
}

uint32_t members_joins(const struct membership *membership)
{
	return atomic_load(&membership->header->row_hint);
}

int members_reopen(struct membership *membership)
{
	struct membership own;
	char path[64];
	int fd, rc;

	/* By its descriptor: the file may have lost its name. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", membership->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	rc = fd < 0 ? -errno : map_members(fd, &own);
	members_close(membership);
	if (rc == 0)
		*membership = own;
	return rc;
}

void members_retire_advisory(struct membership *membership, const char *shmdir)
{
	const struct members_header *header = membership->header;
	struct proc_id sshd = {.pid = (pid_t)header->sshd_pid, .start = header->sshd_start};
	struct order order;

	/* Without its name the file of that name is another. */
	if (!has_name(membership))
		return;
	if (proc_is_alive(sshd) && (header->policy.close != POLICY_CLOSE_CLIENT ||
				       order_read(&header->order, &order) != 0 || order.active))
		return;
	/* Another last one may have been faster, and the name already another file's. */
	if (!has_name(membership))
		return;
	members_remove_advisory(shmdir, sshd);
}
