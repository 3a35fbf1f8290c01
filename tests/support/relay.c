/* tests: stands between one client and a server on 127.0.0.1, and turns whatever end the client comes
 * to into an orderly one.
 *
 *     relay PORT
 *
 * Prints the port that it listens on, takes one connection, passes bytes both ways between it and PORT,
 * and exits when both have ended.  A client that is killed resets its connection; a server that meets the
 * reset forgets what it has counted.  So it is given all bytes that came before, and then an end.  Never
 * drops a byte on its way to the server. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATA_BYTES (256u << 10)

/* One direction. */
struct stream {
	int from, to;
	bool ended;  /* nothing more comes */
	bool shut;   /* the taker has been told */
	bool broken; /* nobody takes it any more: what comes is read and dropped */
	size_t at, len;
	char data[DATA_BYTES];
};

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
	ssize_t got = recv(stream->from, stream->data, sizeof(stream->data), 0);

	stream->at = stream->len = 0;
	if (got > 0)
		stream->len = stream->broken ? 0 : (size_t)got;
	else if (!is_pause(got))
		stream->ended = true;
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

			if (!is_empty(stream))
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

static int call_server(const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return fail("relay: connect");
	return fd;
}

int main(int argc, char **argv)
{
	static struct stream streams[2];
	int client, server, yes = 1;

	if (argc != 2) {
		fprintf(stderr, "usage: relay PORT\n");
		return 2;
	}
	client = take_client();
	server = client < 0 ? -1 : call_server(argv[1]);
	if (server < 0)
		return 1;
	fcntl(client, F_SETFL, O_NONBLOCK);
	fcntl(server, F_SETFL, O_NONBLOCK);
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	streams[0] = (struct stream){.from = client, .to = server};
	streams[1] = (struct stream){.from = server, .to = client};
	pass_both_ways(streams);
	return 0;
}
