/* bench: the user's wish to stop, so that what was made is removed. */
#include "interrupt.h"

#include <signal.h>

static volatile sig_atomic_t seen;

static void note(int number)
{
	(void)number;
	seen = 1;
}

static void pass_over(int number)
{
	(void)number;
}

void interrupt_init(void)
{
	struct sigaction action = {.sa_handler = note};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	/* Not SIG_IGN: the servers would inherit that, and sshd's do not have it. */
	action.sa_handler = pass_over;
	sigaction(SIGPIPE, &action, NULL);
}

bool interrupt_seen(void)
{
	return seen != 0;
}
