/* unit tests: a client at one end of a pipe, and a child that runs the engine at the other. */
#include "peer.h"

#include "server/signals.h"
#include "serving.h"
#include "table_scratch.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct options peer_options(void)
{
	static char user[] = "tester", home[] = "/";

	unsetenv("SSH_CONNECTION");
	unsetenv("SFTP_DRAIN_CONNECTION");
	return (struct options){
	    .config = "/nonexistent/sftp-drain.conf",
	    .rundir = scratch_rundir,
	    .shmdir = scratch_shmdir,
	    .self = {.pw_name = user, .pw_dir = home, .pw_uid = geteuid()},
	};
}

static void serve(int in, int out, const struct options *options, struct peer_result *result)
{
	static char refusal[SESSION_TEXT_MAX];

	signals_init();
	serving_make();
	if (options != NULL) {
		serving_options = *options;
		session_begin(&serving_session, &serving_options);
		result->refused = session_join(&serving_session, refusal) != 0;
		if (result->refused) {
			serving.refusal = refusal;
			(void)session_leave(&serving_session, END_REFUSED);
		}
	}
	result->rc = engine_run(&serving, in, out, &result->engine);
	result->open_handles = serving.handles.open;
	handle_table_free(&serving.handles);
	(void)session_leave(&serving_session, result->engine.forced ? END_FORCED : END_CLEAN);
	session_free(&serving_session);
}

void peer_start(struct peer *peer, enum peer_channel channel, const struct options *options)
{
	int to[2], from[2];

	peer->result = mmap(
	    NULL, sizeof(*peer->result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(peer->result, MAP_FAILED);
	if (channel == PEER_PIPES) {
		cr_assert_eq(pipe2(to, O_CLOEXEC), 0);
		cr_assert_eq(pipe2(from, O_CLOEXEC), 0);
	} else {
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to), 0);
		from[1] = dup(to[0]);
		from[0] = dup(to[1]);
	}
	peer->pid = fork();
	cr_assert_geq(peer->pid, 0);
	if (peer->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		close(from[0]);
		serve(to[0], from[1], options, peer->result);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	peer->to = to[1];
	peer->from = from[0];
	signal(SIGPIPE, SIG_IGN);
}

/* A packet with its length in front. */
static void add_framed(struct packet *stream, const struct packet *packet)
{
	packet_add(stream, "x", (const void *)packet->bytes, packet->len);
}

static void add_request(
    struct packet *stream, enum sftp_type type, uint32_t id, const char *shape, va_list list)
{
	static struct packet packet;

	packet.len = 0;
	packet_add(&packet, "bu", (int)type, id);
	packet_add_list(&packet, shape, list);
	add_framed(stream, &packet);
}

void peer_add(struct packet *stream, enum sftp_type type, uint32_t id, const char *shape, ...)
{
	va_list list;

	va_start(list, shape);
	add_request(stream, type, id, shape, list);
	va_end(list);
}

void peer_send(struct peer *peer, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		ssize_t put = write(peer->to, at, len);

		cr_assert(put > 0, "write: %s", strerror(errno));
		at += put;
		len -= (size_t)put;
	}
}

void peer_request(struct peer *peer, enum sftp_type type, uint32_t id, const char *shape, ...)
{
	static struct packet stream;
	va_list list;

	stream.len = 0;
	va_start(list, shape);
	add_request(&stream, type, id, shape, list);
	va_end(list);
	peer_send(peer, stream.bytes, stream.len);
}

/* All len bytes; false when the stream ends before the first. */
static bool take(struct peer *peer, uint8_t *out, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = read(peer->from, out + done, len - done);

		if (got == 0 && done == 0)
			return false;
		cr_assert(got > 0, "the replies end within one");
		done += (size_t)got;
	}
	return true;
}

bool peer_receive(struct peer *peer, struct packet *reply)
{
	reply->len = 4;
	if (!take(peer, reply->bytes, 4))
		return false;
	reply->len = packet_u32(reply, 0);
	cr_assert(reply->len > 4 && reply->len <= SFTP_PACKET_MAX);
	return take(peer, reply->bytes, reply->len);
}

static struct packet *receive(struct peer *peer)
{
	static struct packet reply;

	cr_assert(peer_receive(peer, &reply), "there is no reply any more");
	return &reply;
}

bool peer_replied(struct peer *peer, enum sftp_type type, uint32_t id, const char *shape, ...)
{
	static struct packet expected;
	va_list list;

	expected.len = 0;
	packet_add(&expected, "bu", (int)type, id);
	va_start(list, shape);
	packet_add_list(&expected, shape, list);
	va_end(list);
	return packet_equals(receive(peer), &expected);
}

bool peer_replied_code(struct peer *peer, uint32_t id, enum sftp_status status)
{
	const struct packet *reply = receive(peer);

	return reply->bytes[0] == SFTP_STATUS && packet_u32(reply, 1) == id &&
	       packet_u32(reply, 5) == status;
}

struct peer_handle peer_take_handle(struct peer *peer, uint32_t id)
{
	const struct packet *reply = receive(peer);
	struct peer_handle handle;

	cr_assert_eq(reply->bytes[0], SFTP_HANDLE);
	cr_assert_eq(packet_u32(reply, 1), id);
	cr_assert_eq(reply->len, 9 + sizeof(handle.bytes));
	memcpy(handle.bytes, reply->bytes + 9, sizeof(handle.bytes));
	return handle;
}

void peer_init(struct peer *peer)
{
	peer_request(peer, SFTP_INIT, 3, "");
	cr_assert_eq(receive(peer)->bytes[0], SFTP_VERSION_REPLY);
}

void peer_stop(struct peer *peer)
{
	int status;

	cr_assert_eq(kill(peer->pid, SIGSTOP), 0);
	cr_assert_eq(waitpid(peer->pid, &status, WUNTRACED), peer->pid);
	cr_assert(WIFSTOPPED(status));
}

void peer_continue(struct peer *peer)
{
	cr_assert_eq(kill(peer->pid, SIGCONT), 0);
}

void peer_wait_taken(const struct peer *peer)
{
	int waiting = 1;

	while (waiting > 0) {
		cr_assert_eq(ioctl(peer->to, FIONREAD, &waiting), 0);
		if (waiting > 0)
			clock_sleep_ns(NS_PER_MS / 10);
	}
}

uint64_t peer_used_ns(const struct peer *peer)
{
	struct timespec used;
	clockid_t clock;

	cr_assert_eq(clock_getcpuclockid(peer->pid, &clock), 0);
	cr_assert_eq(clock_gettime(clock, &used), 0);
	return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

void peer_close_to(struct peer *peer)
{
	if (peer->to >= 0)
		close(peer->to);
	peer->to = -1;
}

void peer_close_from(struct peer *peer)
{
	if (peer->from >= 0)
		close(peer->from);
	peer->from = -1;
}

bool peer_ended(struct peer *peer)
{
	uint8_t byte;

	return read(peer->from, &byte, 1) == 0;
}

struct peer_result peer_finish(struct peer *peer)
{
	struct peer_result result;
	int status;

	cr_assert_eq(waitpid(peer->pid, &status, 0), peer->pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x",
	    (unsigned int)status);
	peer_close_to(peer);
	peer_close_from(peer);
	result = *peer->result;
	munmap(peer->result, sizeof(*peer->result));
	cr_assert_eq(result.rc, 0);
	return result;
}
