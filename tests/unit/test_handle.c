/* unit tests: server's handle table, and the two things that are like it: ring and directory. */
#include "server/directory.h"
#include "server/handle.h"
#include "server/ring.h"

#include "scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* handle */

static struct handle_table table;

static struct handle *open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct handle *handle;

	cr_assert_geq(fd, 0);
	handle = handle_open(&table, HANDLE_FILE, fd, O_RDONLY, "null", NULL);
	if (handle == NULL)
		close(fd);
	return handle;
}

static struct handle *find(const uint8_t bytes[HANDLE_BYTES])
{
	return handle_find(&table, (struct wire_span){.data = bytes, .len = HANDLE_BYTES});
}

TestSuite(handle, .timeout = 60);

Test(handle, life)
{
	uint8_t bytes[HANDLE_BYTES];
	struct handle *handle;
	char name[] = "name";
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	handle_table_init(&table, 3);
	handle = handle_open(&table, HANDLE_FILE, fd, O_RDWR, name, NULL);
	cr_assert_not_null(handle);
	name[0] = 'X';
	cr_expect_str_eq(handle->name, "name", "copied");
	cr_expect_eq(handle->kind, HANDLE_FILE);
	cr_expect_eq(handle->fd, fd);
	cr_expect_eq(handle->flags, O_RDWR);
	cr_expect_eq(handle->read_bytes, 0);
	cr_expect_null(handle->row);
	handle_bytes(&table, handle, bytes);
	cr_expect_eq(find(bytes), handle);
	cr_expect_eq(table.open, 1);
	cr_expect_eq(handle_close(&table, handle), 0);
	cr_expect_null(find(bytes));
	cr_expect_eq(table.open, 0);
	cr_expect_eq(fcntl(fd, F_GETFD), -1, "owned, and closed");
	handle_table_free(&table);
}

Test(handle, close_tells_what_close_tells)
{
	struct handle *handle;

	handle_table_init(&table, 3);
	handle = open_null();
	cr_assert_not_null(handle);
	close(handle->fd);
	cr_expect_eq(handle_close(&table, handle), -EBADF);
	cr_expect_eq(table.open, 0, "gone all the same");
	handle_table_free(&table);
}

Test(handle, limit)
{
	struct handle *handles[3];

	handle_table_init(&table, 2);
	handles[0] = open_null();
	handles[1] = open_null();
	handles[2] = open_null();
	cr_assert_not_null(handles[0]);
	cr_assert_not_null(handles[1]);
	cr_expect_null(handles[2]);
	cr_expect_eq(table.open, 2);
	handle_close(&table, handles[0]);
	cr_expect_not_null(open_null());
	handle_table_free(&table);
	handle_table_init(&table, 0);
	cr_expect_null(open_null());
}

