/* control: waiting until nothing in a scope is live.  Changes nothing; signals nobody, but through force.h. */
#include "control/watch.h"

#include "util/clock.h"
#include "util/escape.h"

#include <errno.h>
#include <poll.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const uint64_t loose_tick_ns = 50 * NS_PER_MS;
static const uint64_t tick_ns = NS_PER_S;
/* Past the deadline: all that may still come by itself, and a margin for a busy host. */
static const uint64_t grace_ns = LATE_ALL_NS + 6 * NS_PER_S;
static const uint64_t unordered_limit_ns = 300 * NS_PER_S;

static int compare_ids(const void *a, const void *b)
{
	/* A watched connection begins with its ID. */
	return strcmp(a, b);
}

/* Descriptors: one for each connection, the rest for pidfds.  What finds no place is polled for. */
static void raise_limit(struct watch_fds *fds)
{
	struct rlimit limit = {.rlim_cur = 1024, .rlim_max = 1024};

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	fds->pins_max = (size_t)limit.rlim_cur / 2;
}

static int describe_problem(struct watch *watch, const struct scope_connection *found, int rc)
{
	char user[USER_NAME_MAX * ESCAPE_GROWTH];

	escape_text(found->connection.user, sizeof(found->connection.user), user, sizeof(user));
	snprintf(watch->problem, sizeof(watch->problem), "connection %s of %s: %s%s", found->id,
	    user, strerror(-rc),
	    rc == -EACCES ? " (its sessions are for root and that user to see)" : "");
	return rc;
}

static int make_room(struct watch *watch)
{
	size_t space = watch->space == 0 ? 64 : 2 * watch->space;
	struct watched **grown;

	if (watch->count < watch->space)
		return 0;
	grown = reallocarray(watch->connections, space, sizeof(struct watched *));
	if (grown == NULL)
		return -ENOMEM;
	watch->connections = grown;
	watch->space = space;
	return 0;
}

static int add_connection(struct watch *watch, struct scope_connection *found)
{
	struct watched *added, **node;
	int rc = make_room(watch);

	if (rc == 0)
		rc = watched_new(watch->scope, found, watch->started_ns, &added);
	if (rc != 0)
		return rc;
	watch->connections[watch->count++] = added;
	node = tsearch(added, &watch->by_id, compare_ids);
	if (node == NULL)
		return -ENOMEM;
	/* In place of an earlier one of that ID, which is watched to its end all the same. */
	*node = added;
	return 0;
}

static int visit_connection(
    const struct scope *scope, struct scope_connection *found, void *context)
{
	struct watch *watch = context;
	struct watched **node = tfind(found->id, &watch->by_id, compare_ids);
	int rc;

	if (node != NULL && watched_is(*node, found)) {
		watched_update(*node, scope, found);
		return 0;
	}
	rc = add_connection(watch, found);
	return rc == 0 ? 0 : describe_problem(watch, found, rc);
}

/* The latest deadline of what is live, for the default time-out. */
static void note_deadline(struct watch *watch, const struct watched *watched)
{
	struct connection connection = watched->connection;
	uint64_t latest = watch->started_ns + connection.policy.deadline_ns;
	struct drain_plan plan;

	/* An advisory connection's own order stands in its user's file: it may not hold us up. */
	if (watched->advisory &&
	    (connection.order.deadline_ns == 0 || connection.order.deadline_ns > latest))
		connection.order.deadline_ns = latest;
	plan = orders_plan(&watch->orders, &connection);
	if (plan.drain == POLICY_DRAIN_UNSET)
		return;
	if (!watch->ordered || plan.deadline_ns > watch->deadline_ns)
		watch->deadline_ns = plan.deadline_ns;
	watch->ordered = true;
}

static void force_end(struct watch *watch, struct watched *watched)
{
	struct drain_plan plan = orders_plan(&watch->orders, &watched->connection);
	uint64_t next_ns = force_step(&watched->force, &watched->connection, watched->advisory,
	    &watched->reader, &plan, watch->scanned_ns);

	if (next_ns < watch->force_ns)
		watch->force_ns = next_ns;
}

static int refresh_connections(struct watch *watch)
{
	int rc = 0;

	watch->fds.loose = 0;
	watch->live = 0;
	watch->ordered = false;
	watch->force_ns = UINT64_MAX;
	watch->scanned_ns = clock_now_ns();
	for (size_t i = 0; rc == 0 && i < watch->count; i++) {
		struct watched *watched = watch->connections[i];

		if (watch->forces)
			force_end(watch, watched);
		rc = watched_refresh(watched, &watch->fds, watch->scanned_ns);
		if (!watched->live)
			continue;
		watch->live++;
		note_deadline(watch, watched);
	}
	return rc;
}

static int hidden_problem(struct watch *watch)
{
	snprintf(watch->problem, sizeof(watch->problem),
	    "connections of uid %lu: %s (they are for root and that user to see)",
	    (unsigned long)watch->scope->hidden_uid, strerror(EACCES));
	return -EACCES;
}

