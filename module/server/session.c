/* server: this session's place among its siblings. */
#include "server/session.h"

#include "policy/policy_load.h"
#include "server/log_name.h"
#include "server/sshd.h"
#include "table/members_read.h"
#include "table/session_share.h"
#include "util/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTION_VARIABLE "SFTP_DRAIN_CONNECTION"
#define REJOIN_TRIES 16
#define REOPEN_TRIES 50

/* Whether the connection has left the table, and sshd with it: the client was gone, and sshd too, before
 * the session that it had started got this far.  Where sshd is still there it is the table that was
 * lost. */
static bool is_over(const struct session *session)
{
	struct proc_id sshd;

	return table_connection_is_over(&session->table, session->ref) &&
	       sshd_find_above(&sshd) != 0;
}

/* Finds the connection that the PAM module registered.  0, or why it is not to be used; -ESHUTDOWN when it
 * has ended. */
static int find_registered(struct session *session)
{
	const char *variable = getenv(CONNECTION_VARIABLE);
	struct connection connection;
	int rc;

	if (variable == NULL || session->table.header == NULL)
		return -ENOENT;
	rc = connection_ref_parse(variable, &session->ref);
	if (rc == 0)
		rc = table_find_connection(&session->table, session->ref, &connection);
	if (rc == 0 && connection.uid != getuid())
		rc = -EPERM;
	/* The variable may have come along from another connection (a terminal multiplexer). */
	if (rc == 0)
		rc = sshd_find_below(connection.monitor, &session->sshd);
	if (rc == 0)
		rc = members_open(session->options->shmdir, session->ref, &session->membership);
	if (rc == 0) {
		session->registered = true;
		session->policy = connection.policy;
		memcpy(session->user, connection.user, sizeof(session->user));
		session->opened_ns = connection.opened_ns;
	} else if (rc == -ENOENT && is_over(session)) {
		rc = -ESHUTDOWN;
	}
	return rc;
}

/* The client's address as sshd has it, empty when there is none.  Returns out. */
static const char *client_address(char out[ADDRESS_MAX])
{
	const char *connection = getenv("SSH_CONNECTION");

	snprintf(out, ADDRESS_MAX, "%.*s", connection == NULL ? 0 : (int)strcspn(connection, " "),
	    connection == NULL ? "" : connection);
	return out;
}

/* For a session that no PAM module has registered.  Which key its user has is not known here. */
static int load_policy(struct session *session)
{
	char address[ADDRESS_MAX];
	const struct policy_subject subject = {
	    .user = session->options->self.pw_name,
	    .address = client_address(address),
	};
	struct policy_error error;
	int rc =
	    policy_load_user(session->options->config, &subject, &session->policy, NULL, &error);

	if (rc != 0) {
		log_error("%s; the built-in policy applies", error.text);
		policy_set_defaults(&session->policy);
	}
	return rc;
}

/* Without the PAM module: siblings find each other by the sshd process. */
static int open_advisory(struct session *session)
{
	char address[ADDRESS_MAX];
	const struct advisory_connection connection = {
	    .sshd = session->sshd,
	    .policy = session->policy,
	    .address = client_address(address),
	};
	int rc = members_open_advisory(session->options->shmdir, &connection, &session->membership);

	if (rc == 0)
		session->opened_ns = session->membership.header->opened_ns;
	return rc;
}

static int find_advisory(struct session *session)
{
	int rc = sshd_find_above(&session->sshd);

	return rc != 0 ? rc : open_advisory(session);
}

/* Fills in membership, policy and sshd where the table does not know the connection. */
static void find_unregistered(struct session *session)
{
	int rc;

	(void)load_policy(session);
	rc = find_advisory(session);
	if (rc != 0)
		log_verbose("running alone: no connection to share (%s)", strerror(-rc));
}

static int refuse(char refusal[SESSION_TEXT_MAX], int error, const char *text)
{
	snprintf(refusal, SESSION_TEXT_MAX, "%s", text);
	return error;
}

/* With the membership held, so that from here on nobody closes without us. */
static int check_admission(struct session *session, char refusal[SESSION_TEXT_MAX])
{
	/* As if woken: who gave an order before we had joined did not wake us. */
	session_update(session, true);
	if (session->plan.drain != POLICY_DRAIN_UNSET) {
		session_drain_text(session, refusal, SESSION_TEXT_MAX);
		return -ESHUTDOWN;
	}
	if (session->connection_ends)
		return refuse(refusal, -ESHUTDOWN, "this connection is being closed");
	return 0;
}

/* Whether an order, the policy or sshd itself gives a reason for the connection to be closed. */
static bool closes(struct session *session)
{
	session_update(session, true);
	return session->plan.drain != POLICY_DRAIN_UNSET || session->connection_ends ||
	       session->policy.close != POLICY_CLOSE_CLIENT;
}

/* Takes a share of the sessions that the policy gives the user. */
static int take_share(struct session *session, char refusal[SESSION_TEXT_MAX])
{
	int rc;

	if (session->policy.max_sessions == 0)
		return 0;
	rc = session_share_take(session->options->shmdir, session->policy.max_sessions);
	if (rc == -EAGAIN)
		return refuse(refusal, rc, "too many sessions of this user");
	if (rc < 0)
		log_error("cannot count the user's sessions: %s", strerror(-rc));
	else
		session->share = rc;
	return 0;
}

