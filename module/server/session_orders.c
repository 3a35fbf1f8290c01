/* server: what the orders on this session come to. */
#include "server/session.h"

#include "util/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void session_open_table(struct session *session)
{
	int rc;

	if (session->table.header != NULL)
		return;
	rc = table_open(session->options->rundir, false, &session->table);
	if (rc != 0 && rc != -ENOENT)
		log_error("session table in %s: %s", session->options->rundir,
		    rc == -EPROTO ? "made by another build of sftp-drain" : strerror(-rc));
}

/* Adds the order on a target.  Orders on the host and on the user pass over the connections that are
 * younger, where the policy admits them in spite of the order (as orders.c of the control room says).
 * Returns 0, or -EAGAIN when it is to be asked again. */
static int add_order(
    struct session *session, const struct order_target *target, struct drain_plan *plan)
{
	struct order order;
	int rc = table_read_order(&session->table, target, &order, NULL);

	if (rc != 0)
		return rc == -EAGAIN ? rc : 0;
	if (target->scope != SCOPE_CONNECTION && session->policy.while_draining == POLICY_ADMIT &&
	    order.issued_ns < session->opened_ns)
		return 0;
	order_add_to_plan(&order, target->scope, &session->policy, plan);
	return 0;
}

static int add_advisory_order(struct session *session, struct drain_plan *plan)
{
	struct order order;
	int rc;

	if (session->registered || session->membership.header == NULL)
		return 0;
	rc = order_read(&session->membership.header->order, &order);
	if (rc == 0)
		order_add_to_plan(&order, SCOPE_CONNECTION, &session->policy, plan);
	return rc;
}

static int read_orders(struct session *session, struct drain_plan *plan)
{
	struct order_target target = {.scope = SCOPE_HOST, .uid = getuid()};
	int rc = add_advisory_order(session, plan);

	if (rc != 0 || session->table.header == NULL)
		return rc;
	rc = add_order(session, &target, plan);
	target.scope = SCOPE_USER;
	if (rc == 0)
		rc = add_order(session, &target, plan);
	target.scope = SCOPE_CONNECTION;
	target.connection = session->ref;
	if (rc == 0 && session->registered)
		rc = add_order(session, &target, plan);
	return rc;
}

/* Whether anything has changed since the last look. */
static bool orders_moved(struct session *session)
{
	uint64_t epoch = 0, advisory = 0, first_end = 0;
	bool moved;

	if (session->table.header != NULL)
		epoch = table_order_epoch(&session->table);
	if (session->membership.header != NULL)
		advisory = atomic_load_explicit(
		    &session->membership.header->order.version, memory_order_acquire);
	if (session->membership.header != NULL && session->policy.close == POLICY_CLOSE_FIRST)
		first_end = members_first_end(&session->membership);
	moved = epoch != session->epoch_seen || (epoch & ORDER_EPOCH_MARK) != 0 ||
		advisory != session->advisory_seen || first_end != session->first_end_seen;
	session->epoch_seen = epoch;
	session->advisory_seen = advisory;
	session->first_end_seen = first_end;
	return moved;
}

/* close = "first": the end of the first session is to the others as an order is, though ends are not
 * counted under it. */
static void add_first_end(const struct session *session, struct drain_plan *plan)
{
	const struct order order = {
	    .active = 1,
	    .issued_ns = session->first_end_seen,
	    .message = "this connection closes after its first session",
	};
	uint64_t ordered_ns = plan->issued_ns[SCOPE_CONNECTION];

	if (session->first_end_seen == 0)
		return;
	order_add_to_plan(&order, SCOPE_CONNECTION, &session->policy, plan);
	plan->issued_ns[SCOPE_CONNECTION] = ordered_ns;
}

void session_update(struct session *session, bool woken)
{
	struct drain_plan plan = {.drain = POLICY_DRAIN_UNSET};

	if (woken)
		session_open_table(session);
	if (!orders_moved(session))
		return;
	if (session->registered)
		/* Closing, or gone altogether: whoever was slow to join may have missed the closing. */
		session->connection_ends =
		    table_connection_state(&session->table, session->ref) != ENTRY_OPEN;
	if (read_orders(session, &plan) != 0) {
		/* They change faster than they can be read; what is known holds until the next look. */
		session->epoch_seen = UINT64_MAX;
		return;
	}
	add_first_end(session, &plan);
	if (plan.drain != session->plan.drain) {
		bool drains = plan.drain != POLICY_DRAIN_UNSET;

		log_verbose(
		    "drain: %s", drains ? policy_drain_name(plan.drain) : "no order any more");
		session_show_state(session, drains ? MEMBER_DRAINING : MEMBER_ACTIVE);
	}
	session->plan = plan;
	members_show_orders(&session->membership, &plan);
	if (plan.drain != POLICY_DRAIN_UNSET && session->on_order != NULL)
		session->on_order(session);
}

bool session_may_end_connection(const struct session *session)
{
	return session->member && session->sshd_pin >= 0 && !session->connection_ends &&
	       (session->plan.drain != POLICY_DRAIN_UNSET ||
		   session->policy.close != POLICY_CLOSE_CLIENT);
}

bool session_refuses_new(const struct session *session)
{
	return session->plan.drain >= POLICY_DRAIN_TRANSFER;
}

const char *session_drain_text(const struct session *session, char *out, size_t out_len)
{
	const char *message = session->plan.message;

	snprintf(out, out_len, "server is draining%s%s", message[0] == '\0' ? "" : ": ", message);
	return out;
}
