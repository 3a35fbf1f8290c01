/* table: the layout of the shared memory, and the protocol that keeps it right.  Nothing else.
 *
 * Two files, because privilege decides the layout:
 *
 * THE TABLE, RUNDIR/table, belongs to root, mode 0644: root's programs map it writable, sessions
 * read-only.  A table_header, then table_header.capacity connection_entry.
 *
 *   An entry is owned by whoever its word names.  The word packs a state, a pid and the process's
 *   start time, so that one compare-and-swap claims an entry and says by whom, and a claim whose
 *   owner died is recognised whatever it was doing:
 *
 *     FREE -> CLAIMING (the monitor) -> OPEN -> CLOSING -> RELEASING -> FREE
 *                any of them, owner dead -> RELEASING (the reaper) -> FREE
 *
 *   Between CLAIMING and OPEN, and only then, the owner writes the plain fields; readers of an OPEN
 *   or CLOSING entry copy it between two loads of word and generation and drop the copy when either
 *   moved.  The generation is raised by each claim and is never zero in a claimed entry.
 *   A child of the owner may fill it in for the owner, and an owner has one CLAIMING entry at most.
 *   Orders are order_cells (order.h); their writers hold the write lock on byte LOCK_WRITERS of
 *   RUNDIR/lock, an open-file-description lock, which the kernel takes back from the dead; a file of
 *   its own, 0600, because whoever may read a file may put a read lock on it.  One entry at a time is claimed: claimers hold LOCK_CLAIMERS of it, so
 *   that counting a user's entries and claiming one more is one step.
 *   Each change of an order, and each step of an entry, raises order_epoch afterwards: a session that
 *   finds the epoch unchanged has nothing to read.  A writer of orders that dies could raise nothing, so
 *   it marks the epoch before it writes (ORDER_EPOCH_MARK, the low bit), and what raises it takes the
 *   mark away: as long as that is there, readers read each time.
 *
 * A MEMBERS FILE, one per connection, SHMDIR/SLOT.GENERATION (or SHMDIR-UID/PID.START without the
 * PAM module), belongs to the connection's user, mode 0600.  A members_header, then member_rows.
 * Everything in it is information only and, for root, hostile.  Membership is open-file-description
 * locks on it (fcntl(2), F_OFD_SETLK), which end with the last process that holds the description:
 *
 *   byte LOCK_MEMBERS  read lock: a session of this connection lives.
 *                      write lock: the last one out; nobody can join while it is held.
 *   byte LOCK_LEAVERS  write lock: held while one session leaves, so that the last one is not refused
 *                      because of one who is about to go; waited for at most two seconds.
 *   byte LOCK_WRITERS  write lock: held by a writer of the header's order.
 *   byte LOCK_REFUSED  read lock: a session that was not admitted is still telling its client so.
 *   byte LOCK_GUARD    write lock of the connection's guard, a process that ends the connection when
 *                      the last session was killed.  This one belongs to the process (F_SETLK), so
 *                      that the kernel says who that is.
 *   byte LOCK_PIPES+i  write lock: one of the connection's shares of large pipes (pipe_share.h).
 *   byte LOCK_ROWS+i   write lock: row i belongs to the holder.
 *
 *   Join: read lock on LOCK_MEMBERS; only then is the gate, the entry's state and every order
 *   read; then a row.  Root closes the other way round: state CLOSING first, then it looks for
 *   locks.  So a joiner either sees CLOSING and goes, or is seen and awaited.
 *   Leave: LOCK_LEAVERS, then the read lock is converted to a write lock without waiting.  That
 *   succeeds for the one that finds no other, and for it alone.
 *   The guard holds neither; it waits for the write lock on LOCK_MEMBERS (F_OFD_SETLKW), which the
 *   kernel gives it at the moment when the last session has gone, however it has.
 *   The gate only tells a joiner that finds the write lock held whether to be refused (CLOSING) or to
 *   try again (OPEN).  A joiner that gets its read lock while the gate says CLOSING knows that the
 *   closer died, and opens the gate.
 *   The last one out of an advisory connection takes the file's name away before it lets go of the write
 *   lock; a joiner that then gets its lock finds no name (st_nlink 0) and opens the file anew.
 *   A row is written by its holder alone.  A row that nobody holds and that does not say GONE is of a
 *   session that was killed: the next holder counts it, and until then whoever reads.
 *   rows_taken is a hint for who looks for a row: marked rows are tried last, for a session that was
 *   killed leaves its mark.
 *   Ends are counted with LOCK_LEAVERS held: in tally, and for each order that the row says the session
 *   had seen in under, which is of the latest order of its scope and begins anew with a later one.
 *   A file_row's version is odd while it is written. */
#ifndef SD_TABLE_TABLE_FORMAT_H
#define SD_TABLE_TABLE_FORMAT_H

#include "policy/policy.h"
#include "table/order.h"

#include <stddef.h>
#include <stdint.h>

#define TABLE_MAGIC UINT64_C(0x315441424e524453)   /* "SDRNBAT1" */
#define MEMBERS_MAGIC UINT64_C(0x31424d454e524453) /* "SDRNEMB1" */

/* Raised by hand when the meaning changes and no size does. */
#define TABLE_FORMAT_VERSION 4

#define TABLE_CAPACITY 4096
#define TABLE_USERS 256
#define MEMBERS_ROWS 256
#define MEMBERS_FILES 8
#define USER_NAME_MAX 64
#define ADDRESS_MAX 64
#define FILE_PATH_MAX 384

#define LOCK_MEMBERS 0
#define LOCK_LEAVERS 1
#define LOCK_WRITERS 2
#define LOCK_REFUSED 3
#define LOCK_GUARD 4
#define LOCK_CLAIMERS 5
#define LOCK_PIPES 8
#define LOCK_ROWS 16

