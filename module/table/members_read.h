/* table: members files as root (or the owner) reads them from outside: every field is hostile.
 * Never maps the file, never trusts a pid, never logs or exits. */
#ifndef SD_TABLE_MEMBERS_READ_H
#define SD_TABLE_MEMBERS_READ_H

#include "table/table.h"
#include "table/table_format.h"

/* An open members file. */
struct members_reader {
	int fd;
	uid_t uid;  /* whose file it is, as the kernel says */
	off_t next; /* the next row's lock byte to look at */
};

struct member_file {
	enum file_direction direction;
	uint64_t offset;
	uint64_t size;
	char path[FILE_PATH_MAX];
};

/* A session, as its row says.  Enumerations are of known values and texts are terminated; the texts
 * still need escape_text before they are printed. */
struct member {
	struct proc_id id; /* as claimed: members_signal verifies it */
	uint32_t row;
	enum member_state state;
	uint64_t joined_ns, active_ns;
	uint64_t read_bytes, written_bytes, requests;
	size_t file_count;
	struct member_file files[MEMBERS_FILES];
};

/* How sessions that are gone ended: what the header has counted and the rows of the killed. */
struct members_ended {
	uint32_t clean;
	uint32_t forced;
};

/* Opens the members file of a connection that the table lists.  Returns 0 or a negative errno:
 * -ENOENT, -EACCES, -EPERM not a regular file of that user. */
int members_reader_open(
    const char *shmdir, const struct connection *connection, struct members_reader *out);

/* Opens the file called name in the advisory directory of uid.  Returns likewise. */
int members_reader_open_advisory(
    const char *shmdir, uid_t uid, const char *name, struct members_reader *out);

void members_reader_close(struct members_reader *reader);

/* Whether any process holds the membership, or closes the connection.  Asked of the kernel. */
bool members_any(const struct members_reader *reader);

/* Whether whoever holds it has no row: a session that begins or has ended, a closer. */
bool members_any_unlisted(const struct members_reader *reader);

/* Whether the last one out has begun to close the connection, as the file says: a hint. */
bool members_is_closing(const struct members_reader *reader);

/* Whether a session has ever been a member, as the file says: a hint. */
bool members_ever_joined(const struct members_reader *reader);

/* Whether the connection has a guard, that will end it when the last session was killed.  Asked of the
 * kernel. */
bool members_is_guarded(const struct members_reader *reader);

/* The next session whose row the kernel says is held, from the first after members_rewind.  A row
 * whose content makes no sense is reported with pid 0 and state JOINING.  Returns 1, 0 at the end,
 * or a negative errno. */
int members_next(struct members_reader *reader, struct member *out);
void members_rewind(struct members_reader *reader);

/* Reads how all sessions that have ended ended; or those alone that had seen the order of a scope that
 * was issued at issued_ns.  Return 0, -EPROTO, or another negative errno. */
int members_read_ended(const struct members_reader *reader, struct members_ended *out);
int members_read_ended_under(const struct members_reader *reader, enum order_scope scope,
    uint64_t issued_ns, struct members_ended *out);

/* Reads the header of an advisory file as a connection: ref, state OPEN, monitor (the sshd
 * process), policy, order.  Returns 0, -EPROTO another build, or a negative errno. */
int members_read_advisory(const struct members_reader *reader, struct connection *out);

/* Pins the process that member claims to be: it must be the file's user's, have that start time,
 * and the row must still be held.  On success *pidfd is the caller's to close.  Returns 0, -ESRCH
 * when the row is free or the process gone, -EPERM when it is not that user's. */
int members_pin(const struct members_reader *reader, const struct member *member, int *pidfd);

/* members_pin, then the signal.  Returns likewise. */
int members_signal(const struct members_reader *reader, const struct member *member, int signal);

/* Sends the signal to every member that can be pinned; returns how many got it.  members_signal_all: to
 * the guard too. */
size_t members_signal_sessions(struct members_reader *reader, int signal);
size_t members_signal_all(struct members_reader *reader, int signal);

/* Asks every session for its end, by SIGTERM, and lets those go on that are stopped (SIGCONT), so that they
 * carry out what they have received.  Returns how many were asked. */
size_t members_terminate(struct members_reader *reader);

/* Changes the order in the file of an advisory connection (order_apply_change), or takes it back when
 * change is NULL, and copies what is then in force to *now_in_force.  As root or as the owner, by
 * pread and pwrite.  Returns 0, -ENOENT also when the file has lost its name, -EBUSY, -EPROTO, or a
 * negative errno. */
int members_change_advisory_order(const char *shmdir, uid_t uid, const char *name,
    const struct order_change *change, struct order *now_in_force);

#endif
