/* tests: an SFTP client that asks for a lot at once and takes its answers slowly, but honestly: always
 * a little more.
 *
 *     slow_reader PATH COUNT RATE COMMAND...
 *
 * Runs COMMAND, which is to be an SFTP server's two streams (ssh -s), opens PATH, prints "reading" when
 * it has begun to send COUNT READs of 32 KiB, and takes RATE bytes a second until the stream ends. */
#include <arpa/inet.h>
#include <signal.h>
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

static void read_slowly(int from, size_t rate)
{
	static char buffer[1 << 20];
	const struct timespec pause = {.tv_nsec = 1000000000 / STEPS};

	while (read(from, buffer, rate / STEPS) > 0)
		nanosleep(&pause, NULL);
}

/* Starts COMMAND with two pipes of its own. */
static int start_command(char **command, int *to, int *from)
{
	int in[2], out[2];

	if (pipe(in) != 0 || pipe(out) != 0)
		return -1;
	switch (fork()) {
	case -1:
		return -1;
	case 0:
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
	return 0;
}

int main(int argc, char **argv)
{
	struct packet packet;
	int to, from;
	pid_t sender;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 5 || atoi(argv[3]) / STEPS < 1 || start_command(argv + 4, &to, &from) != 0)
		return 2;
	if (open_file(to, from, argv[1], &packet) != 0) {
		printf("cannot open\n");
		return 1;
	}
	sender = fork();
	if (sender == 0) {
		close(from);
		send_reads(to, &packet, (uint32_t)atoi(argv[2]));
		/* The input stays open: an end of it would end the session. */
		pause();
		_exit(0);
	}
	printf("reading\n");
	read_slowly(from, (size_t)atoi(argv[3]));
	printf("ended\n");
	kill(sender, SIGKILL);
	close(to);
	while (wait(NULL) > 0)
		continue;
	return 0;
}
