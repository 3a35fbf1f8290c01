/* control: a copy of the orders in force, and how they read.  Gives none. */
#ifndef SD_CONTROL_ORDERS_H
#define SD_CONTROL_ORDERS_H

#include "table/table.h"

#include <stdio.h>

struct user_order_copy {
	uid_t uid;
	char name[USER_NAME_MAX];
	struct order order;
	struct order_tally tally;
};

struct orders {
	struct order host; /* inactive: none */
	struct order_tally host_tally;
	size_t user_count;
	struct user_order_copy users[TABLE_USERS];
};

/* Copies the orders on the host and on users out of the table; table may be NULL for none.  Returns
 * 0, or -EAGAIN when one changed all the time. */
int orders_read(const struct table *table, struct orders *out);

/* What the orders on a connection come to, its own included. */
struct drain_plan orders_plan(const struct orders *orders, const struct connection *connection);

/* Writes "drain HOW, deadline in SPAN", and the message if there is one. */
void orders_describe(FILE *out, const struct order *order, uint64_t now_ns);

#endif
