/* table: entries from claim to release, and the reaping of what the dead left.  Never logs or
 * exits. */
#include "table/lock.h"
#include "table/members_file.h"
#include "table/table.h"
#include "util/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Entries looked at beyond the one that is claimed, so that the dead are found without a walk over
 * the whole table at each login. */
#define REAP_AHEAD 4

static const uint64_t claimers_limit_ns = 2 * NS_PER_S;

static int self_word(enum entry_state state, uint64_t *packed)
{
	struct entry_word word = {.state = state};
	int rc = proc_self(&word.owner);

	*packed = entry_word_pack(word);
	return rc;
}

/* Whether sessions of the connection still live: a killed monitor does not take them along. */
static bool has_members(const char *shmdir, struct connection_ref ref, uid_t uid)
{
	int fd = members_open_file(shmdir, ref, O_RDONLY, uid);
	bool held;

	if (fd < 0)
		return false;
	held = lock_is_held(fd, LOCK_MEMBERS, 1, NULL) == 1;
	close(fd);
	return held;
}

bool table_reap(struct table *table, const char *shmdir, uint32_t slot)
{
	struct connection_entry *entry = &table->entries[slot];
	uint64_t packed = atomic_load(&entry->word);
	struct connection_ref ref = {slot, atomic_load(&entry->generation)};
	uint64_t reaping;

	if (!entry_word_is_stale(packed) || has_members(shmdir, ref, entry->uid) ||
	    self_word(ENTRY_RELEASING, &reaping) != 0)
		return false;
	if (!atomic_compare_exchange_strong(&entry->word, &packed, reaping))
		return false;
	/* From here on nobody is admitted.  Who was just before keeps the entry as it was. */
	if (has_members(shmdir, ref, entry->uid)) {
		atomic_store(&entry->word, packed);
		return false;
	}
	members_remove(shmdir, ref);
	atomic_store(&entry->word, 0);
	return true;
}

/* Claims the entry in slot when it is free.  Returns whether it did. */
static bool claim_slot(struct table *table, uint32_t slot, uint64_t claiming)
{
	uint64_t free_word = 0;

	return atomic_load(&table->entries[slot].word) == 0 &&
	       atomic_compare_exchange_strong(&table->entries[slot].word, &free_word, claiming);
}

static void fill_entry(struct connection_entry *entry, const struct connection *description)
{
	struct order none = {.active = 0};

	entry->uid = (uint32_t)description->uid;
	entry->gid = (uint32_t)description->gid;
	entry->opened_ns = description->opened_ns;
	entry->policy = description->policy;
	snprintf(entry->user, sizeof(entry->user), "%s", description->user);
	snprintf(entry->address, sizeof(entry->address), "%s", description->address);
	order_write(&entry->order, &none);
}

/* Looks on from slot for entries of the dead. */
static void reap_ahead(struct table *table, const char *shmdir, uint32_t slot)
{
	for (uint32_t i = 1; i <= REAP_AHEAD; i++)
		(void)table_reap(table, shmdir, (slot + i) % table->header->capacity);
}

/* The entry that the word says is its owner's already, or capacity. */
static uint32_t find_claim(const struct table *table, uint64_t claiming)
{
	uint32_t slot = 0;

	while (
	    slot < table->header->capacity && atomic_load(&table->entries[slot].word) != claiming)
		slot++;
	return slot;
}

/* Whether the user has so many entries, the owner of own not counted.  A free entry keeps the uid that it
 * had; one that is being claimed has the new one, for claimers come one at a time, or a dead owner. */
static bool has_entries(
    struct table *table, const char *shmdir, uid_t uid, uint64_t own, uint32_t max)
{
	struct proc_id owner = entry_word_unpack(own).owner;
	uint32_t count = 0;

	for (uint32_t slot = 0; slot < table->header->capacity && count < max; slot++) {
		const struct connection_entry *entry = &table->entries[slot];
		struct entry_word word = entry_word_unpack(atomic_load(&entry->word));

		if (word.state == ENTRY_FREE || word.state == ENTRY_RELEASING ||
		    entry->uid != (uint32_t)uid ||
		    (word.owner.pid == owner.pid && word.owner.start == owner.start))
			continue;
		if (proc_is_alive(word.owner))
			count++;
		else
			(void)table_reap(table, shmdir, slot);
	}
	return count >= max;
}

