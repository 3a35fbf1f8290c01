/* control: the columns of list's plain output.  One table of them drives header, help and
 * selection. */
#ifndef SD_CONTROL_COLUMNS_H
#define SD_CONTROL_COLUMNS_H

#include "control/listing.h"
#include "util/escape.h"

#include <stdio.h>

/* Longest text in a cell, NUL included: an escaped path, and how far it is. */
#define COLUMN_TEXT_MAX (FILE_PATH_MAX * ESCAPE_GROWTH + 64)

/* Most columns that one listing can have; a column may be named more than once. */
#define COLUMNS_MAX 32

struct column {
	const char *name;
	const char *help;
	bool is_default;
	bool to_the_right; /* numbers */
	/* Writes the cell of a session, or of a connection without one (member NULL); what writes
	 * nothing leaves a dash. */
	void (*write)(
	    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX]);
};

struct column_choice {
	size_t count;
	const struct column *columns[COLUMNS_MAX];
};

/* Reads names separated by commas, in either case; NULL chooses the default columns.  Returns 0,
 * -ENOENT when a name is no column's, with *bad and *bad_length telling which, or -E2BIG. */
int columns_choose(
    const char *names, struct column_choice *choice, const char **bad, size_t *bad_length);

/* Writes one line for each column. */
void columns_print_help(FILE *out);

#endif