Test(handle, forged_bytes)
{
	static const uint8_t far[HANDLE_BYTES] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1};
	uint8_t bytes[HANDLE_BYTES + 1] = {0};
	struct wire_span span = {.data = bytes};

	handle_table_init(&table, 4);
	cr_expect_null(find(far));
	cr_expect_null(find(bytes), "an empty table has no place 0");
	cr_assert_not_null(open_null());
	cr_expect_null(find(far));
	handle_bytes(&table, &table.places[0], bytes);
	for (span.len = 0; span.len <= sizeof(bytes); span.len++)
		cr_expect_eq(handle_find(&table, span) != NULL, span.len == HANDLE_BYTES);
	for (size_t bit = 0; bit < HANDLE_BYTES * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_expect_null(find(bytes), "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	cr_expect_null(handle_find(&table, (struct wire_span){.data = NULL}));
	handle_table_free(&table);
}

Test(handle, a_closed_handles_bytes_never_come_back)
{
	uint8_t first[HANDLE_BYTES], bytes[HANDLE_BYTES];
	struct handle *handle;

	handle_table_init(&table, 4);
	handle = open_null();
	cr_assert_not_null(handle);
	handle_bytes(&table, handle, first);
	handle_close(&table, handle);
	for (int i = 0; i < 1000; i++) {
		handle = open_null();
		cr_assert_not_null(handle);
		handle_bytes(&table, handle, bytes);
		cr_assert_neq(memcmp(bytes, first, HANDLE_BYTES), 0);
		cr_assert_null(find(first));
		cr_assert_lt(table.count, 64, "places are used again");
		handle_close(&table, handle);
	}
	handle_table_free(&table);
}

/* Opens and closes in a mixed order, and compares with a plain list. */
Test(handle, many)
{
	enum { MANY = 300 };
	static uint8_t bytes[MANY][HANDLE_BYTES];
	static bool open_now[MANY];
	unsigned int turn = 12345;
	uint32_t expected = 0;

	handle_table_init(&table, MANY);
	for (int step = 0; step < 5000; step++) {
		size_t i;

		turn = turn * 1103515245u + 12345u;
		i = turn / 65536 % MANY;
		if (open_now[i]) {
			cr_assert_eq(handle_close(&table, find(bytes[i])), 0);
			expected--;
		} else {
			struct handle *handle = open_null();

			cr_assert_not_null(handle);
			handle_bytes(&table, handle, bytes[i]);
			expected++;
		}
		open_now[i] = !open_now[i];
		cr_assert_eq(table.open, expected);
	}
	for (size_t i = 0; i < MANY; i++)
		cr_expect_eq(find(bytes[i]) != NULL, open_now[i]);
	for (uint32_t at = 0; handle_next(&table, &at) != NULL;)
		expected--;
	cr_expect_eq(expected, 0, "handle_next meets each once");
	handle_table_free(&table);
	cr_expect_eq(table.open, 0);
}

/* ring */

#define RING_BYTES 8192u

TestSuite(ring, .timeout = 60);

Test(ring, content_is_contiguous_wherever_it_stands)
{
	struct ring ring;
	uint8_t in = 0, out = 0;

	cr_assert_eq(ring_init(&ring, RING_BYTES), 0);
	cr_expect_eq(ring_room(&ring), RING_BYTES);
	for (size_t step = 1; step < RING_BYTES; step += 97) {
		size_t add = step < ring_room(&ring) ? step : ring_room(&ring), take;

		for (size_t i = 0; i < add; i++)
			ring_end(&ring)[i] = in++;
		ring_added(&ring, add);
		cr_assert_leq(ring.used, RING_BYTES);
		cr_assert_lt(ring.head, RING_BYTES);
		take = ring.used > 1 ? ring.used - 1 : ring.used;
		for (size_t i = 0; i < take; i++)
			cr_assert_eq(ring_begin(&ring)[i], out++);
		ring_taken(&ring, take);
	}
	ring_taken(&ring, ring.used);
	cr_expect_eq(ring.head, 0, "an empty ring starts again");
	ring_free(&ring);
	cr_expect_null(ring.base);
	ring_free(&ring);
}

Test(ring, full)
{
	struct ring ring;

	cr_assert_eq(ring_init(&ring, RING_BYTES), 0);
	memset(ring_end(&ring), 'a', RING_BYTES);
	ring_added(&ring, RING_BYTES);
	cr_expect_eq(ring_room(&ring), 0);
	ring_taken(&ring, 100);
	memset(ring_end(&ring), 'b', 100);
	ring_added(&ring, 100);
	cr_expect_eq(ring_begin(&ring)[RING_BYTES - 101], 'a');
	cr_expect_eq(ring_begin(&ring)[RING_BYTES - 100], 'b');
	cr_expect_eq(ring_begin(&ring)[RING_BYTES - 1], 'b');
	ring_taken(&ring, RING_BYTES);
	cr_expect_eq(ring_room(&ring), RING_BYTES);
	ring_free(&ring);
}

Test(ring, of_a_size_that_cannot_be)
{
	struct ring ring = {.base = NULL};

	cr_expect_lt(ring_init(&ring, SIZE_MAX / 4 & ~(size_t)4095), 0);
	cr_expect_null(ring.base);
	ring_free(&ring);
}

/* directory */

TestSuite(directory, .init = scratch_enter, .fini = scratch_leave, .timeout = 60);

static struct directory *open_reader(const char *name, int *fd)
{
	struct directory *directory;

	*fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(*fd, 0);
	directory = directory_new(*fd);
	cr_assert_not_null(directory);
	return directory;
}

Test(directory, every_entry_once)
{
	enum { FILES = 2000 };
	static unsigned char seen[FILES];
	struct directory *directory;
	size_t others = 0;
	const char *name;
	int fd, rc;

	/* Long names, so that they take several blocks. */
	for (int i = 0; i < FILES; i++) {
		char text[128];

		snprintf(text, sizeof(text), "%04d-%0100d", i, 0);
		scratch_write(text, "");
	}
	directory = open_reader(".", &fd);
	while ((rc = directory_peek(directory, &name)) == 1) {
		const char *again;
		int number;

		cr_assert_eq(directory_peek(directory, &again), 1);
		cr_assert_str_eq(name, again, "peeking takes nothing");
		if (sscanf(name, "%4d-", &number) == 1)
			seen[number]++;
		else
			others++;
		directory_taken(directory);
	}
	cr_expect_eq(rc, 0);
	cr_expect_eq(directory_peek(directory, &name), 0, "and stays at its end");
	cr_expect_eq(others, 2);
	for (int i = 0; i < FILES; i++)
		cr_assert_eq(seen[i], 1, "%d", i);
	directory_free(directory);
	close(fd);
}

Test(directory, that_is_gone_or_none)
{
	struct directory *directory;
	const char *name;
	int fd;

	cr_assert_eq(mkdir("d", 0755), 0);
	directory = open_reader("d", &fd);
	cr_assert_eq(rmdir("d"), 0);
	cr_expect_eq(directory_peek(directory, &name), 0);
	close(fd);
	cr_expect_eq(directory_peek(directory, &name), -EBADF);
	directory_free(directory);
	directory_free(NULL);
}
