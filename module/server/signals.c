/* server: the signals that a session minds. */
#include "server/signals.h"

#include "util/clock.h"

#include <signal.h>
#include <time.h>

static volatile sig_atomic_t end_came, wake_came;
static sigset_t while_waiting;

static void note_signal(int number)
{
	if (number == SIGURG)
		wake_came = 1;
	else
		end_came = 1;
}

void signals_init(void)
{
	static const int minded[] = {SIGTERM, SIGHUP, SIGINT, SIGURG};
	struct sigaction note = {.sa_handler = note_signal};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigprocmask(SIG_BLOCK, NULL, &while_waiting);
	for (size_t i = 0; i < sizeof(minded) / sizeof(minded[0]); i++) {
		sigaction(minded[i], &note, NULL);
		sigaddset(&blocked, minded[i]);
		/* Whoever started us may have blocked them. */
		sigdelset(&while_waiting, minded[i]);
	}
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	/* What came before this was ignored. */
	wake_came = 1;
}

int signals_poll(struct pollfd *fds, nfds_t count, uint64_t limit_ns)
{
	struct timespec limit = {
	    .tv_sec = (time_t)(limit_ns / NS_PER_S), .tv_nsec = (long)(limit_ns % NS_PER_S)};

	return ppoll(fds, count, limit_ns == UINT64_MAX ? NULL : &limit, &while_waiting);
}

bool signals_take_end(void)
{
	bool came = end_came != 0;

	end_came = 0;
	return came;
}

bool signals_take_wake(void)
{
	bool came = wake_came != 0;

	wake_came = 0;
	return came;
}