/* order_epoch: the mark of who is writing an order, or died at it; what an entry's step adds. */
#define ORDER_EPOCH_MARK 1
#define ORDER_EPOCH_STEP 2

enum entry_state {
	ENTRY_FREE,
	ENTRY_CLAIMING,
	ENTRY_OPEN,
	ENTRY_CLOSING,
	ENTRY_RELEASING,
};

/* How sessions ended. */
struct tally {
	_Atomic uint32_t clean;
	_Atomic uint32_t forced;
};

/* How those ended that had seen one order, which its time of issue names. */
struct tally_under {
	_Atomic uint64_t issued_ns;
	struct tally tally;
};

struct user_order {
	_Atomic uint64_t owner; /* uid + 1; 0: free.  Written last on claim, first on release */
	char name[USER_NAME_MAX];
	struct tally tally; /* under the order in force, of connections that are gone */
	struct order_cell cell;
};

struct table_header {
	uint64_t magic;
	uint64_t signature;
	uint32_t capacity;
	_Atomic uint32_t claim_hint; /* where the next claim starts to look */
	_Atomic uint64_t order_epoch;
	struct tally host_tally; /* likewise */
	struct order_cell host;
	struct user_order users[TABLE_USERS];
};

struct connection_entry {
	_Atomic uint64_t word; /* entry_word_* in table.h */
	_Atomic uint64_t generation;
	uint32_t uid;
	uint32_t gid;
	uint64_t opened_ns;
	struct policy policy;
	char user[USER_NAME_MAX];
	char address[ADDRESS_MAX];
	struct order_cell order;
};

enum members_gate {
	GATE_OPEN,
	GATE_CLOSING,
};

enum member_state {
	MEMBER_GONE,
	MEMBER_JOINING,
	MEMBER_ACTIVE,
	MEMBER_DRAINING,
	MEMBER_FLUSHING,
};

enum file_direction {
	FILE_UNUSED,
	FILE_READ,
	FILE_WRITE,
	FILE_BOTH,
};

/* An open file.  version is odd while direction and path change. */
struct file_row {
	_Atomic uint32_t version;
	uint32_t direction;      /* enum file_direction */
	_Atomic uint64_t offset; /* end of the furthest READ or WRITE */
	_Atomic uint64_t size; /* 0 until a READ or WRITE beyond the beginning; raised by WRITEs */
	char path[FILE_PATH_MAX]; /* NUL-terminated; of a longer one, the end */
};

struct member_row {
	_Atomic uint32_t state; /* enum member_state */
	uint32_t pid;
	uint64_t start; /* struct proc_id */
	uint64_t joined_ns;
	_Atomic uint64_t active_ns; /* of the last request */
	_Atomic uint64_t read_bytes;
	_Atomic uint64_t written_bytes;
	_Atomic uint64_t requests;
	_Atomic uint64_t
	    orders_ns[ORDER_SCOPES]; /* the orders that it has seen, by time of issue */
	struct file_row files[MEMBERS_FILES];
	char padding[4096 - 80 - MEMBERS_FILES * (24 + FILE_PATH_MAX)];
};

struct members_header {
	uint64_t magic;
	uint64_t signature;
	_Atomic uint32_t gate; /* enum members_gate */
	_Atomic uint32_t row_hint;
	struct tally tally; /* of all sessions that have left */
	struct tally_under under[ORDER_SCOPES];
	_Atomic uint64_t first_end_ns; /* when the first of them had left; 0: none has */
	/* A bit for each row.  A hint: the row's lock says whether it is taken. */
	_Atomic uint64_t rows_taken[MEMBERS_ROWS / 64];
	/* Of an advisory connection; zero otherwise. */
	uint64_t sshd_start;
	uint32_t sshd_pid;
	uint32_t reserved;
	uint64_t opened_ns;
	char address[ADDRESS_MAX];
	struct policy policy;
	struct order_cell order;
};

/* Where the first row stands in a members file, and the file's size. */
#define MEMBERS_ROWS_AT 4096
#define MEMBERS_SIZE (MEMBERS_ROWS_AT + MEMBERS_ROWS * sizeof(struct member_row))

/* Programs of different builds refuse each other: sizes and offsets, folded together. */
#define TABLE_SIGNATURE                                                                            \
	((uint64_t)TABLE_FORMAT_VERSION << 56 ^ (uint64_t)sizeof(struct table_header) << 36 ^      \
	    (uint64_t)sizeof(struct connection_entry) << 20 ^                                      \
	    (uint64_t)sizeof(struct members_header) << 8 ^ (uint64_t)sizeof(struct policy))

_Static_assert(sizeof(_Atomic uint64_t) == 8, "a 64-bit atomic is a plain word");
_Static_assert(__atomic_always_lock_free(8, 0), "atomics work across processes only without locks");
_Static_assert(sizeof(struct policy) == 64, "policy layout");
_Static_assert(sizeof(struct order) == 32 + ORDER_MESSAGE_MAX, "order layout");
_Static_assert(sizeof(struct order_cell) == 8 + 2 * sizeof(struct order), "order_cell layout");
_Static_assert(offsetof(struct table_header, order_epoch) == 24, "header layout");
_Static_assert(sizeof(struct table_header) % 8 == 0, "entries are aligned");
_Static_assert(sizeof(struct connection_entry) % 8 == 0, "entries are aligned");
_Static_assert(offsetof(struct connection_entry, policy) == 32, "entry layout");
_Static_assert(sizeof(struct member_row) == 4096, "a row is a page: idle rows share none");
_Static_assert(sizeof(struct members_header) <= MEMBERS_ROWS_AT, "the header has its own page");

#endif
