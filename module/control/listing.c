/* control: what list shows of one connection, gathered before it is rendered.  Prints nothing. */
#include "control/listing.h"

#include "control/human.h"
#include "util/clock.h"

#include <errno.h>

/* Leaves only the order on one user. */
static void keep_user(struct orders *orders, uid_t uid)
{
	size_t kept = 0;

	for (size_t i = 0; i < orders->user_count; i++) {
		if (orders->users[i].uid == uid)
			orders->users[kept++] = orders->users[i];
	}
	orders->user_count = kept;
}

int listing_start(struct listing *listing, const struct scope *scope)
{
	const struct target *target = &scope->target;
	int rc = orders_read(scope->has_table ? &scope->table : NULL, &listing->orders);

	listing->now_ns = clock_now_ns();
	listing->connection = NULL;
	listing->member_count = 0;
	if (target->kind == TARGET_USER || target->kind == TARGET_ADVISORY)
		keep_user(&listing->orders, target->uid);
	return rc;
}

static const char *state_of(const struct connection *connection, const struct drain_plan *plan)
{
	if (connection->state == ENTRY_CLOSING)
		return "closing";
	return plan->drain != POLICY_DRAIN_UNSET ? "draining" : "open";
}

static int read_members(struct listing *listing, struct members_reader *reader)
{
	int rc = 1;

	members_rewind(reader);
	while (rc == 1 && listing->member_count < MEMBERS_ROWS) {
		struct member *member = &listing->members[listing->member_count];

		rc = members_next(reader, member);
		if (rc == 1)
			listing->member_count++;
	}
	return rc;
}

int listing_read(
    struct listing *listing, const struct scope *scope, struct scope_connection *connection)
{
	int rc = scope_open_reader(scope, connection);

	if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM)
		return rc;
	listing->connection = connection;
	listing->plan = orders_plan(&listing->orders, &connection->connection);
	listing->state = state_of(&connection->connection, &listing->plan);
	listing->member_count = 0;
	/* A file that is missing is of a connection that ends at this moment. */
	listing->readable = rc == 0 || rc == -ENOENT;
	if (rc == 0)
		listing->readable = read_members(listing, &connection->reader) >= 0;
	/* Nobody has reaped the entry of a monitor that was killed; its sessions may live on. */
	if (listing->member_count == 0 && listing->readable &&
	    !proc_is_alive(connection->connection.monitor))
		return rc == 0 && members_any(&connection->reader);
	return 1;
}

const char *listing_member_state(enum member_state state)
{
	switch (state) {
	case MEMBER_JOINING:
		return "joining";
	case MEMBER_ACTIVE:
		return "active";
	case MEMBER_DRAINING:
		return "draining";
	case MEMBER_FLUSHING:
		return "flushing";
	default:
		return "gone";
	}
}

uint64_t listing_idle_ns(const struct listing *listing, const struct member *member)
{
	uint64_t last = member->active_ns != 0 ? member->active_ns : member->joined_ns;

	/* A row that makes no sense says nothing. */
	return last != 0 ? human_since(last, listing->now_ns) : 0;
}
