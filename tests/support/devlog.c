/* tests: a syslog of the test's own: devlog SOCKET.  Writes each message as a line to standard output, and ends
 * with who has started it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int log = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char message[8192];
	ssize_t got;

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fputs("usage: devlog SOCKET\n", stderr);
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (log < 0 || bind(log, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(argv[1], 0666) != 0) {
		perror(argv[1]);
		return 1;
	}
	while ((got = recv(log, message, sizeof(message), 0)) >= 0) {
		size_t length = strnlen(message, (size_t)got);

		for (char *end; (end = memchr(message, '\n', length)) != NULL;)
			*end = ' ';
		printf("%.*s\n", (int)length, message);
		fflush(stdout);
	}
	perror(argv[1]);
	return 1;
}
