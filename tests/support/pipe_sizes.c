/* tests: how large the pipes are that processes have as their standard input, output and error.
 *
 *     pipe_sizes PID...
 *
 * Prints "PID DESCRIPTOR BYTES" for each that is a pipe (F_GETPIPE_SZ).  Exits 1 when one cannot be seen. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opening a pipe anew for reading leaves what is in it, and whoever uses it, alone. */
static int print_size(const char *pid, int descriptor)
{
	char path[64];
	struct stat st;
	int fd, size, rc = 0;

	snprintf(path, sizeof(path), "/proc/%s/fd/%d", pid, descriptor);
	if (stat(path, &st) != 0) {
		perror(path);
		return 1;
	}
	if (!S_ISFIFO(st.st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	size = fcntl(fd, F_GETPIPE_SZ);
	if (size < 0) {
		perror(path);
		rc = 1;
	} else {
		printf("%s %d %d\n", pid, descriptor, size);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc; i++) {
		for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++)
			rc |= print_size(argv[i], descriptor);
	}
	return rc;
}
