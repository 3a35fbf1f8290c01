/* table: giving, changing, taking back and reading orders.  Never logs or exits. */
#include "table/lock.h"
#include "table/table.h"
#include "util/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const uint64_t writers_limit_ns = 2 * NS_PER_S;

/* Where an order stands. */
struct place {
	struct order_cell *cell;
	struct tally *tally;     /* NULL: a connection has none */
	struct user_order *user; /* NULL: not a user's */
};

static uint64_t owner_of(uid_t uid)
{
	return (uint64_t)uid + 1;
}

static struct user_order *find_user(const struct table *table, uid_t uid)
{
	for (size_t i = 0; i < TABLE_USERS; i++) {
		struct user_order *user = &table->header->users[i];

		if (atomic_load_explicit(&user->owner, memory_order_acquire) == owner_of(uid))
			return user;
	}
	return NULL;
}

/* -ENOENT: no such connection, or the user has no order. */
static int find_place(
    const struct table *table, const struct order_target *target, struct place *place)
{
	struct connection_ref ref = target->connection;
	enum entry_state state;

	*place = (struct place){.cell = NULL};
	switch (target->scope) {
	case SCOPE_HOST:
		place->cell = &table->header->host;
		place->tally = &table->header->host_tally;
		return 0;
	case SCOPE_USER:
		place->user = find_user(table, target->uid);
		if (place->user == NULL)
			return -ENOENT;
		place->cell = &place->user->cell;
		place->tally = &place->user->tally;
		return 0;
	case SCOPE_CONNECTION:
		state = table_connection_state(table, ref);
		if (state != ENTRY_OPEN && state != ENTRY_CLOSING)
			return -ENOENT;
		place->cell = &table->entries[ref.slot].order;
		return 0;
	}
	return -EINVAL;
}

/* With the writers' lock held.  The owner is written by the caller, after the order. */
static int claim_user(struct table *table, const struct order_target *target, struct place *place)
{
	for (size_t i = 0; i < TABLE_USERS; i++) {
		struct user_order *user = &table->header->users[i];

		if (atomic_load(&user->owner) != 0)
			continue;
		snprintf(user->name, sizeof(user->name), "%s", target->user);
		*place = (struct place){&user->cell, &user->tally, user};
		return 0;
	}
	return -ENOSPC;
}

/* An order for an earlier connection in the same entry counts as none. */
static int read_place(
    const struct order_target *target, const struct place *place, struct order *order)
{
	int rc = order_read(place->cell, order);

	if (target->scope == SCOPE_CONNECTION && order->generation != target->connection.generation)
		order->active = 0;
	return rc;
}

/* Takes the writers' lock and marks the epoch; unlock_writers raises it and drops the lock.  A writer that
 * dies in between leaves the mark, by which his order is seen all the same, to the next. */
static int lock_writers(struct table *table)
{
	int rc = lock_wait(table->lock_fd, LOCK_WRITERS, LOCK_EXCLUSIVE, writers_limit_ns);

	if (rc == 0)
		atomic_fetch_or(&table->header->order_epoch, ORDER_EPOCH_MARK);
	return rc == -ETIMEDOUT ? -EBUSY : rc;
}

static void unlock_writers(struct table *table)
{
	/* The mark is set: this takes it away and raises what is above it. */
	atomic_fetch_add(&table->header->order_epoch, ORDER_EPOCH_MARK);
	lock_drop(table->lock_fd, LOCK_WRITERS);
}

int table_order(
    struct table *table, const struct order_target *target, const struct order_change *change)
{
	struct order order = {.active = 0};
	struct place place;
	int rc = lock_writers(table);

	if (rc != 0)
		return rc;
	rc = find_place(table, target, &place);
	if (rc == -ENOENT && target->scope == SCOPE_USER)
		rc = claim_user(table, target, &place);
	else if (rc == 0)
		rc = read_place(target, &place, &order);
	if (rc != 0)
		goto out;
	if ((!order.active || change->anew) && place.tally != NULL) {
		atomic_store(&place.tally->clean, 0);
		atomic_store(&place.tally->forced, 0);
	}
	order_apply_change(&order, change, clock_now_ns());
	order.generation = target->scope == SCOPE_CONNECTION ? target->connection.generation : 0;
	order_write(place.cell, &order);
	if (place.user != NULL)
		atomic_store(&place.user->owner, owner_of(target->uid));
out:
	unlock_writers(table);
	return rc;
}

int table_reopen(struct table *table, const struct order_target *target)
{
	struct order none = {.active = 0};
	struct place place;
	int rc = lock_writers(table);

	if (rc != 0)
		return rc;
	rc = find_place(table, target, &place);
	if (rc == 0) {
		if (place.user != NULL)
			atomic_store(&place.user->owner, 0);
		order_write(place.cell, &none);
	} else if (rc == -ENOENT && target->scope == SCOPE_USER) {
		rc = 0;
	}
	unlock_writers(table);
	return rc;
}

int table_read_order(const struct table *table, const struct order_target *target,
    struct order *out, struct order_tally *tally)
{
	struct place place;
	int rc = find_place(table, target, &place);

	*out = (struct order){.active = 0};
	if (tally != NULL)
		*tally = (struct order_tally){0, 0};
	if (rc == -ENOENT && target->scope == SCOPE_USER)
		return 0;
	if (rc == 0)
		rc = read_place(target, &place, out);
	if (rc != 0)
		return rc;
	/* The place may have become another user's in the meantime. */
	if (place.user != NULL && atomic_load(&place.user->owner) != owner_of(target->uid))
		*out = (struct order){.active = 0};
	if (tally != NULL && place.tally != NULL)
		*tally = (struct order_tally){
		    atomic_load(&place.tally->clean), atomic_load(&place.tally->forced)};
	return 0;
}

int table_read_user_order(const struct table *table, uint32_t index, struct order *out, uid_t *uid,
    char name[USER_NAME_MAX])
{
	const struct user_order *user;
	uint64_t owner;
	int rc;

	if (index >= TABLE_USERS)
		return -ENOENT;
	user = &table->header->users[index];
	owner = atomic_load(&user->owner);
	if (owner == 0)
		return -ENOENT;
	rc = order_read(&user->cell, out);
	if (rc != 0)
		return rc;
	memcpy(name, user->name, USER_NAME_MAX);
	name[USER_NAME_MAX - 1] = '\0';
	*uid = (uid_t)(owner - 1);
	return atomic_load(&user->owner) == owner ? 0 : -EAGAIN;
}

/* What is added comes from a user's file: it must not wrap the total and so hide what others say. */
static void count_in(_Atomic uint32_t *total, uint32_t more)
{
	uint32_t before = atomic_load(total);
	uint32_t after;

	do {
		after = more > UINT32_MAX - before ? UINT32_MAX : before + more;
	} while (!atomic_compare_exchange_weak(total, &before, after));
}

void table_count_ended(
    struct table *table, const struct order_target *target, uint32_t clean, uint32_t forced)
{
	struct place place;

	if (find_place(table, target, &place) != 0 || place.tally == NULL)
		return;
	count_in(&place.tally->clean, clean);
	count_in(&place.tally->forced, forced);
}
