/* server: the loop of a session.  Never blocks on a pipe; never drops a request that it has. */
#include "server/engine.h"

#include "server/dispatch.h"
#include "server/drain.h"
#include "server/ring.h"
#include "server/signals.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Requests wait here, so that sshd need not keep them: what sshd has not written to our pipe when a
 * client dies is lost.  Larger than sshd's 2 MiB window together with the pipe. */
#define INPUT_BYTES (2u << 20)
#define OUTPUT_BYTES (1u << 20)
#define READ_BYTES (256u << 10)
#define BATCH_BYTES (256u << 10)
#define PIPE_BYTES (1 << 20)

static const int exit_io = 1, exit_bad_message = 11; /* as OpenSSH's */
/* Once the session is to end: for replies of which the client takes none, and for all of them. */
static const uint64_t stalled_limit_ns = 5 * NS_PER_S, flush_limit_ns = 60 * NS_PER_S;

struct engine {
	struct server *server;
	int in, out;
	struct ring input, output;
	bool can_read, can_write; /* as far as is known: tried before it is asked for */
	bool input_ended, output_broken;
	bool grown_in, grown_out;
	bool ending;
	size_t intake_left; /* while ending: bytes that had been received when the end came */
	uint64_t ending_ns,
	    sent_ns; /* when the end began; when replies were last taken since then */
	bool sent;
	uint64_t started_ns;
	struct engine_result result;
};

/* From here on only what has been received already is carried out. */
static void begin_end(struct engine *engine, bool forced)
{
	int waiting = 0;

	if (engine->ending)
		return;
	engine->ending = true;
	engine->ending_ns = engine->sent_ns = clock_now_ns();
	engine->result.forced = forced;
	session_show_state(engine->server->session, MEMBER_FLUSHING);
	if (ioctl(engine->in, FIONREAD, &waiting) != 0 || waiting <= 0)
		waiting = 0;
	engine->intake_left = (size_t)waiting;
	engine->can_read = true;
	if (waiting == 0)
		engine->input_ended = true;
}

static void receive(struct engine *engine)
{
	size_t want = ring_room(&engine->input);
	ssize_t got;

	if (want > READ_BYTES)
		want = READ_BYTES;
	if (engine->ending && want > engine->intake_left)
		want = engine->intake_left;
	if (engine->input_ended || !engine->can_read || want == 0)
		return;
	got = read(engine->in, ring_end(&engine->input), want);
	/* A short read has emptied the pipe: the next try would only say so. */
	engine->can_read = got == (ssize_t)want;
	if (got > 0) {
		ring_added(&engine->input, (size_t)got);
		engine->intake_left -= engine->ending ? (size_t)got : 0;
	}
	if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
		engine->input_ended = engine->ending && errno == EAGAIN;
	} else if (got <= 0) {
		if (got < 0) {
			log_error("read: %s", strerror(errno));
			engine->result.status = exit_io;
		}
		engine->input_ended = true;
	}
	if (engine->ending && engine->intake_left == 0)
		engine->input_ended = true;
}

/* From here on nobody reads; what was asked for is still done. */
static void break_output(struct engine *engine)
{
	engine->output_broken = true;
	engine->can_write = true;
	ring_taken(&engine->output, engine->output.used);
}

static void send_replies(struct engine *engine)
{
	ssize_t put;

	if (engine->output.used == 0 || !engine->can_write)
		return;
	if (engine->output_broken) {
		ring_taken(&engine->output, engine->output.used);
		return;
	}
	put = write(engine->out, ring_begin(&engine->output), engine->output.used);
	engine->can_write = put == (ssize_t)engine->output.used;
	if (put > 0) {
		ring_taken(&engine->output, (size_t)put);
		engine->sent = true;
	} else if (put < 0 && errno != EAGAIN && errno != EINTR) {
		log_debug("write: %s", strerror(errno));
		break_output(engine);
	}
}

/* The length of the packet at the beginning of the input when all of it is there, or 0.  A length
 * that no packet has ends the input: where the next one would begin cannot be known. */
static size_t whole_packet(struct engine *engine)
{
	struct ring *input = &engine->input;
	uint32_t len;

	if (input->used < 4)
		return 0;
	len = wire_peek_u32(ring_begin(input));
	if (len == 0 || len > SFTP_PACKET_MAX) {
		log_error("bad message from local user %s: length %u",
		    engine->server->options->self.pw_name, len);
		engine->result.status = exit_bad_message;
		engine->input_ended = true;
		ring_taken(input, input->used);
		return 0;
	}
	return input->used - 4 >= len ? len : 0;
}

/* Carries out requests while replies fit, up to a batch: then it is time to read and write again.
 */
static void execute(struct engine *engine)
{
	size_t done = 0, reply_len, len = 0;
	uint64_t requests = 0;

	while (done < BATCH_BYTES && ring_room(&engine->output) >= REPLY_MAX &&
	       (len = whole_packet(engine)) != 0) {
		if (dispatch_packet(engine->server, ring_begin(&engine->input) + 4, len,
			ring_end(&engine->output), ring_room(&engine->output), &reply_len) != 0) {
			log_error("bad message from local user %s: not a request",
			    engine->server->options->self.pw_name);
			engine->result.status = exit_bad_message;
			engine->input_ended = true;
			ring_taken(&engine->input, engine->input.used);
			return;
		}
		ring_taken(&engine->input, len + 4);
		ring_added(&engine->output, reply_len);
		done += len;
		requests++;
	}
	session_count_requests(engine->server->session, requests);
}

