/* tests: an SFTP client that asks for a lot at once and takes its answers slowly, but honestly: always
 * a little more.
 *
 *     slow_reader [-e] PATH COUNT RATE COMMAND...
 *
 * Runs COMMAND, which is to be an SFTP server's two streams (ssh -s), opens PATH, prints "opened", awaits a
 * line, begins to send COUNT READs of 32 KiB, prints "reading", and takes RATE bytes a second (0: as they
 * come) until the stream ends.  Then
 * prints "ended BYTES STATUS": what it has taken, and COMMAND's exit status.  With -e it ends its output
 * behind the READs. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LENGTH 32768
#define PACKET_MAX 512
#define STEPS 10 /* a second */

struct packet {
	unsigned char bytes[PACKET_MAX];
	size_t len; /* the length field not counted */
};

static void put(struct packet *packet, const void *bytes, size_t len)
{
	memcpy(packet->bytes + 4 + packet->len, bytes, len);
	packet->len += len;
}

static void put_u32(struct packet *packet, uint32_t value)
{
	value = htonl(value);
	put(packet, &value, sizeof(value));
}

static void put_string(struct packet *packet, const void *bytes, size_t len)
{
	put_u32(packet, (uint32_t)len);
	put(packet, bytes, len);
}

static void start(struct packet *packet, unsigned char type, uint32_t id)
{
	packet->len = 0;
	put(packet, &type, 1);
	put_u32(packet, id);
}

static int transmit(int fd, struct packet *packet)
{
	uint32_t len = htonl((uint32_t)packet->len);
	size_t done = 0;

	memcpy(packet->bytes, &len, sizeof(len));
	while (done < packet->len + 4) {
		ssize_t put_now = write(fd, packet->bytes + done, packet->len + 4 - done);

		if (put_now <= 0)
			return -1;
		done += (size_t)put_now;
	}
	return 0;
}

static int take(int fd, void *out, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t got = read(fd, (char *)out + done, len - done);

		if (got <= 0)
			return -1;
		done += (size_t)got;
	}
	return 0;
}

/* A small reply; fails when it is longer than any that is expected. */
static int receive(int fd, struct packet *packet)
{
	uint32_t len;

	if (take(fd, &len, sizeof(len)) != 0 || ntohl(len) > PACKET_MAX - 4)
		return -1;
	packet->len = ntohl(len);
	return take(fd, packet->bytes + 4, packet->len);
}

/* VERSION lists extensions, and may be longer than what is kept. */
static int pass_over(int fd)
{
	uint32_t len;
	char byte;

	if (take(fd, &len, sizeof(len)) != 0)
		return -1;
	for (uint32_t i = 0; i < ntohl(len); i++) {
		if (take(fd, &byte, 1) != 0)
			return -1;
	}
	return 0;
}

/* INIT and OPEN; the reply to OPEN is left in packet. */
static int open_file(int to, int from, const char *path, struct packet *packet)
{
	start(packet, 1, 3);
	if (transmit(to, packet) != 0)
		return -1;
	if (pass_over(from) != 0)
		return -1;
	start(packet, 3, 1);
	put_string(packet, path, strlen(path));
	put_u32(packet, 1); /* SSH_FXF_READ */
	put_u32(packet, 0);
	return transmit(to, packet) != 0 || receive(from, packet) != 0 || packet->bytes[4] != 102
		   ? -1
		   : 0;
}

static void send_reads(int to, const struct packet *opened, uint32_t count)
{
	struct packet packet;
	uint32_t handle_len;

	memcpy(&handle_len, opened->bytes + 9, sizeof(handle_len));
	for (uint32_t i = 0; i < count; i++) {
		start(&packet, 5, 2 + i);
		put_string(&packet, opened->bytes + 13, ntohl(handle_len));
		put_u32(&packet, 0); /* the offset's upper half */
		put_u32(&packet, i * LENGTH);
		put_u32(&packet, LENGTH);
		if (transmit(to, &packet) != 0)
			return;
	}
}

static size_t read_slowly(int from, size_t rate)
{
	static char buffer[1 << 20];
	const struct timespec pause = {.tv_nsec = 1000000000 / STEPS};
	size_t taken = 0;
	ssize_t got;

	while ((got = read(from, buffer, rate > 0 ? rate / STEPS : sizeof(buffer))) > 0) {
		taken += (size_t)got;
		if (rate > 0)
			nanosleep(&pause, NULL);
	}
	return taken;
}

/* Starts COMMAND with two pipes of its own.  Returns its pid, or -1. */
static pid_t start_command(char **command, int *to, int *from)
{
	int in[2], out[2];
	pid_t pid;

	if (pipe(in) != 0 || pipe(out) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execvp(command[0], command);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	*to = in[1];
	*from = out[0];
	return pid;
}

/* As a shell has it. */
static int exit_status_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct packet packet;
	bool ends = argc > 1 && strcmp(argv[1], "-e") == 0;
	int to, from;
	pid_t command, sender;
	size_t taken;

	setvbuf(stdout, NULL, _IOLBF, 0);
	argv += ends;
	argc -= ends;
	if (argc < 5)
		return 2;
	command = start_command(argv + 4, &to, &from);
	if (command < 0)
		return 2;
	if (open_file(to, from, argv[1], &packet) != 0) {
		printf("cannot open\n");
		return 1;
	}
	printf("opened\n");
	(void)getchar();
	sender = fork();
	if (sender == 0) {
		close(from);
		send_reads(to, &packet, (uint32_t)atoi(argv[2]));
		/* The server's input stays open else: an end of it would end the session. */
		while (!ends)
			pause();
		_exit(0);
	}
	/* The sender has the other copy. */
	close(to);
	printf("reading\n");
	taken = read_slowly(from, (size_t)atoi(argv[3]));
	kill(sender, SIGKILL);
	waitpid(sender, NULL, 0);
	printf("ended %zu %d\n", taken, exit_status_of(command));
	return 0;
}
