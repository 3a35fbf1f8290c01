/* server: the signals that a session minds. */
#include "server/signals.h"

#include "util/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

static volatile sig_atomic_t end_came, wake_came;
static volatile sig_atomic_t watched = -1;
static int watched_flags;
static sigset_t minded;

static void note_signal(int number)
{
	int saved = errno;

	if (number == SIGURG)
		wake_came = 1;
	else
		end_came = 1;
	if (watched >= 0)
		(void)fcntl(watched, F_SETFL, watched_flags | O_NONBLOCK);
	errno = saved;
}

void signals_init(void)
{
	static const int numbers[] = {SIGTERM, SIGHUP, SIGINT, SIGURG};
	/* System calls that can be are begun again: only a wait is to be cut short. */
	struct sigaction note = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigemptyset(&minded);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaction(numbers[i], &note, NULL);
		sigaddset(&minded, numbers[i]);
	}
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	signals_unblock();
	/* What came before this was ignored. */
	wake_came = 1;
}

void signals_watch_read(int fd)
{
	watched = -1;
	if (fd < 0)
		return;
	watched_flags = fcntl(fd, F_GETFL) & ~O_NONBLOCK;
	watched = fd;
	signals_rearm_read();
}

void signals_rearm_read(void)
{
	(void)fcntl(watched, F_SETFL, watched_flags);
}

void signals_block(void)
{
	sigprocmask(SIG_BLOCK, &minded, NULL);
}

void signals_unblock(void)
{
	sigprocmask(SIG_UNBLOCK, &minded, NULL);
}

int signals_poll(struct pollfd *fds, nfds_t count, uint64_t limit_ns)
{
	struct timespec limit = {
	    .tv_sec = (time_t)(limit_ns / NS_PER_S), .tv_nsec = (long)(limit_ns % NS_PER_S)};
	sigset_t waiting;
	int rc = -1;

	if (limit_ns == 0)
		return poll(fds, count, 0);
	/* Blocked, so that none comes between the question whether one has come and the wait. */
	sigprocmask(SIG_BLOCK, &minded, &waiting);
	if (end_came || wake_came)
		errno = EINTR;
	else
		rc = ppoll(fds, count, limit_ns == UINT64_MAX ? NULL : &limit, &waiting);
	sigprocmask(SIG_SETMASK, &waiting, NULL);
	return rc;
}

bool signals_take_end(void)
{
	bool came = end_came != 0;

	end_came = 0;
	return came;
}

bool signals_end_waits(void)
{
	return end_came != 0;
}

bool signals_take_wake(void)
{
	bool came = wake_came != 0;

	wake_came = 0;
	return came;
}
