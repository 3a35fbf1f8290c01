/* table: root's table: mapping it, reading connections out of it.  Never logs or exits. */
#include "table/table.h"

#include "util/decimal.h"
#include "util/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_TRIES 64
#define STATE_BITS 4
#define PID_BITS 22 /* PID_MAX_LIMIT is 2^22 */

static const size_t table_size =
    sizeof(struct table_header) + TABLE_CAPACITY * sizeof(struct connection_entry);

char *connection_ref_format(struct connection_ref ref, char out[CONNECTION_REF_TEXT_MAX])
{
	char *end = decimal_put(ref.slot, out);

	*end = '.';
	decimal_put(ref.generation, end + 1);
	return out;
}

int connection_ref_parse(const char *text, struct connection_ref *ref)
{
	uint64_t slot, generation;

	if (!decimal_take(&text, UINT32_MAX, &slot) || *text++ != '.' ||
	    !decimal_take(&text, UINT64_MAX, &generation) || *text != '\0')
		return -EINVAL;
	*ref = (struct connection_ref){.slot = (uint32_t)slot, .generation = generation};
	return 0;
}

uint64_t entry_word_pack(struct entry_word word)
{
	return (uint64_t)word.state | (uint64_t)word.owner.pid << STATE_BITS |
	       word.owner.start << (STATE_BITS + PID_BITS);
}

struct entry_word entry_word_unpack(uint64_t packed)
{
	return (struct entry_word){
	    .state = packed & ((1u << STATE_BITS) - 1),
	    .owner = {.pid = (pid_t)(packed >> STATE_BITS & ((1u << PID_BITS) - 1)),
		.start = packed >> (STATE_BITS + PID_BITS)},
	};
}

bool entry_word_is_stale(uint64_t packed)
{
	struct entry_word word = entry_word_unpack(packed);

	return word.state != ENTRY_FREE && !proc_is_alive(word.owner);
}

static int check_header(const struct table *table)
{
	const struct table_header *header = table->header;

	if (header->magic != TABLE_MAGIC || header->signature != TABLE_SIGNATURE)
		return -EPROTO;
	return header->capacity != TABLE_CAPACITY ? -EPROTO : 0;
}

