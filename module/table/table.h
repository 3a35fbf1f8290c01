/* table: root's table of connections: opening, claiming, releasing, reaping, ordering.
 * Never logs or exits.  The protocol is written in table_format.h. */
#ifndef SD_TABLE_TABLE_H
#define SD_TABLE_TABLE_H

#include "table/table_format.h"
#include "util/proc.h"

#include <stdbool.h>
#include <sys/types.h>

struct table {
	int fd;
	int lock_fd; /* RUNDIR/lock; -1 in a reader */
	size_t size;
	struct table_header *header;
	struct connection_entry *entries;
};

/* Names a connection for as long as it lives; written SLOT.GENERATION. */
struct connection_ref {
	uint32_t slot;
	uint64_t generation;
};

#define CONNECTION_REF_TEXT_MAX 48

char *connection_ref_format(struct connection_ref ref, char out[CONNECTION_REF_TEXT_MAX]);

/* Returns 0 or -EINVAL; takes exactly what connection_ref_format writes. */
int connection_ref_parse(const char *text, struct connection_ref *ref);

/* The parts of an entry's word. */
struct entry_word {
	enum entry_state state;
	struct proc_id owner;
};

uint64_t entry_word_pack(struct entry_word word);
struct entry_word entry_word_unpack(uint64_t packed);

/* Whether the packed word's owner is dead, so that the entry may be reaped. */
bool entry_word_is_stale(uint64_t packed);

/* Maps RUNDIR/table, writable for root's programs.  Returns 0 and fills *out, whose mapping
 * table_close releases, or: -ENOENT there is none, -EPERM directory or file is not root's (nor the
 * caller's effective user's) or is writable by others, -EPROTO made by another build, -EINVAL cut
 * short, or another negative errno. */
int table_open(const char *rundir, bool writable, struct table *out);

/* As table_open for writing; makes the directory (0755), the table (0644) and the writers' lock (0600)
 * when they are missing.
 * Any number of processes may do so at once. */
int table_open_or_create(const char *rundir, struct table *out);

void table_close(struct table *table);

/* A copy of an entry that is OPEN or CLOSING. */
struct connection {
	struct connection_ref ref;
	enum entry_state state;
	struct proc_id monitor;
	uid_t uid;
	gid_t gid;
	uint64_t opened_ns;
	struct policy policy;
	struct order order;
	char user[USER_NAME_MAX];
	char address[ADDRESS_MAX];
};

/* Copies the entry in slot.  Returns 0, -ENOENT when it is not OPEN or CLOSING (slot past the
 * capacity included), -EAGAIN when it changed all the time. */
int table_read_connection(const struct table *table, uint32_t slot, struct connection *out);

/* As table_read_connection for one connection; -ENOENT also when the generation is another. */
int table_find_connection(
    const struct table *table, struct connection_ref ref, struct connection *out);

/* The state of a connection's entry; ENTRY_FREE when the slot's generation is another.  One or two
 * atomic loads. */
enum entry_state table_connection_state(const struct table *table, struct connection_ref ref);

/* Whether the connection has been in this table, as far as generations tell, and is not any more. */
bool table_connection_is_over(const struct table *table, struct connection_ref ref);

/* Claims an entry for a connection's monitor, the calling process or, from a child that it waits for,
 * its parent, from a description whose ref and state are ignored, and fills *ref.  A
 * description whose monitor.pid is 0 means the calling process.  The entry stays CLAIMING until
 * table_publish; one that the monitor has already in that state is filled anew.  A few entries of dead
 * owners further on are freed, their members files in shmdir removed; more only when no entry is free.
 * When the description's policy has max_connections, the user's entries of live monitors are counted in
 * the same step.  Returns 0, -EDQUOT when they are so many already, -ENOSPC when every entry is of a live
 * connection, -EBUSY when another claimer held the lock for two seconds, or a negative errno. */
int table_claim(struct table *table, const char *shmdir, const struct connection *description,
    struct connection_ref *ref);

/* CLAIMING -> OPEN, OPEN -> CLOSING (sessions are refused from here on), and either -> FREE.  Only
 * the owner calls them.  Return 0 or -EINVAL when the entry is not in that state or not ours. */
int table_publish(struct table *table, struct connection_ref ref);
int table_begin_closing(struct table *table, struct connection_ref ref);
int table_release(struct table *table, struct connection_ref ref);

/* Frees the entry in slot and removes its members file when its owner is dead and no
 * session of it lives.  Returns whether it did. */
bool table_reap(struct table *table, const char *shmdir, uint32_t slot);

struct order_target {
	enum order_scope scope;
	uid_t uid;                        /* SCOPE_USER */
	const char *user;                 /* SCOPE_USER, for display; borrowed */
	struct connection_ref connection; /* SCOPE_CONNECTION */
};

/* Gives an order, or changes the one in force, which keeps its time of issue.  Tallies start anew
 * with a new order.  Returns 0, -ENOENT no such connection, -ENOSPC no place for one more user,
 * -EBUSY another writer held the lock for two seconds, or a negative errno. */
int table_order(
    struct table *table, const struct order_target *target, const struct order_change *change);

/* Takes the target's order back; none in force is no error.  Returns as table_order. */
int table_reopen(struct table *table, const struct order_target *target);

/* The order in force on a target, inactive when there is none.  tally may be NULL; a connection has
 * none.  Returns 0, -ENOENT no such connection, -EAGAIN. */
struct order_tally {
	uint32_t clean;
	uint32_t forced;
};
int table_read_order(const struct table *table, const struct order_target *target,
    struct order *out, struct order_tally *tally);

/* Adds sessions that have ended under it to the tally of the order on a target; nothing when there is
 * none, or it has no tally. */
void table_count_ended(
    struct table *table, const struct order_target *target, uint32_t clean, uint32_t forced);

/* The user order in place index of TABLE_USERS, with the user's uid and name.  Returns 0, -ENOENT
 * when the place is free, -EAGAIN. */
int table_read_user_order(const struct table *table, uint32_t index, struct order *out, uid_t *uid,
    char name[USER_NAME_MAX]);

/* The table's order epoch: one atomic load.  What is found with the same epoch is the same, unless that has
 * ORDER_EPOCH_MARK. */
uint64_t table_order_epoch(const struct table *table);

#endif
