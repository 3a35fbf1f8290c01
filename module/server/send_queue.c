/* server: what the kernel has not yet got across to the client. */
#include "server/send_queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct question {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

/* Writes an address as the kernel wants it: IPv4 in the first word.  Returns its family. */
static int parse_address(const char *text, __be32 out[4])
{
	if (inet_pton(AF_INET, text, out) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, out) == 1 ? AF_INET6 : AF_UNSPEC;
}

static int build_question(const char *connection, struct question *question)
{
	char client[64], server[64];
	unsigned int client_port, server_port;
	struct inet_diag_sockid *id = &question->body.id;
	int family;

	if (connection == NULL ||
	    sscanf(connection, "%63s %u %63s %u", client, &client_port, server, &server_port) != 4)
		return -EINVAL;
	*question = (struct question){
	    .header = {.nlmsg_len = sizeof(*question),
		.nlmsg_type = SOCK_DIAG_BY_FAMILY,
		.nlmsg_flags = NLM_F_REQUEST},
	    .body = {.sdiag_protocol = IPPROTO_TCP, .idiag_states = UINT32_MAX},
	};
	/* The socket is sshd's: its source is the server. */
	family = parse_address(server, id->idiag_src);
	if (family == AF_UNSPEC || parse_address(client, id->idiag_dst) != family)
		return -EINVAL;
	question->body.sdiag_family = (uint8_t)family;
	id->idiag_sport = htons((uint16_t)server_port);
	id->idiag_dport = htons((uint16_t)client_port);
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return 0;
}

static int64_t read_answer(int fd)
{
	_Alignas(struct nlmsghdr) char buffer[4096];
	const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)buffer;
	ssize_t got = recv(fd, buffer, sizeof(buffer), 0);

	if (got < 0)
		return -errno;
	if (!NLMSG_OK(header, (size_t)got))
		return -EPROTO;
	if (header->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(header);

		return error->error == -ENOENT ? 0 : error->error;
	}
	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
		return -EPROTO;
	return ((const struct inet_diag_msg *)NLMSG_DATA(header))->idiag_wqueue;
}

int64_t send_queue_bytes(const char *connection)
{
	const struct timeval limit = {.tv_sec = 1};
	struct question question;
	int64_t result = build_question(connection, &question);
	int fd;

	if (result != 0)
		return result;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
	    send(fd, &question, sizeof(question), 0) < 0)
		result = -errno;
	else
		result = read_answer(fd);
	close(fd);
	return result;
}
