/* server: the open files and directories of a session.  Does no I/O but close. */
#include "server/handle.h"

#include "server/directory.h"
#include "table/members.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NONE UINT32_MAX
#define FIRST_CAPACITY 16u

void handle_table_init(struct handle_table *table, uint32_t limit)
{
	*table = (struct handle_table){.limit = limit, .first_free = NONE, .last_free = NONE};
}

void handle_table_free(struct handle_table *table)
{
	struct handle *handle;
	uint32_t at = 0;

	while ((handle = handle_next(table, &at)) != NULL)
		(void)handle_close(table, handle);
	free(table->places);
	handle_table_init(table, 0);
}

static bool grow(struct handle_table *table)
{
	uint32_t capacity = table->capacity == 0 ? FIRST_CAPACITY : table->capacity * 2;
	struct handle *places = reallocarray(table->places, capacity, sizeof(*places));

	if (places == NULL)
		return false;
	table->places = places;
	table->capacity = capacity;
	return true;
}

/* A place that nobody uses: a new one while few are in use, else the one that has rested longest.
 */
static struct handle *take_place(struct handle_table *table)
{
	struct handle *place;

	if (table->first_free != NONE && table->count >= FIRST_CAPACITY) {
		place = &table->places[table->first_free];
		table->first_free = place->next_free;
		if (table->first_free == NONE)
			table->last_free = NONE;
		return place;
	}
	if (table->count == table->capacity && !grow(table))
		return NULL;
	place = &table->places[table->count++];
	*place = (struct handle){.generation = 0};
	return place;
}

static void give_place(struct handle_table *table, struct handle *place)
{
	uint32_t index = (uint32_t)(place - table->places);

	place->kind = HANDLE_UNUSED;
	place->next_free = NONE;
	if (table->last_free == NONE)
		table->first_free = index;
	else
		table->places[table->last_free].next_free = index;
	table->last_free = index;
}

struct handle *handle_open(struct handle_table *table, enum handle_kind kind, int fd, int flags,
    const char *name, struct directory *directory)
{
	char *copy = table->open < table->limit ? strdup(name) : NULL;
	struct handle *place = copy != NULL ? take_place(table) : NULL;

	if (place == NULL) {
		free(copy);
		return NULL;
	}
	*place = (struct handle){
	    .kind = kind,
	    .generation = place->generation + 1,
	    .fd = fd,
	    .flags = flags,
	    .name = copy,
	    .directory = directory,
	};
	table->open++;
	table->writable += (flags & O_ACCMODE) != O_RDONLY;
	return place;
}

struct handle *handle_find(struct handle_table *table, struct wire_span bytes)
{
	struct handle *place;
	uint32_t index;

	if (bytes.len != HANDLE_BYTES)
		return NULL;
	index = wire_peek_u32(bytes.data);
	if (index >= table->count)
		return NULL;
	place = &table->places[index];
	if (place->kind == HANDLE_UNUSED || place->generation != wire_peek_u32(bytes.data + 4))
		return NULL;
	return place;
}

void handle_bytes(
    const struct handle_table *table, const struct handle *handle, uint8_t out[HANDLE_BYTES])
{
	uint32_t words[2] = {
	    htobe32((uint32_t)(handle - table->places)), htobe32(handle->generation)};

	memcpy(out, words, HANDLE_BYTES);
}

int handle_close(struct handle_table *table, struct handle *handle)
{
	int rc = close(handle->fd) != 0 ? -errno : 0;

	if (handle->directory != NULL)
		directory_free(handle->directory);
	if (handle->row != NULL)
		members_file_end(handle->row);
	free(handle->name);
	give_place(table, handle);
	table->open--;
	table->writable -= (handle->flags & O_ACCMODE) != O_RDONLY;
	return rc;
}

struct handle *handle_next(struct handle_table *table, uint32_t *at)
{
	while (*at < table->count) {
		struct handle *place = &table->places[(*at)++];

		if (place->kind != HANDLE_UNUSED)
			return place;
	}
	return NULL;
}