static int map_table(int fd, bool writable, struct table *out)
{
	int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat st;
	void *map;

	if (fstat(fd, &st) != 0)
		return -errno;
	if ((size_t)st.st_size < sizeof(struct table_header))
		return -EINVAL;
	map = mmap(NULL, table_size, protection, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*out = (struct table){.fd = fd, .lock_fd = -1, .size = table_size, .header = map};
	out->entries = (struct connection_entry *)((char *)map + sizeof(struct table_header));
	/* Another build's table may be shorter than ours, so the layout is asked before the size. */
	if (check_header(out) != 0 || (size_t)st.st_size != table_size) {
		munmap(map, table_size);
		return -EPROTO;
	}
	return 0;
}

/* Opens the writers' lock; a table that has lost it gets a new one. */
static int open_lock(int dir)
{
	const mode_t forbidden = S_IRWXG | S_IRWXO;
	int fd = safe_open_file(dir, "lock", O_RDWR, geteuid(), forbidden);

	if (fd != -ENOENT)
		return fd;
	fd = openat(dir, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return safe_open_file(dir, "lock", O_RDWR, geteuid(), forbidden);
	return fd < 0 ? -errno : fd;
}

static int open_in(int dir, bool writable, struct table *out)
{
	int fd = safe_open_file(
	    dir, "table", writable ? O_RDWR : O_RDONLY, geteuid(), S_IWGRP | S_IWOTH);
	int rc;

	if (fd < 0)
		return fd;
	rc = map_table(fd, writable, out);
	if (rc != 0) {
		close(fd);
		return rc;
	}
	if (!writable)
		return 0;
	out->lock_fd = open_lock(dir);
	if (out->lock_fd >= 0)
		return 0;
	rc = out->lock_fd;
	table_close(out);
	return rc;
}

int table_open(const char *rundir, bool writable, struct table *out)
{
	int dir = safe_open_dir(rundir, geteuid(), S_IWGRP | S_IWOTH);
	int rc;

	if (dir < 0)
		return dir;
	rc = open_in(dir, writable, out);
	close(dir);
	return rc;
}

/* Puts a new, empty table in place, unless another process was faster: the name is taken at most
 * once, and what has it is whole. */
static int create_table(int dir)
{
	struct table_header header = {
	    .magic = TABLE_MAGIC, .signature = TABLE_SIGNATURE, .capacity = TABLE_CAPACITY};
	char name[32];
	int fd, rc = 0;

	snprintf(name, sizeof(name), ".table.%ld", (long)getpid());
	unlinkat(dir, name, 0);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	/* fchmod, because the caller's umask is not ours to change. */
	/* All of its memory now: a store to a page that cannot be had would be SIGBUS in sshd. */
	rc = -posix_fallocate(fd, 0, (off_t)table_size);
	if (rc == 0 && fchmod(fd, 0644) != 0)
		rc = -errno;
	if (rc == 0)
		rc = safe_pwrite(fd, &header, sizeof(header), 0);
	if (rc == 0 && renameat2(dir, name, dir, "table", RENAME_NOREPLACE) != 0 && errno != EEXIST)
		rc = -errno;
	unlinkat(dir, name, 0);
	close(fd);
	return rc;
}

int table_open_or_create(const char *rundir, struct table *out)
{
	int dir, rc = table_open(rundir, true, out);

	if (rc != -ENOENT)
		return rc;
	if (mkdir(rundir, 0755) == 0) {
		if (chmod(rundir, 0755) != 0)
			return -errno;
	} else if (errno != EEXIST) {
		return -errno;
	}
	dir = safe_open_dir(rundir, geteuid(), S_IWGRP | S_IWOTH);
	if (dir < 0)
		return dir;
	rc = create_table(dir);
	close(dir);
	return rc != 0 ? rc : table_open(rundir, true, out);
}

void table_close(struct table *table)
{
	if (table->header == NULL)
		return;
	munmap(table->header, table->size);
	close(table->fd);
	if (table->lock_fd >= 0)
		close(table->lock_fd);
	*table = (struct table){.fd = -1, .lock_fd = -1};
}

static void copy_entry(const struct connection_entry *entry, struct connection *out)
{
	out->uid = entry->uid;
	out->gid = entry->gid;
	out->opened_ns = entry->opened_ns;
	out->policy = entry->policy;
	memcpy(out->user, entry->user, sizeof(out->user));
	memcpy(out->address, entry->address, sizeof(out->address));
	out->user[sizeof(out->user) - 1] = '\0';
	out->address[sizeof(out->address) - 1] = '\0';
}

int table_read_connection(const struct table *table, uint32_t slot, struct connection *out)
{
	const struct connection_entry *entry;

	if (slot >= table->header->capacity)
		return -ENOENT;
	entry = &table->entries[slot];
	for (int i = 0; i < READ_TRIES; i++) {
		uint64_t packed = atomic_load(&entry->word);
		struct entry_word word = entry_word_unpack(packed);

		if (word.state != ENTRY_OPEN && word.state != ENTRY_CLOSING)
			return -ENOENT;
		out->ref = (struct connection_ref){slot, atomic_load(&entry->generation)};
		out->state = word.state;
		out->monitor = word.owner;
		copy_entry(entry, out);
		if (order_read(&entry->order, &out->order) != 0)
			continue;
		if (out->order.generation != out->ref.generation)
			out->order.active = 0;
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load(&entry->word) == packed &&
		    atomic_load(&entry->generation) == out->ref.generation)
			return 0;
	}
	return -EAGAIN;
}

int table_find_connection(
    const struct table *table, struct connection_ref ref, struct connection *out)
{
	int rc = table_read_connection(table, ref.slot, out);

	return rc == 0 && out->ref.generation != ref.generation ? -ENOENT : rc;
}

enum entry_state table_connection_state(const struct table *table, struct connection_ref ref)
{
	const struct connection_entry *entry;
	uint64_t packed;

	if (ref.slot >= table->header->capacity)
		return ENTRY_FREE;
	entry = &table->entries[ref.slot];
	/* In this order: the other way round, the word could be of the entry's next tenant. */
	packed = atomic_load(&entry->word);
	if (atomic_load(&entry->generation) != ref.generation)
		return ENTRY_FREE;
	return entry_word_unpack(packed).state;
}

bool table_connection_is_over(const struct table *table, struct connection_ref ref)
{
	enum entry_state state = table_connection_state(table, ref);

	return (state == ENTRY_FREE || state == ENTRY_RELEASING) &&
	       ref.slot < table->header->capacity &&
	       atomic_load(&table->entries[ref.slot].generation) >= ref.generation;
}

uint64_t table_order_epoch(const struct table *table)
{
	return atomic_load_explicit(&table->header->order_epoch, memory_order_acquire);
}
