/* tests: holds a process still, as a debugger does: no signal moves it but SIGKILL.
 *
 *     hold PID
 *
 * Prints "held" once it is, and at its end "killed SIGNAL" or "exited STATUS".  A process that is held when
 * hold itself ends goes on. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	pid_t pid = argc == 2 ? (pid_t)atoi(argv[1]) : 0;
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (pid <= 0)
		return 2;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0) {
		printf("failed %s\n", strerror(errno));
		return 1;
	}
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
		printf("failed to stop\n");
		return 1;
	}
	printf("held\n");
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		continue;
	if (WIFSIGNALED(status))
		printf("killed %d\n", WTERMSIG(status));
	else
		printf("exited %d\n", WEXITSTATUS(status));
	return 0;
}