static int scan(struct watch *watch)
{
	struct scope *scope = watch->scope;
	int rc;

	watch->problem[0] = '\0';
	for (size_t i = 0; i < watch->count; i++)
		watch->connections[i]->found = false;
	rc = scope_walk(scope, visit_connection, watch);
	if (rc == 0 && scope->hidden > 0)
		rc = hidden_problem(watch);
	if (rc == 0)
		rc = orders_read(scope->has_table ? &scope->table : NULL, &watch->orders);
	if (rc == 0)
		rc = refresh_connections(watch);
	if (rc != 0 && watch->problem[0] == '\0')
		snprintf(watch->problem, sizeof(watch->problem), "%s", strerror(-rc));
	return rc;
}

int watch_begin(struct watch *watch, struct scope *scope, bool forces)
{
	int rc;

	*watch = (struct watch){.scope = scope, .started_ns = clock_now_ns()};
	raise_limit(&watch->fds);
	rc = scan(watch);
	/* Not before the order has been given that is about to be: it may put a deadline off. */
	watch->forces = forces;
	return rc;
}

bool watch_passes_over(const struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++) {
		const struct watched *watched = watch->connections[i];

		if (watched->live &&
		    orders_plan(&watch->orders, &watched->connection).drain == POLICY_DRAIN_UNSET)
			return true;
	}
	return false;
}

static size_t collect_fds(const struct watch *watch, struct pollfd *polled)
{
	size_t count = 0;

	for (size_t i = 0; i < watch->count; i++) {
		const struct watched *watched = watch->connections[i];

		for (size_t j = 0; j < watched->pin_count; j++)
			polled[count++] =
			    (struct pollfd){.fd = watched->pins[j].fd, .events = POLLIN};
		if (watched->monitor_fd >= 0)
			polled[count++] =
			    (struct pollfd){.fd = watched->monitor_fd, .events = POLLIN};
	}
	return count;
}

/* Sleeps until a process that counts has ended, or it is time to look anyway. */
static int sleep_until_event(const struct watch *watch, uint64_t left_ns)
{
	uint64_t span = watch->fds.loose > 0 ? loose_tick_ns : tick_ns;
	struct pollfd *polled = reallocarray(NULL, watch->fds.pins + 1, sizeof(*polled));
	int rc;

	if (polled == NULL)
		return -ENOMEM;
	if (left_ns < span)
		span = left_ns;
	if (watch->force_ns < watch->scanned_ns + span)
		span = watch->force_ns - watch->scanned_ns;
	rc = poll(polled, collect_fds(watch, polled), (int)(span / NS_PER_MS) + 1);
	rc = rc < 0 && errno != EINTR ? -errno : 0;
	free(polled);
	return rc;
}

static uint64_t limit_of(const struct watch *watch, const uint64_t *timeout_ns, uint64_t begun_ns)
{
	if (timeout_ns != NULL)
		return begun_ns + *timeout_ns;
	if (watch->ordered)
		return (watch->deadline_ns > begun_ns ? watch->deadline_ns : begun_ns) + grace_ns;
	return begun_ns + unordered_limit_ns;
}

int watch_run(struct watch *watch, const uint64_t *timeout_ns)
{
	uint64_t begun = clock_now_ns();

	for (;;) {
		uint64_t limit;
		int rc = scan(watch);

		if (rc != 0 || watch->live == 0)
			return rc;
		limit = limit_of(watch, timeout_ns, begun);
		if (watch->scanned_ns >= limit)
			return -ETIMEDOUT;
		rc = sleep_until_event(watch, limit - watch->scanned_ns);
		if (rc != 0)
			return rc;
	}
}

/* When the order in force on the target as a whole was issued, and its tally.  0 when there is none, or
 * the target is one connection. */
static uint64_t order_on_target(const struct watch *watch, struct order_tally *tally)
{
	const struct scope *scope = watch->scope;
	const struct order_target target = target_of_order(&scope->target);
	struct order order;

	if (scope->has_table &&
	    (scope->target.kind == TARGET_HOST || scope->target.kind == TARGET_USER) &&
	    table_read_order(&scope->table, &target, &order, tally) == 0 && order.active)
		return order.issued_ns;
	*tally = (struct order_tally){0, 0};
	return 0;
}

struct watch_ended watch_read_ended(const struct watch *watch)
{
	enum target_kind kind = watch->scope->target.kind;
	enum order_scope scope = kind == TARGET_HOST   ? SCOPE_HOST
				 : kind == TARGET_USER ? SCOPE_USER
						       : SCOPE_CONNECTION;
	struct watch_ended ended;
	struct order_tally tally;
	uint64_t issued_ns = order_on_target(watch, &tally);

	ended = (struct watch_ended){tally.clean, tally.forced};
	for (size_t i = 0; i < watch->count; i++) {
		struct members_ended more;

		watched_read_ended(watch->connections[i], scope, issued_ns, &more);
		ended.clean += more.clean;
		ended.forced += more.forced;
	}
	return ended;
}

void watch_print_live(const struct watch *watch, FILE *out)
{
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->connections[i]->live)
			watched_print(watch->connections[i], out);
	}
}

static void leave_node(void *node)
{
	/* The connections are freed from the array. */
	(void)node;
}

void watch_end(struct watch *watch)
{
	tdestroy(watch->by_id, leave_node);
	for (size_t i = 0; i < watch->count; i++)
		watched_free(watch->connections[i], &watch->fds);
	free(watch->connections);
	*watch = (struct watch){.scope = NULL};
}
