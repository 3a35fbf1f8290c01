/* server: this session's place among its siblings: finding the connection, joining, seeing orders,
 * telling what moves, leaving. */
#ifndef SD_SERVER_SESSION_H
#define SD_SERVER_SESSION_H

#include "server/options.h"
#include "table/members.h"
#include "table/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_TEXT_MAX 512

struct session {
	const struct options *options;
	struct policy policy;
	struct table table;        /* header NULL: there is none */
	struct connection_ref ref; /* of a registered connection */
	bool registered;
	char user[USER_NAME_MAX];     /* of a registered connection */
	struct membership membership; /* header NULL: no siblings are known */
	bool member;
	struct proc_id sshd; /* the connection's process; pid 0: not known */
	int sshd_pin;        /* -1: not known, or not ours to signal */
	int share;           /* of the user's sessions (session_share.h); -1: none */
	uint64_t opened_ns;  /* when the connection was */
	uint64_t epoch_seen, advisory_seen, first_end_seen;
	struct drain_plan plan;
	bool connection_ends;       /* its end has begun without an order: sshd is closing it */
	int unsized[MEMBERS_FILES]; /* descriptors of listed files; -1: its size is known */
	/* Called at a look at the orders that finds one in force; NULL: nobody minds. */
	void (*on_order)(struct session *session);
};

/* Starts *session and finds the connection that the PAM module has registered, by
 * SFTP_DRAIN_CONNECTION.  options must outlive it; of them, only rundir and shmdir are looked at. */
void session_begin(struct session *session, const struct options *options);

/* The user's name as the PAM module has it, or NULL when the connection is not registered. */
const char *session_user(const struct session *session);

/* Joins the connection and reads the orders.  One that is not registered is found by the sshd process;
 * else the session is alone, which the log says.  session_begin was called.  Returns 0, or a negative
 * errno after writing to refusal why this session must not start (-ESHUTDOWN draining or closing,
 * -ENOSPC too many siblings, -EAGAIN too many sessions of the user, -ENOTCONN it would be alone and
 * must not); session_leave is due in either case. */
int session_join(struct session *session, char refusal[SESSION_TEXT_MAX]);

/* Whether the session has a row among its siblings: is listed, woken, awaited. */
bool session_is_listed(const struct session *session);

/* Maps root's table, unless it is mapped already or there is none yet. */
void session_open_table(struct session *session);

/* Reads the orders again when any has changed: two atomic loads when none has.  woken: SIGURG
 * came, so also look for a table that was not there before. */
void session_update(struct session *session, bool woken);

/* Whether the end of this session may be followed by that of its connection, by our closer. */
bool session_may_end_connection(const struct session *session);

/* Whether new OPEN and OPENDIR requests are to be refused, and the text for the client. */
bool session_refuses_new(const struct session *session);
const char *session_drain_text(const struct session *session, char *out, size_t out_len);

/* Shows the session's state, and that a number of requests has just been served. */
void session_show_state(struct session *session, enum member_state state);
void session_count_requests(struct session *session, uint64_t count);

/* As members_file_begin, for the file that fd has open; and a READ or WRITE of len bytes at offset:
 * row may be NULL.  Many files are moved by one request, and the size of those is never asked for:
 * the first READ or WRITE beyond the beginning does. */
struct file_row *session_file_begin(
    struct session *session, const char *path, enum file_direction direction, int fd);
void session_file_moved(struct session *session, struct file_row *row,
    enum file_direction direction, uint64_t offset, uint64_t len);

/* Ends the membership.  After LEFT_LAST this was the last session and holds the write lock: the
 * caller goes on with closer_start or, when that does nothing, with session_let_go. */
enum members_left session_leave(struct session *session, enum member_end end);

/* For one that was admitted and is not listed: goes on, but as no member; orders still reach it while it
 * moves something.  Returns as session_leave, which it takes nothing away from. */
enum members_left session_go_alone(struct session *session);

/* Shows the last one out that a session which was not admitted is still there to say so. */
void session_show_refused(struct session *session);

/* With the write lock held, when the connection is not ended: tidies up. */
void session_let_go(struct session *session);

/* Releases what the session holds, locks included; from then on it is alone, and orders do not
 * reach it. */
void session_free(struct session *session);

#endif