static int claim_free(
    struct table *table, const char *shmdir, uint64_t claiming, struct connection_ref *ref)
{
	uint32_t capacity = table->header->capacity;
	uint32_t start = atomic_load(&table->header->claim_hint) % capacity;

	/* Twice round: whether an owner is dead is asked of /proc, which takes too long to be asked of
	 * everybody while there is a free entry. */
	for (uint32_t i = 0; i < 2 * capacity; i++) {
		uint32_t slot = (start + i) % capacity;

		if (!claim_slot(table, slot, claiming) &&
		    !(i >= capacity && table_reap(table, shmdir, slot) &&
			claim_slot(table, slot, claiming)))
			continue;
		*ref = (struct connection_ref){
		    slot, atomic_fetch_add(&table->entries[slot].generation, 1) + 1};
		atomic_store(&table->header->claim_hint, (slot + 1) % capacity);
		return 0;
	}
	return -ENOSPC;
}

/* With the claimers' lock held. */
static int claim(struct table *table, const char *shmdir, const struct connection *description,
    uint64_t claiming, struct connection_ref *ref)
{
	uint32_t max = description->policy.max_connections;
	uint32_t slot;
	int rc = 0;

	if (max != 0 && has_entries(table, shmdir, description->uid, claiming, max))
		return -EDQUOT;
	slot = find_claim(table, claiming);
	if (slot < table->header->capacity)
		*ref = (struct connection_ref){slot, atomic_load(&table->entries[slot].generation)};
	else
		rc = claim_free(table, shmdir, claiming, ref);
	if (rc == 0)
		fill_entry(&table->entries[ref->slot], description);
	return rc;
}

int table_claim(struct table *table, const char *shmdir, const struct connection *description,
    struct connection_ref *ref)
{
	uint64_t claiming;
	int rc = 0;

	if (description->monitor.pid != 0)
		claiming =
		    entry_word_pack((struct entry_word){ENTRY_CLAIMING, description->monitor});
	else
		rc = self_word(ENTRY_CLAIMING, &claiming);
	if (rc == 0)
		rc = lock_wait(table->lock_fd, LOCK_CLAIMERS, LOCK_EXCLUSIVE, claimers_limit_ns);
	if (rc != 0)
		return rc == -ETIMEDOUT ? -EBUSY : rc;
	rc = claim(table, shmdir, description, claiming, ref);
	lock_drop(table->lock_fd, LOCK_CLAIMERS);
	if (rc == 0)
		reap_ahead(table, shmdir, ref->slot);
	return rc;
}

/* Moves our own entry from one of two states to another. */
static int advance(struct table *table, struct connection_ref ref, enum entry_state from,
    enum entry_state or_from, enum entry_state to)
{
	struct connection_entry *entry;
	struct proc_id self;
	int rc = proc_self(&self);

	if (rc != 0)
		return rc;
	if (ref.slot >= table->header->capacity)
		return -EINVAL;
	entry = &table->entries[ref.slot];
	if (atomic_load(&entry->generation) != ref.generation)
		return -EINVAL;
	for (int i = 0; i < 2; i++) {
		uint64_t expected =
		    entry_word_pack((struct entry_word){i == 0 ? from : or_from, self});
		uint64_t next =
		    to == ENTRY_FREE ? 0 : entry_word_pack((struct entry_word){to, self});

		if (atomic_compare_exchange_strong(&entry->word, &expected, next)) {
			atomic_fetch_add(&table->header->order_epoch, ORDER_EPOCH_STEP);
			return 0;
		}
	}
	return -EINVAL;
}

int table_publish(struct table *table, struct connection_ref ref)
{
	return advance(table, ref, ENTRY_CLAIMING, ENTRY_CLAIMING, ENTRY_OPEN);
}

int table_begin_closing(struct table *table, struct connection_ref ref)
{
	return advance(table, ref, ENTRY_OPEN, ENTRY_OPEN, ENTRY_CLOSING);
}

int table_release(struct table *table, struct connection_ref ref)
{
	int rc = advance(table, ref, ENTRY_CLOSING, ENTRY_OPEN, ENTRY_RELEASING);

	if (rc == -EINVAL)
		rc = advance(table, ref, ENTRY_CLAIMING, ENTRY_CLAIMING, ENTRY_RELEASING);
	return rc == 0 ? advance(table, ref, ENTRY_RELEASING, ENTRY_RELEASING, ENTRY_FREE) : rc;
}
