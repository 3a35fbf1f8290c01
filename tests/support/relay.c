/* tests: stands between one client and a server on 127.0.0.1, and turns whatever end the client comes
 * to into an orderly one.
 *
 *     relay PORT [RATE]
 *
 * Prints the port that it listens on, takes one connection, passes bytes both ways between it and PORT,
 * and exits when both have ended.  A client that is killed resets its connection; a server that meets the
 * reset forgets what it has counted.  So it is given all bytes that came before, and then an end.  Never
 * drops a byte on its way to the server.  With RATE it is a bad line: it has little room for what the
 * server sends, and once it has got SIGUSR1 takes RATE bytes of that a second.  Each SIGUSR2 makes it hold
 * back what the client sends, or let it go again. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DATA_BYTES (256u << 10)
#define ROOM_BYTES 4096
#define STEPS 10 /* a second */

/* One direction. */
struct stream {
	int from, to;
	bool ended;  /* nothing more comes */
	bool shut;   /* the taker has been told */
	bool broken; /* nobody takes it any more: what comes is read and dropped */
	size_t rate; /* bytes a second once it is slow; 0: as they come */
	size_t at, len;
	char data[DATA_BYTES];
};

static volatile sig_atomic_t slow, holds_client;

static void slow_down(int signal)
{
	(void)signal;
	slow = 1;
}

static void hold_client(int signal)
{
	(void)signal;
	holds_client = !holds_client;
}

static bool is_empty(const struct stream *stream)
{
	return stream->at == stream->len;
}

static bool is_pause(ssize_t moved)
{
	return moved < 0 && (errno == EAGAIN || errno == EINTR);
}

static void take(struct stream *stream)
{
	const struct timespec pause = {.tv_nsec = 1000000000 / STEPS};
	bool paced = slow && stream->rate > 0;
	ssize_t got = recv(
	    stream->from, stream->data, paced ? stream->rate / STEPS : sizeof(stream->data), 0);

	stream->at = stream->len = 0;
	if (got > 0)
		stream->len = stream->broken ? 0 : (size_t)got;
	else if (!is_pause(got))
		stream->ended = true;
	if (paced)
		nanosleep(&pause, NULL);
}

static void give(struct stream *stream)
{
	ssize_t put =
	    send(stream->to, stream->data + stream->at, stream->len - stream->at, MSG_NOSIGNAL);

	if (put > 0) {
		stream->at += (size_t)put;
	} else if (!is_pause(put)) {
		stream->broken = true;
		stream->at = stream->len;
	}
}

static void finish(struct stream *stream)
{
	if (stream->ended && is_empty(stream) && !stream->shut) {
		shutdown(stream->to, SHUT_WR);
		stream->shut = true;
	}
}

/* A negative fd is what poll(2) passes over: a reset connection would be reported for ever. */
static void pass_both_ways(struct stream streams[2])
{
	while (!streams[0].shut || !streams[1].shut) {
		struct pollfd polled[2];

		for (int i = 0; i < 2; i++) {
			struct stream *stream = &streams[i];

			if (i == 0 && holds_client)
				polled[i] = (struct pollfd){.fd = -1};
			else if (!is_empty(stream))
				polled[i] = (struct pollfd){.fd = stream->to, .events = POLLOUT};
			else
				polled[i] = (struct pollfd){
				    .fd = stream->ended ? -1 : stream->from, .events = POLLIN};
		}
		if (poll(polled, 2, -1) < 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (polled[i].revents != 0)
				(is_empty(&streams[i]) ? take : give)(&streams[i]);
			finish(&streams[i]);
		}
	}
}

static int fail(const char *what)
{
	perror(what);
	return -1;
}

/* Returns the client's connection, or -1. */
static int take_client(void)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 1) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return fail("relay: listen");
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
	do {
		client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	} while (client < 0 && errno == EINTR);
	close(fd);
	return client < 0 ? fail("relay: accept") : client;
}

/* With little room the kernel takes little from the server while we do not. */
static int call_server(const char *port, bool little_room)
{
	int room = ROOM_BYTES;
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    (little_room && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) != 0) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return fail("relay: connect");
	return fd;
}

int main(int argc, char **argv)
{
	static struct stream streams[2];
	size_t rate = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	int client, server, yes = 1;

	if (argc < 2 || argc > 3 || (argc == 3 && rate < STEPS)) {
		fprintf(stderr, "usage: relay PORT [RATE]\n");
		return 2;
	}
	signal(SIGUSR1, slow_down);
	signal(SIGUSR2, hold_client);
	client = take_client();
	server = client < 0 ? -1 : call_server(argv[1], rate > 0);
	if (server < 0)
		return 1;
	fcntl(client, F_SETFL, O_NONBLOCK);
	fcntl(server, F_SETFL, O_NONBLOCK);
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	streams[0] = (struct stream){.from = client, .to = server};
	streams[1] = (struct stream){.from = server, .to = client, .rate = rate};
	pass_both_ways(streams);
	return 0;
}
