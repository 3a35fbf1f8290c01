/* table: orders to drain, in shared memory and combined.  The protocol is written in order.h. */
#include "table/order.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define READ_TRIES 64

int order_read(const struct order_cell *cell, struct order *out)
{
	for (int i = 0; i < READ_TRIES; i++) {
		uint64_t before = atomic_load_explicit(&cell->version, memory_order_acquire);

		memcpy(out, &cell->slots[before & 1], sizeof(*out));
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&cell->version, memory_order_relaxed) == before) {
			order_sanitize(out);
			return 0;
		}
	}
	return -EAGAIN;
}

void order_write(struct order_cell *cell, const struct order *order)
{
	uint64_t version = atomic_load_explicit(&cell->version, memory_order_relaxed);

	/* A reader of the version before this one may still be in the slot; it sees the version
	 * move before it can see the new content. */
	atomic_thread_fence(memory_order_release);
	memcpy(&cell->slots[(version + 1) & 1], order, sizeof(*order));
	atomic_store_explicit(&cell->version, version + 1, memory_order_release);
}

void order_add_to_plan(const struct order *order, enum order_scope scope,
    const struct policy *policy, struct drain_plan *plan)
{
	enum policy_drain drain = order->drain;
	uint64_t deadline = order->deadline_ns;

	if (!order->active)
		return;
	if (drain == POLICY_DRAIN_UNSET)
		drain = policy->drain;
	if (deadline == 0)
		deadline = order->issued_ns + policy->deadline_ns;
	if (plan->drain == POLICY_DRAIN_UNSET || deadline < plan->deadline_ns)
		plan->deadline_ns = deadline;
	plan->issued_ns[scope] = order->issued_ns;
	if (drain > plan->drain)
		plan->drain = drain;
	if (plan->message[0] == '\0')
		memcpy(plan->message, order->message, sizeof(plan->message));
}

static bool has_passed(const struct order *order, uint64_t now_ns)
{
	return order->deadline_ns != 0 && order->deadline_ns <= now_ns;
}

void order_apply_change(struct order *order, const struct order_change *change, uint64_t now_ns)
{
	if (!order->active)
		*order = (struct order){.active = 1};
	if (order->issued_ns == 0 || change->anew)
		order->issued_ns = now_ns;
	if (change->drain != POLICY_DRAIN_UNSET)
		order->drain = change->drain;
	if (change->set_deadline &&
	    (change->deadline_ns != 0 || change->anew || !has_passed(order, now_ns)))
		order->deadline_ns = now_ns + change->deadline_ns;
	if (change->message != NULL)
		snprintf(order->message, sizeof(order->message), "%s", change->message);
}

void order_sanitize(struct order *order)
{
	if (order->drain > POLICY_DRAIN_NOW)
		order->drain = POLICY_DRAIN_NOW;
	order->message[ORDER_MESSAGE_MAX - 1] = '\0';
}
