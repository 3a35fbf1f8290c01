/* tests: says when processes end, to the clock of the session table.
 *
 *     watch PID...
 *
 * Prints "watching" once every process is held by a pidfd, then "PID NS" for each as it ends (NS:
 * CLOCK_BOOTTIME), and exits after the last one.  `watch` alone prints the time and exits. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WATCH_MAX 64

static unsigned long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec;
}

/* A negative fd is what poll(2) passes over: a process that has been reported. */
static int report_ends(struct pollfd *polled, char **pids, int count)
{
	int left = count;

	while (left > 0) {
		if (poll(polled, (nfds_t)count, -1) < 0) {
			if (errno == EINTR)
				continue;
			return 1;
		}
		for (int i = 0; i < count; i++) {
			if (polled[i].fd < 0 || polled[i].revents == 0)
				continue;
			printf("%s %llu\n", pids[i], now_ns());
			close(polled[i].fd);
			polled[i].fd = -1;
			left--;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct pollfd polled[WATCH_MAX];
	int count = argc - 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count < 1 || count > WATCH_MAX) {
		printf("%llu\n", now_ns());
		return count == 0 ? 0 : 2;
	}
	for (int i = 0; i < count; i++) {
		polled[i].fd = (int)syscall(SYS_pidfd_open, atoi(argv[i + 1]), 0);
		polled[i].events = POLLIN;
		if (polled[i].fd < 0) {
			fprintf(stderr, "watch: %s: %s\n", argv[i + 1], strerror(errno));
			return 1;
		}
	}
	printf("watching\n");
	return report_ends(polled, argv + 1, count);
}
