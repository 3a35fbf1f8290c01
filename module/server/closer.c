/* server: the processes that stay behind to end a connection: the closer, a child of the last one out,
 * and the guard, for when there is none because it was killed.  They run as the user. */
#include "server/closer.h"

#include "server/closing.h"
#include "server/signals.h"
#include "server/sshd.h"
#include "util/clock.h"
#include "util/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Another name than a session's, for whoever counts those. */
#define PROCESS_NAME "sftp-closer"

/* How often a process that cannot be pinned is asked after. */
static const uint64_t unpinned_tick_ns = NS_PER_S;

/* The signals of a process that stays behind.  Those that ask a session for its end are not for it: it
 * goes when its work is done.  The one that wakes it ends each wait. */
static void mind_signals(void)
{
	static const int ignored[] = {SIGTERM, SIGHUP, SIGINT};
	struct sigaction wake;

	signals_watch_read(-1);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signals_take_end();
	(void)sigaction(SIGURG, NULL, &wake);
	wake.sa_flags &= ~SA_RESTART;
	(void)sigaction(SIGURG, &wake, NULL);
}

/* sshd waits for the end of the three pipes, not only for the process; and the directory may be on a file
 * system that is to be unmounted. */
static void detach(void)
{
	int null;

	mind_signals();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2; fd++) {
		if (null >= 0)
			dup2(null, fd);
		else
			close(fd);
	}
	setsid();
	if (chdir("/") != 0)
		log_debug("/: %s", strerror(errno));
	(void)prctl(PR_SET_NAME, PROCESS_NAME);
}

/* A guard must not keep the clients' files open, which its parent has. */
static void close_inherited(const struct session *session)
{
	DIR *listing = opendir("/proc/self/fd");
	const struct dirent *entry;

	log_close();
	while (listing != NULL && (entry = readdir(listing)) != NULL) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != dirfd(listing) && fd != session->sshd_pin &&
		    fd != session->membership.fd && fd != session->table.fd)
			close(fd);
	}
	if (listing != NULL)
		closedir(listing);
}

/* Waits for what sshd serves beside SFTP, holding nothing.  Returns when that has ended, when sshd has,
 * or when orders have changed. */
static void await_others(const struct session *session)
{
	bool woken = false;
	int rc = 0;

	while (!woken && rc != -ESRCH && !proc_pin_ended(session->sshd_pin)) {
		struct pollfd ends[2] = {
		    {.fd = session->sshd_pin, .events = POLLIN}, {.fd = -1, .events = POLLIN}};

		rc = sshd_pin_child(session->sshd, &ends[1].fd);
		if (rc != -ESRCH)
			(void)signals_poll(ends, 2, rc == 0 ? UINT64_MAX : unpinned_tick_ns);
		woken = signals_take_wake();
		if (ends[1].fd >= 0)
			close(ends[1].fd);
	}
}

/* Waits for the write lock, or for a signal: 0 or -EINTR.  A signal that comes just before the waiting is
 * seen only at its end; then the guard of a connection whose order was taken back stays until the last
 * session goes. */
static int await_last(struct session *session)
{
	return signals_take_wake() ? -EINTR : members_wait_last(&session->membership);
}

/* As the connection's guard: stays until it is gone or there is no reason any more to end it, and returns
 * which of them it is; OTHERS when it cannot wait.  Holds nobody: the write lock comes to the guard when no
 * session is left. */
static enum closing guard(struct session *session, enum closing verdict)
{
	int rc;

	while (verdict != GONE && verdict != CALLED_OFF) {
		if (verdict == KEPT) {
			members_stop_closing(&session->membership);
			await_others(session);
		}
		verdict = closing_look(session);
		if (verdict != STILL_CLOSING)
			break;
		rc = await_last(session);
		if (rc == 0)
			verdict = closing_run(session, -1);
		else if (rc != -EINTR)
			return OTHERS;
	}
	return verdict;
}

/* A guard that is called off resigns first, and then looks once more: whoever has seen a later order
 * meanwhile has found a guard, and counts on it. */
static void stand_guard(struct session *session, enum closing verdict)
{
	bool anew = true;

	while (anew) {
		verdict = guard(session, verdict);
		members_resign_guard(&session->membership);
		anew = verdict == CALLED_OFF && closing_look(session) == STILL_CLOSING &&
		       members_become_guard(&session->membership) == 0;
		verdict = STILL_CLOSING;
	}
}

/* When the connection is gone, or stays: tidies up, unless somebody else is left to do so. */
static void finish(struct session *session)
{
	if (members_try_last(&session->membership) == LEFT_LAST)
		session_let_go(session);
}

static void run_closer(struct session *session, int session_proper)
{
	enum closing verdict = closing_run(session, session_proper);

	if (verdict == OTHERS)
		return;
	if (verdict == KEPT && members_become_guard(&session->membership) != 0) {
		members_stop_closing(&session->membership);
		return;
	}
	if (verdict == KEPT)
		stand_guard(session, verdict);
	finish(session);
}

static void run_guard(struct session *session)
{
	/* This is no session; and it shares the session's lock until it has a description of its own. */
	session->member = false;
	session->on_order = NULL;
	detach();
	if (members_reopen(&session->membership) != 0)
		return;
	close_inherited(session);
	if (members_become_guard(&session->membership) != 0)
		return;
	stand_guard(session, STILL_CLOSING);
	finish(session);
}

/* Forks; a child that ends is not to be waited for.  Returns as fork(2), failure logged. */
static pid_t fork_off(void)
{
	pid_t child;

	(void)signal(SIGCHLD, SIG_IGN);
	log_hold();
	child = fork();
	log_release();
	if (child < 0)
		log_error("cannot fork to end the connection: %s", strerror(errno));
	return child;
}

bool closer_start(struct session *session)
{
	struct proc_id self;
	pid_t child;
	int pin;

	session_update(session, true);
	if (closing_look(session) != STILL_CLOSING)
		return false;
	if (session->sshd_pin < 0) {
		log_info("connection kept: its SSH server, process %ld, is not ours to end",
		    (long)session->sshd.pid);
		return false;
	}
	if (proc_self(&self) != 0 || proc_pin(self, &pin) != 0)
		return false;
	child = fork_off();
	if (child == 0) {
		detach();
		run_closer(session, pin);
		_exit(0);
	}
	close(pin);
	return child > 0;
}

void closer_guard(struct session *session)
{
	if (session->sshd_pin < 0 || !session->member || members_has_guard(&session->membership))
		return;
	if (fork_off() == 0) {
		run_guard(session);
		_exit(0);
	}
}
