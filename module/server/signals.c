/* server: the signals that a session minds. */
#include "server/signals.h"

#include "util/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

static const int numbers[] = {SIGTERM, SIGHUP, SIGINT, SIGURG};

/* In one place, and not zero at first: what is looked at in each turn shares the page that the program's
 * other variables of this kind are in. */
static struct {
	volatile sig_atomic_t end, wake; /* one has come */
	volatile sig_atomic_t watched;   /* -1: none */
	int watched_flags;
} state = {.wake = 1, .watched = -1};

static sigset_t minded(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&set, numbers[i]);
	return set;
}

static void note_signal(int number)
{
	int saved = errno;

	if (number == SIGURG)
		state.wake = 1;
	else
		state.end = 1;
	if (state.watched >= 0)
		(void)fcntl(state.watched, F_SETFL, state.watched_flags | O_NONBLOCK);
	errno = saved;
}

void signals_init(void)
{
	/* System calls that can be are begun again: only a wait is to be cut short. */
	struct sigaction note = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &note, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	signals_unblock();
	/* What came before this was ignored. */
	state.wake = 1;
}

void signals_watch_read(int fd)
{
	state.watched = -1;
	if (fd < 0)
		return;
	state.watched_flags = fcntl(fd, F_GETFL) & ~O_NONBLOCK;
	state.watched = fd;
	signals_rearm_read();
}

void signals_rearm_read(void)
{
	(void)fcntl(state.watched, F_SETFL, state.watched_flags);
}

void signals_block(void)
{
	sigset_t set = minded();

	sigprocmask(SIG_BLOCK, &set, NULL);
}

void signals_unblock(void)
{
	sigset_t set = minded();

	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int signals_poll(struct pollfd *fds, nfds_t count, uint64_t limit_ns)
{
	struct timespec limit = {
	    .tv_sec = (time_t)(limit_ns / NS_PER_S), .tv_nsec = (long)(limit_ns % NS_PER_S)};
	sigset_t set, waiting;
	int rc = -1;

	if (limit_ns == 0)
		return poll(fds, count, 0);
	/* Blocked, so that none comes between the question whether one has come and the wait. */
	set = minded();
	sigprocmask(SIG_BLOCK, &set, &waiting);
	if (state.end || state.wake)
		errno = EINTR;
	else
		rc = ppoll(fds, count, limit_ns == UINT64_MAX ? NULL : &limit, &waiting);
	sigprocmask(SIG_SETMASK, &waiting, NULL);
	return rc;
}

bool signals_take_end(void)
{
	bool came = state.end != 0;

	state.end = 0;
	return came;
}

bool signals_end_waits(void)
{
	return state.end != 0;
}

bool signals_take_wake(void)
{
	bool came = state.wake != 0;

	state.wake = 0;
	return came;
}
