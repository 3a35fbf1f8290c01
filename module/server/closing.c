/* server: ending a connection step by step.  Runs as the user; touches no file. */
#include "server/closing.h"

#include "server/send_queue.h"
#include "server/sshd.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t tick_ns = 20 * NS_PER_MS;
/* For the session proper to exit: one that was refused may take ten seconds (drain.c). */
static const uint64_t exit_limit_ns = 15 * NS_PER_S;
/* For refused newcomers to go, and for a client that takes nothing of what was sent, before the deadline. */
static const uint64_t patience_ns = 30 * NS_PER_S;
static const int settled_ticks = 10;

static bool policy_closes(const struct session *session)
{
	return session->policy.close != POLICY_CLOSE_CLIENT;
}

enum closing closing_look(struct session *session)
{
	if (proc_pin_ended(session->sshd_pin))
		return GONE;
	session_update(session, true);
	if (session->connection_ends)
		return GONE;
	if (session->plan.drain == POLICY_DRAIN_UNSET && !policy_closes(session))
		return CALLED_OFF;
	return STILL_CLOSING;
}

/* Waits until a pidfd's process has ended, or limit_ns have passed.  Returns whether it has. */
static bool wait_pin(int pidfd, uint64_t limit_ns)
{
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};
	uint64_t start = clock_now_ns();

	while (clock_now_ns() - start < limit_ns) {
		if (poll(&wait, 1, (int)(tick_ns / NS_PER_MS)) == 1)
			return true;
	}
	return proc_pin_ended(pidfd);
}

/* Waits for the session proper to exit, so that its end of the pipes is closed. */
static enum closing await_exit(struct session *session, int session_proper)
{
	uint64_t start = clock_now_ns();
	enum closing verdict = closing_look(session);

	while (verdict == STILL_CLOSING && !wait_pin(session_proper, tick_ns)) {
		if (clock_now_ns() - start >= exit_limit_ns)
			return KEPT;
		verdict = closing_look(session);
	}
	return verdict;
}

static bool admits_newcomers(const struct session *session)
{
	return session->plan.drain == POLICY_DRAIN_UNSET &&
	       session->policy.close == POLICY_CLOSE_LAST;
}

/* Lets linger pass from start on, though not the deadline.  Returns early when a session has joined since
 * joins, or newcomers get another answer than admits says. */
static enum closing pass_linger(
    struct session *session, uint64_t start, uint32_t joins, bool admits)
{
	enum closing verdict = closing_look(session);
	uint64_t now = clock_now_ns();

	while (verdict == STILL_CLOSING && now - start < session->policy.linger_ns &&
	       (session->plan.drain == POLICY_DRAIN_UNSET || now < session->plan.deadline_ns) &&
	       members_joins(&session->membership) == joins &&
	       admits_newcomers(session) == admits) {
		clock_sleep_ns(tick_ns);
		verdict = closing_look(session);
		now = clock_now_ns();
	}
	return verdict;
}

/* An order refuses newcomers for all of linger; a policy without an order admits them, so the write lock
 * is given up for that time and must be won again.  Whoever has come keeps the connection; when he has
 * gone by then too, he was the last one, and linger begins anew. */
static enum closing linger(struct session *session)
{
	uint64_t start = clock_now_ns();
	enum closing verdict = closing_look(session);

	while (verdict == STILL_CLOSING) {
		bool admits = admits_newcomers(session);
		uint32_t joins = members_joins(&session->membership);

		if (admits)
			members_resume(&session->membership);
		else
			members_begin_closing(&session->membership);
		verdict = pass_linger(session, start, joins, admits);
		if (verdict != STILL_CLOSING)
			break;
		if (admits && members_try_last(&session->membership) != LEFT_LAST)
			return OTHERS;
		if (members_joins(&session->membership) != joins)
			start = clock_now_ns();
		else if (admits_newcomers(session) == admits)
			break;
	}
	return verdict;
}

/* Whether what began at start has to end, however slowly the client takes what was sent.  Asked again each
 * time: a deadline may be moved. */
static bool is_late(const struct session *session, uint64_t start)
{
	uint64_t now = clock_now_ns();
	uint64_t deadline = session->plan.deadline_ns;

	if (session->plan.drain == POLICY_DRAIN_UNSET)
		return now - start >= session->policy.deadline_ns;
	return now >= (deadline > start ? deadline : start) + LATE_SENDING_NS;
}

/* Whether sshd serves something else on this connection (a shell, a command).  Newcomers that were
 * refused are waited for, a while; and whoever has just exited, or the shell above it, may be there a moment
 * longer. */
