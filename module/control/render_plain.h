/* control: list's plain output, for people.  Reads nothing itself. */
#ifndef SD_CONTROL_RENDER_PLAIN_H
#define SD_CONTROL_RENDER_PLAIN_H

#include "control/columns.h"

/* Cells are kept until the end, for a column is as wide as its widest. */
struct plain {
	const struct column_choice *choice; /* borrowed */
	char **cells;                       /* row after row; owned */
	size_t cell_count, cell_space;
};

void plain_start(struct plain *plain, const struct column_choice *choice);

/* Adds the lines of the connection that the listing holds.  Returns 0 or -ENOMEM. */
int plain_add(struct plain *plain, const struct listing *listing);

/* Prints the orders in force, then header and lines; nothing where there is nothing. */
void plain_print_orders(FILE *out, const struct listing *listing);
void plain_print(const struct plain *plain, FILE *out);

void plain_free(struct plain *plain);

#endif
