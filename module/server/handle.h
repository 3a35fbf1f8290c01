/* server: the open files and directories of a session.  Does no I/O but close. */
#ifndef SD_SERVER_HANDLE_H
#define SD_SERVER_HANDLE_H

#include "codec/wire.h"
#include "table/table_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct directory;

enum handle_kind {
	HANDLE_UNUSED,
	HANDLE_FILE,
	HANDLE_DIR,
};

struct handle {
	enum handle_kind kind;
	uint32_t generation; /* of this place's use; part of the handle's bytes */
	uint32_t next_free;
	int fd;
	int flags;     /* of open(2) */
	bool no_pages; /* this file has no pages to hand over (output_add_pages) */
	char *name;    /* as the client gave it */
	uint64_t read_bytes;
	uint64_t written_bytes;
	struct directory *directory; /* HANDLE_DIR */
	struct file_row *row;        /* in the session's row of the table; NULL: not listed */
};

/* A handle's bytes on the wire: place and generation. */
#define HANDLE_BYTES 8

struct handle_table {
	struct handle *places;
	uint32_t count;    /* of places that have ever been used */
	uint32_t capacity; /* allocated */
	uint32_t limit;    /* of open handles */
	uint32_t open;
	uint32_t writable;   /* of those, opened for writing */
	uint32_t first_free; /* places are reused oldest first, so that a number rests */
	uint32_t last_free;
};

/* Starts a table that admits up to limit handles. */
void handle_table_init(struct handle_table *table, uint32_t limit);

/* Closes every handle and frees the table. */
void handle_table_free(struct handle_table *table);

/* A new handle that owns fd (and directory) from then on; name is copied.  Returns NULL when the
 * limit is reached or memory is out; the caller then still owns fd.  The pointer is good until the
 * next handle_open. */
struct handle *handle_open(struct handle_table *table, enum handle_kind kind, int fd, int flags,
    const char *name, struct directory *directory);

/* The open handle that the client means, of either kind, or NULL. */
struct handle *handle_find(struct handle_table *table, struct wire_span bytes);

/* Writes the handle's bytes for the client. */
void handle_bytes(
    const struct handle_table *table, const struct handle *handle, uint8_t out[HANDLE_BYTES]);

/* Closes a handle.  Returns 0 or the negative errno of close(2), with which a file system may
 * report a failed write; the handle is gone in either case. */
int handle_close(struct handle_table *table, struct handle *handle);

/* The next open handle after *at, which starts at 0; NULL at the end. */
struct handle *handle_next(struct handle_table *table, uint32_t *at);

#endif