static enum closing look_for_others(struct session *session, uint64_t start)
{
	uint64_t began = clock_now_ns();
	enum closing verdict = closing_look(session);
	int seen = 0;

	while (verdict == STILL_CLOSING && sshd_has_children(session->sshd)) {
		seen = members_any_refused(&session->membership) ? 0 : seen + 1;
		if (seen >= settled_ticks || is_late(session, start) ||
		    clock_now_ns() - began >= patience_ns) {
			log_info("connection kept: it serves something else");
			return KEPT;
		}
		clock_sleep_ns(tick_ns);
		verdict = closing_look(session);
	}
	return verdict;
}

/* Waits until the client has acknowledged all that sshd has sent: twice in a row, because sshd itself
 * may be between reading our last words and writing them.  A queue that changes is one that is being taken,
 * for sshd refills it.  Returns early when something else has begun to use the connection; sets *waited when
 * there was something to wait for. */
static enum closing flush(struct session *session, uint64_t start, bool *waited)
{
	enum closing verdict = closing_look(session);
	uint64_t changed_ns = clock_now_ns(), now = changed_ns;
	int64_t queue, before = 0;
	int empty = 0;

	while (verdict == STILL_CLOSING && empty < 2 && !is_late(session, start) &&
	       now - changed_ns < patience_ns && !sshd_has_children(session->sshd)) {
		queue = send_queue_bytes(getenv("SSH_CONNECTION"));
		*waited = *waited || queue > 0;
		empty = queue > 0 ? 0 : empty + 1;
		if (empty < 2)
			clock_sleep_ns(tick_ns);
		now = clock_now_ns();
		if (queue != before)
			changed_ns = now;
		before = queue;
		verdict = closing_look(session);
	}
	return verdict;
}

/* A client that has been slow has just got the last of it.  OpenSSH's drops what it has not passed on when it
 * meets the end of the connection: it gets linger's time for that, and goes by itself mostly. */
static enum closing let_pass_on(struct session *session)
{
	return pass_linger(session, clock_now_ns(), members_joins(&session->membership),
	    admits_newcomers(session));
}

/* Waits until nothing and nobody has any more use for the connection.  Newcomers are not refused before it
 * is known that nothing keeps it: until then they wait for the lock. */
static enum closing settle(struct session *session)
{
	uint64_t start = clock_now_ns();
	enum closing verdict;
	bool waited = false;

	do {
		verdict = look_for_others(session, start);
		if (verdict != STILL_CLOSING)
			break;
		members_begin_closing(&session->membership);
		verdict = flush(session, start, &waited);
		if (verdict == STILL_CLOSING && waited)
			verdict = let_pass_on(session);
	} while (verdict == STILL_CLOSING && sshd_has_children(session->sshd));
	return verdict;
}

/* Signals sshd and waits a while.  The lock is kept until sshd is gone, so that whoever waits for the
 * members waits for that too; unless sshd itself waits for us (close_session in the same process).
 * Returns whether the connection ends. */
static bool end_by(struct session *session, int signal)
{
	uint64_t start = clock_now_ns();
	int rc = proc_signal(session->sshd_pin, signal);

	if (rc != 0 && rc != -ESRCH)
		log_error(
		    "cannot signal sshd process %ld: %s", (long)session->sshd.pid, strerror(-rc));
	while (clock_now_ns() - start < LATE_SIGNAL_NS) {
		if (wait_pin(session->sshd_pin, tick_ns))
			return true;
		session_update(session, false);
		if (session->connection_ends)
			return true;
	}
	return false;
}

static void end_connection(struct session *session)
{
	log_info("ending the connection after its last session");
	/* Root's may be the monitor itself (before OpenSSH 9.8), which has PAM sessions to end. */
	if (!end_by(session, SIGTERM) && (getuid() == 0 || !end_by(session, SIGKILL)))
		log_error("sshd process %ld does not end", (long)session->sshd.pid);
}

enum closing closing_run(struct session *session, int session_proper)
{
	enum closing verdict = STILL_CLOSING;

	if (!admits_newcomers(session))
		members_begin_closing(&session->membership);
	if (session_proper >= 0)
		verdict = await_exit(session, session_proper);
	if (verdict == STILL_CLOSING)
		verdict = linger(session);
	if (verdict == STILL_CLOSING)
		verdict = settle(session);
	if (verdict != STILL_CLOSING)
		return verdict;
	end_connection(session);
	return GONE;
}
