/* control: a copy of the orders in force, and how they read.  Gives none. */
#include "control/orders.h"

#include "control/human.h"
#include "util/clock.h"
#include "util/escape.h"

#include <errno.h>
#include <string.h>

#define READ_TRIES 100

static int read_order(const struct table *table, const struct order_target *target,
    struct order *out, struct order_tally *tally)
{
	int rc = table_read_order(table, target, out, tally);

	for (int i = 0; rc == -EAGAIN && i < READ_TRIES; i++) {
		clock_sleep_ns(NS_PER_MS / 10);
		rc = table_read_order(table, target, out, tally);
	}
	return rc;
}

static int read_user(const struct table *table, uint32_t index, struct orders *out)
{
	struct user_order_copy *copy = &out->users[out->user_count];
	struct order_target target = {.scope = SCOPE_USER, .user = copy->name};
	int rc = table_read_user_order(table, index, &copy->order, &target.uid, copy->name);

	/* A place that changes hands is given or taken back at this moment. */
	if (rc == -ENOENT || rc == -EAGAIN)
		return 0;
	if (rc == 0)
		rc = read_order(table, &target, &copy->order, &copy->tally);
	copy->uid = target.uid;
	if (rc == 0 && copy->order.active)
		out->user_count++;
	return rc;
}

int orders_read(const struct table *table, struct orders *out)
{
	const struct order_target host = {.scope = SCOPE_HOST};
	int rc;

	out->host = (struct order){.active = 0};
	out->host_tally = (struct order_tally){0, 0};
	out->user_count = 0;
	if (table == NULL)
		return 0;
	rc = read_order(table, &host, &out->host, &out->host_tally);
	for (uint32_t i = 0; rc == 0 && i < TABLE_USERS; i++)
		rc = read_user(table, i, out);
	return rc;
}

/* Orders on the host and on users pass over newcomers whom the policy admits in spite of them. */
static void add_wide_order(const struct order *order, enum order_scope scope,
    const struct connection *connection, struct drain_plan *plan)
{
	if (connection->policy.while_draining == POLICY_ADMIT &&
	    order->issued_ns < connection->opened_ns)
		return;
	order_add_to_plan(order, scope, &connection->policy, plan);
}

struct drain_plan orders_plan(const struct orders *orders, const struct connection *connection)
{
	struct drain_plan plan = {.drain = POLICY_DRAIN_UNSET};

	order_add_to_plan(&connection->order, SCOPE_CONNECTION, &connection->policy, &plan);
	for (size_t i = 0; i < orders->user_count; i++) {
		if (orders->users[i].uid == connection->uid)
			add_wide_order(&orders->users[i].order, SCOPE_USER, connection, &plan);
	}
	add_wide_order(&orders->host, SCOPE_HOST, connection, &plan);
	return plan;
}

void orders_describe(FILE *out, const struct order *order, uint64_t now_ns)
{
	char span[HUMAN_TEXT_MAX], message[ORDER_MESSAGE_MAX * ESCAPE_GROWTH];

	if (order->drain == POLICY_DRAIN_UNSET)
		fputs("drain as each policy says", out);
	else
		fprintf(out, "drain %s", policy_drain_name((enum policy_drain)order->drain));
	if (order->deadline_ns == 0)
		fputs(", deadline as each policy says", out);
	else if (order->deadline_ns <= now_ns)
		fputs(", deadline passed", out);
	else
		fprintf(out, ", deadline in %s", human_span(order->deadline_ns - now_ns, span));
	if (order->message[0] == '\0')
		return;
	escape_text(order->message, sizeof(order->message), message, sizeof(message));
	fprintf(out, ", \"%s\"", message);
}
