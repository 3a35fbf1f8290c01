/* table: what a session shows of itself in its row.  One writer; readers copy and look again. */
#include "table/members.h"

#include <stdatomic.h>
#include <string.h>

struct member_row *members_row(struct membership *membership)
{
	return membership->row_index < 0 ? NULL : &membership->rows[membership->row_index];
}

void members_show_orders(struct membership *membership, const struct drain_plan *plan)
{
	struct member_row *row = members_row(membership);

	for (int i = 0; row != NULL && i < ORDER_SCOPES; i++)
		atomic_store(&row->orders_ns[i], plan->issued_ns[i]);
}

/* A file row has one writer: stores and fences, no locked additions.  An odd version that is there
 * already is of a holder that was killed while it wrote. */
static void begin_change(struct file_row *file)
{
	uint32_t version = atomic_load_explicit(&file->version, memory_order_relaxed) | 1;

	atomic_store_explicit(&file->version, version, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void end_change(struct file_row *file)
{
	uint32_t version = atomic_load_explicit(&file->version, memory_order_relaxed);

	atomic_store_explicit(&file->version, version + 1, memory_order_release);
}

struct file_row *members_file_begin(
    struct membership *membership, const char *path, enum file_direction direction)
{
	struct member_row *row = members_row(membership);
	size_t length = strlen(path);
	struct file_row *file = NULL;

	for (int i = 0; row != NULL && file == NULL && i < MEMBERS_FILES; i++) {
		if (row->files[i].direction == FILE_UNUSED)
			file = &row->files[i];
	}
	if (file == NULL)
		return NULL;
	/* Of a long path the end says more than the beginning. */
	if (length >= FILE_PATH_MAX) {
		path += length - (FILE_PATH_MAX - 1);
		length = FILE_PATH_MAX - 1;
	}
	begin_change(file);
	memcpy(file->path, path, length + 1);
	file->direction = direction;
	atomic_store_explicit(&file->offset, 0, memory_order_relaxed);
	atomic_store_explicit(&file->size, 0, memory_order_relaxed);
	end_change(file);
	return file;
}

void members_file_end(struct file_row *file)
{
	begin_change(file);
	file->direction = FILE_UNUSED;
	end_change(file);
}
