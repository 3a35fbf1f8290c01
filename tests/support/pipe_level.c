/* tests: how many bytes wait in the pipe that a process has as its standard input.
 *
 *     pipe_level PID
 *
 * With the process stopped, this is what sshd has handed over and the process has not read. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char path[64];
	int fd, level = 0;

	if (argc != 2)
		return 2;
	snprintf(path, sizeof(path), "/proc/%s/fd/0", argv[1]);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, FIONREAD, &level) != 0) {
		perror(path);
		return 1;
	}
	printf("%d\n", level);
	close(fd);
	return 0;
}