/* Larger pipes, once bulk data moves: fewer and larger system calls, and less that sshd has to
 * keep. Refusal is no harm. */
static void grow_pipes(struct engine *engine)
{
	if (engine->server->wrote && !engine->grown_in) {
		engine->grown_in = true;
		(void)fcntl(engine->in, F_SETPIPE_SZ, PIPE_BYTES);
	}
	if (engine->server->read && !engine->grown_out) {
		engine->grown_out = true;
		(void)fcntl(engine->out, F_SETPIPE_SZ, PIPE_BYTES);
	}
}

static struct drain_due due_at(const struct engine *engine)
{
	const struct server *server = engine->server;
	const struct drain_view view = {
	    .plan = &server->session->plan,
	    .linger_ns = server->session->policy.linger_ns,
	    .started_ns = engine->started_ns,
	    .last_close_ns = server->last_close_ns,
	    .open_handles = server->handles.open,
	    .connection_ends = server->session->connection_ends,
	    .refused = server->refusal != NULL,
	    .refused_ns = server->refused_ns,
	};

	return drain_due_at(&view);
}

/* Looks at signals, orders and, only when there is an end in sight, at the clock. */
static void mind_orders(struct engine *engine)
{
	struct drain_due due;

	if (engine->ending)
		return;
	/* Orders first: whether an end at a signal cuts anybody short depends on them. */
	session_update(engine->server->session, signals_take_wake());
	if (signals_take_end())
		begin_end(engine, false);
	due = due_at(engine);
	if (due.at_ns != UINT64_MAX && (due.at_ns == 0 || clock_now_ns() >= due.at_ns))
		begin_end(engine, due.forced);
}

/* Whether a request could be carried out at once. */
static bool has_work(struct engine *engine)
{
	return ring_room(&engine->output) >= REPLY_MAX && whole_packet(engine) != 0;
}

static bool finished(const struct engine *engine)
{
	return engine->input_ended && engine->output.used == 0;
}

/* Replies that nobody takes must not keep back the requests behind them: what was received is
 * carried out all the same, as after a broken pipe. */
static void give_up_replies(struct engine *engine)
{
	uint64_t now;

	if (!engine->ending || engine->output.used == 0 || engine->output_broken)
		return;
	now = clock_now_ns();
	if (engine->sent)
		engine->sent_ns = now;
	engine->sent = false;
	if (now - engine->sent_ns < stalled_limit_ns && now - engine->ending_ns < flush_limit_ns)
		return;
	log_error("the client does not take its replies");
	engine->result.forced = true;
	break_output(engine);
}

/* How long to wait at most. */
static uint64_t wait_limit(const struct engine *engine)
{
	uint64_t now, due;

	if (engine->ending)
		return stalled_limit_ns / 50;
	due = due_at(engine).at_ns;
	if (due == UINT64_MAX)
		return UINT64_MAX;
	now = clock_now_ns();
	return due > now ? due - now : 0;
}

static void wait_for_work(struct engine *engine, uint64_t limit_ns)
{
	struct pollfd fds[2] = {{.fd = -1}, {.fd = -1}};

	if (!engine->input_ended && !engine->can_read && ring_room(&engine->input) > 0)
		fds[0] = (struct pollfd){.fd = engine->in, .events = POLLIN};
	if (engine->output.used > 0 && !engine->can_write)
		fds[1] = (struct pollfd){.fd = engine->out, .events = POLLOUT};
	if (signals_poll(fds, 2, limit_ns) <= 0)
		return;
	engine->can_read = engine->can_read || fds[0].revents != 0;
	engine->can_write = engine->can_write || fds[1].revents != 0;
}

static void loop(struct engine *engine)
{
	for (;;) {
		bool busy;

		mind_orders(engine);
		receive(engine);
		execute(engine);
		grow_pipes(engine);
		send_replies(engine);
		give_up_replies(engine);
		busy = has_work(engine);
		if (!busy && finished(engine))
			return;
		if (!engine->input_ended && engine->can_read && ring_room(&engine->input) > 0)
			busy = true;
		wait_for_work(engine, busy ? 0 : wait_limit(engine));
	}
}

int engine_run(struct server *server, int in, int out, struct engine_result *result)
{
	struct engine engine = {.server = server,
	    .in = in,
	    .out = out,
	    .can_read = true,
	    .can_write = true,
	    .started_ns = clock_now_ns()};
	int in_flags = fcntl(in, F_GETFL), out_flags = fcntl(out, F_GETFL);
	int rc = ring_init(&engine.input, INPUT_BYTES);

	if (rc == 0)
		rc = ring_init(&engine.output, OUTPUT_BYTES);
	if (rc != 0)
		goto out;
	(void)fcntl(in, F_SETFL, in_flags | O_NONBLOCK);
	(void)fcntl(out, F_SETFL, out_flags | O_NONBLOCK);
	signals_init();
	loop(&engine);
	/* A connection that sshd closes is one that the client has left. */
	if (engine.ending && !server->session->connection_ends && server->handles.open > 0)
		engine.result.forced = true;
	/* The descriptions may be shared with a terminal's other users. */
	(void)fcntl(in, F_SETFL, in_flags);
	(void)fcntl(out, F_SETFL, out_flags);
	*result = engine.result;
out:
	ring_free(&engine.input);
	ring_free(&engine.output);
	return rc;
}
