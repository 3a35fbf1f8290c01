/* server: what this session shows of itself in its row. */
#include "server/session.h"

#include "util/clock.h"

#include <stdatomic.h>
#include <sys/stat.h>

void session_show_state(struct session *session, enum member_state state)
{
	struct member_row *row = members_row(&session->membership);

	if (row != NULL)
		atomic_store_explicit(&row->state, state, memory_order_relaxed);
}

void session_count_requests(struct session *session, uint64_t count)
{
	struct member_row *row = members_row(&session->membership);

	if (row == NULL || count == 0)
		return;
	/* One writer: loads and stores, no locked additions. */
	atomic_store_explicit(&row->requests,
	    atomic_load_explicit(&row->requests, memory_order_relaxed) + count,
	    memory_order_relaxed);
	atomic_store_explicit(&row->active_ns, clock_now_ns(), memory_order_relaxed);
}

struct file_row *session_file_begin(
    struct session *session, const char *path, enum file_direction direction, int fd)
{
	struct file_row *file = members_file_begin(&session->membership, path, direction);

	if (file != NULL)
		session->unsized[file - members_row(&session->membership)->files] = fd;
	return file;
}

static void learn_size(struct file_row *file, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size > 0)
		atomic_store_explicit(&file->size, (uint64_t)st.st_size, memory_order_relaxed);
}

void session_file_moved(struct session *session, struct file_row *file,
    enum file_direction direction, uint64_t offset, uint64_t len)
{
	struct member_row *row = members_row(&session->membership);
	_Atomic uint64_t *total;
	int *unsized;

	if (row == NULL)
		return;
	total = direction == FILE_READ ? &row->read_bytes : &row->written_bytes;
	atomic_store_explicit(
	    total, atomic_load_explicit(total, memory_order_relaxed) + len, memory_order_relaxed);
	if (file == NULL)
		return;
	unsized = &session->unsized[file - row->files];
	if (offset > 0 && *unsized >= 0) {
		learn_size(file, *unsized);
		*unsized = -1;
	}
	if (offset + len > atomic_load_explicit(&file->offset, memory_order_relaxed))
		atomic_store_explicit(&file->offset, offset + len, memory_order_relaxed);
	if (direction == FILE_WRITE &&
	    offset + len > atomic_load_explicit(&file->size, memory_order_relaxed))
		atomic_store_explicit(&file->size, offset + len, memory_order_relaxed);
}