static int try_join(struct session *session)
{
	session->membership.rows_max = session->policy.max_sessions_per_connection;
	return members_join(&session->membership);
}

static int join_members(struct session *session, char refusal[SESSION_TEXT_MAX])
{
	int rc = try_join(session);

	/* The last sibling of before removed the file between our opening and our locking it. */
	for (int i = 0; rc == -ESTALE && !session->registered && i < REJOIN_TRIES; i++) {
		members_close(&session->membership);
		rc = open_advisory(session);
		if (rc == 0)
			rc = try_join(session);
	}
	/* A close that has been taken back: the last one out is about to notice, at its next tick. */
	for (int i = 0; rc == -ESHUTDOWN && i < REOPEN_TRIES && !closes(session); i++) {
		clock_sleep_ns(10 * NS_PER_MS);
		rc = try_join(session);
	}
	session->member = session->membership.joined;
	switch (rc) {
	case 0:
		return 0;
	case -ESHUTDOWN:
		return refuse(refusal, rc, "this connection is being closed");
	case -ENOSPC:
		return refuse(refusal, rc, "this connection has too many sessions");
	default:
		log_error("cannot join the connection: %s; running alone", strerror(-rc));
		if (!session->member)
			members_close(&session->membership);
		return 0;
	}
}

/* Pinned while it is certain to live: it is an ancestor, and serves us.  One that we may not signal is
 * of no use to a closer. */
static void pin_sshd(struct session *session)
{
	if (proc_pin_ancestor(session->sshd, &session->sshd_pin) != 0) {
		session->sshd_pin = -1;
	} else if (proc_signal(session->sshd_pin, 0) == -EPERM) {
		close(session->sshd_pin);
		session->sshd_pin = -1;
	}
}

void session_begin(struct session *session, const struct options *options)
{
	int rc;

	*session = (struct session){
	    .options = options,
	    .table = {.fd = -1},
	    .membership = {.fd = -1, .row_index = -1},
	    .sshd_pin = -1,
	    .share = -1,
	    .epoch_seen = UINT64_MAX,
	};
	session_open_table(session);
	rc = find_registered(session);
	session->connection_ends = rc == -ESHUTDOWN;
	if (rc != 0 && rc != -ESHUTDOWN && getenv(CONNECTION_VARIABLE) != NULL)
		log_error("connection \"%s\" is not in the session table: %s",
		    log_name(getenv(CONNECTION_VARIABLE)), strerror(-rc));
}

const char *session_user(const struct session *session)
{
	return session->registered ? session->user : NULL;
}

bool session_is_listed(const struct session *session)
{
	return session->membership.row_index >= 0;
}

int session_join(struct session *session, char refusal[SESSION_TEXT_MAX])
{
	int rc;

	/* Its PAM session has ended: nothing may be done under it any more. */
	if (!session->registered && session->connection_ends) {
		policy_set_defaults(&session->policy);
		return refuse(refusal, -ESHUTDOWN, "this connection is being closed");
	}
	if (!session->registered)
		find_unregistered(session);
	rc = take_share(session, refusal);
	if (rc == 0 && session->membership.header != NULL)
		rc = join_members(session, refusal);
	/* No siblings, no orders, no limits: not where the policy wants to be sure of them. */
	if (rc == 0 && !session_is_listed(session) && session->policy.required != 0)
		rc = refuse(refusal, -ENOTCONN, "this server cannot register the session");
	if (session->member)
		pin_sshd(session);
	if (rc == 0)
		rc = check_admission(session, refusal);
	if (rc == 0)
		session_show_state(session, MEMBER_ACTIVE);
	return rc;
}

/* Wakes the siblings, so that they see that the first of them has left. */
static void wake_siblings(const struct session *session)
{
	struct members_reader reader = {
	    .fd = session->membership.fd, .uid = getuid(), .next = LOCK_ROWS};

	(void)members_signal_all(&reader, SIGURG);
}

enum members_left session_leave(struct session *session, enum member_end end)
{
	enum members_left left;

	/* Before a child is made that would inherit it. */
	if (session->share >= 0)
		close(session->share);
	session->share = -1;
	if (!session->member)
		return LEFT_OTHERS;
	/* Whether this is an end under an order. */
	session_update(session, false);
	session->member = false;
	left = members_leave(&session->membership, end);
	if (left == LEFT_OTHERS && session->policy.close == POLICY_CLOSE_FIRST)
		wake_siblings(session);
	return left;
}

enum members_left session_go_alone(struct session *session)
{
	enum members_left left = LEFT_OTHERS;

	if (session->member)
		left = members_leave(&session->membership, END_REFUSED);
	session->member = false;
	return left;
}

void session_show_refused(struct session *session)
{
	if (session->membership.header != NULL)
		members_show_refused(&session->membership);
}

void session_let_go(struct session *session)
{
	if (!session->registered && session->membership.header != NULL)
		members_retire_advisory(&session->membership, session->options->shmdir);
}

void session_free(struct session *session)
{
	members_close(&session->membership);
	table_close(&session->table);
	session->registered = false;
	if (session->sshd_pin >= 0)
		close(session->sshd_pin);
	session->sshd_pin = -1;
}
