/* server: the loop of a session.  Never blocks on a pipe; never drops a request that it has. */
#include "server/engine.h"

#include "server/crew.h"
#include "server/dispatch.h"
#include "server/drain.h"
#include "server/intake.h"
#include "server/output.h"
#include "server/pace.h"
#include "server/pipes.h"
#include "server/signals.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

/* Of requests and replies, in one turn; small enough to stay in the processor's cache. */
#define BATCH_BYTES (256u << 10)
#define SEND_BYTES (128u << 10)
/* Data of files that moves in one turn and shows that it is to be moved in bulk. */
#define BULK_BYTES (32u << 10)
/* Turns that are taken without a look at whether more can be received. */
#define BUSY_TURNS 4

static const int exit_io = 1, exit_bad_message = 11; /* as OpenSSH's */
/* Once the session is to end: for replies of which the client takes none, and for all of them. */
static const uint64_t stalled_limit_ns = 5 * NS_PER_S, flush_limit_ns = 60 * NS_PER_S;
/* A request that takes so long is one in which more may have come. */
static const uint64_t slow_ns = 2 * NS_PER_MS;
/* How often it is looked whether the client has taken pages of a file that is about to change. */
static const uint64_t held_ns = NS_PER_MS / 2;

struct engine {
	struct server *server;
	struct intake intake;
	struct output output;
	struct pipes pipes;
	bool held;      /* the next request waits until the output has been sent, or taken */
	bool took_long; /* the last turn did */
	bool ending;    /* only what has been received is carried out */
	uint64_t ending_ns,
	    sent_ns; /* when the end began; when replies were last taken since then */
	uint64_t started_ns;
	uint64_t now_ns; /* when the last request had been carried out, or the turn began */
	unsigned int busy_turns;
	struct pace pace;
	struct crew *crew; /* NULL until it is needed */
	struct engine_result result;
};

/* What the request just carried out took, when that says something of the file system. */
static void note_pace(struct engine *engine, const struct reply *reply)
{
	uint64_t now = clock_now_ns();

	if (reply->pure)
		pace_note(&engine->pace, now - engine->now_ns, reply->read_len);
	engine->now_ns = now;
}

static void begin_end(struct engine *engine, bool forced)
{
	if (engine->ending)
		return;
	engine->ending = true;
	engine->ending_ns = engine->sent_ns = clock_now_ns();
	engine->result.forced = forced;
	session_show_state(engine->server->session, MEMBER_FLUSHING);
	intake_close(&engine->intake);
}

/* Takes what there is: once, for it is then still in the cache when it is carried out; but all of it
 * while requests take long, for what sshd has not handed over when a client dies is lost. */
static void receive(struct engine *engine, bool may_wait)
{
	bool readable = engine->intake.readable;

	intake_receive(&engine->intake, may_wait);
	while (engine->took_long && readable && intake_wants(&engine->intake)) {
		struct pollfd more = {.fd = engine->intake.fd, .events = POLLIN};

		if (signals_poll(&more, 1, 0) != 1)
			break;
		engine->intake.readable = true;
		intake_receive(&engine->intake, false);
	}
	engine->took_long = false;
	if (engine->intake.error != 0) {
		log_error("read: %s", strerror(-engine->intake.error));
		engine->intake.error = 0;
		engine->result.status = exit_io;
	}
}

/* The stream cannot be trusted further. */
static void bad_message(struct engine *engine, const char *what, uint32_t value)
{
	log_error("bad message from local user %s: %s %u", engine->server->options->self.pw_name,
	    what, value);
	engine->result.status = exit_bad_message;
	intake_drop(&engine->intake);
}

/* The length of the packet at the beginning of the input when all of it is there, or 0.  A length
 * that no packet has ends the input: where the next one would begin cannot be known. */
static size_t whole_packet(struct engine *engine)
{
	struct ring *input = &engine->intake.ring;
	uint32_t len;

	if (input->used < 4)
		return 0;
	len = wire_peek_u32(ring_begin(input));
	if (len == 0 || len > SFTP_PACKET_MAX) {
		bad_message(engine, "length", len);
		return 0;
	}
	return input->used - 4 >= len ? len : 0;
}

/* Whether the largest reply fits: that is the back-pressure. */
static bool has_room(const struct engine *engine)
{
	return ring_room(&engine->output.ring) >= REPLY_MAX;
}

/* Carries out the request at the beginning of the input, len bytes behind its length.  Returns 0,
 * -EAGAIN when it has to wait, or another negative errno. */
static int execute(struct engine *engine, size_t len)
{
	struct ring *input = &engine->intake.ring, *output = &engine->output.ring;
	struct reply reply;
	size_t reply_len = 0;
	int rc;

	reply_begin(&reply, 0, ring_end(output), ring_room(output));
	rc = dispatch_packet(engine->server, ring_begin(input) + 4, len, &reply, &reply_len);
	if (rc != 0)
		return rc;
	ring_taken(input, len + 4);
	ring_added(output, reply_len);
	note_pace(engine, &reply);
	return 0;
}

/* The same, sending the output when it is in the way. */
static int execute_or_hold(struct engine *engine, size_t len)
{
	int rc = execute(engine, len);

	if (rc == -EAGAIN) {
		output_send(&engine->output);
		rc = execute(engine, len);
	}
	engine->held = rc == -EAGAIN;
	if (rc != 0 && rc != -EAGAIN)
		bad_message(engine, "not a request, length", (uint32_t)len);
	return rc;
}

/* Whether the crew has requests whose replies come first. */
static bool crew_is_busy(const struct engine *engine)
{
	return engine->crew != NULL && crew_jobs(engine->crew) > 0;
}

/* Adds the replies that the crew has made, in order. */
static void collect(struct engine *engine)
{
	const struct crew_job *job;

	while (
	    crew_is_busy(engine) && has_room(engine) && (job = crew_oldest(engine->crew)) != NULL) {
		if (job->rc == 0 && job->reply_len > 0) {
			memcpy(ring_end(&engine->output.ring), job->out, job->reply_len);
			ring_added(&engine->output.ring, job->reply_len);
			dispatch_account(engine->server, &job->reply);
		}
		pace_note(&engine->pace, job->took_ns, job->reply.read_len);
		crew_collect(engine->crew);
		if (output_waiting(&engine->output) >= SEND_BYTES)
			output_send(&engine->output);
	}
}

/* Gives the request to the crew where that is of use.  Returns 0; -EAGAIN when it has to wait for those
 * before it; or -ENOTSUP when it is to be carried out here and now. */
static int give_to_crew(struct engine *engine, const uint8_t *packet, size_t len)
{
	bool pure = (engine->pace.slow || crew_is_busy(engine)) && engine->server->initialised &&
		    engine->server->refusal == NULL && dispatch_is_pure(packet, len);
	int rc = -ENOTSUP;

	if (pure && engine->crew == NULL)
		engine->crew = crew_new(engine->server);
	if (pure && engine->crew != NULL)
		rc = crew_submit(engine->crew, packet, len);
	return rc != 0 && crew_is_busy(engine) ? -EAGAIN : rc == 0 ? 0 : -ENOTSUP;
}

/* Carries out the request at the beginning of the input, or hands it over.  Returns as execute. */
static int serve_one(struct engine *engine, size_t len)
{
	int rc = give_to_crew(engine, ring_begin(&engine->intake.ring) + 4, len);

	if (rc == 0)
		ring_taken(&engine->intake.ring, len + 4);
	if (rc == -ENOTSUP)
		return execute_or_hold(engine, len);
	engine->held = rc == -EAGAIN;
	return rc;
}

/* Carries out requests and sends their replies, up to a batch: then it is time to receive again. */
static void serve(struct engine *engine)
{
	uint64_t requests = 0, start = engine->now_ns = clock_now_ns();
	size_t done = 0, len;

	collect(engine);
	while (done < BATCH_BYTES && has_room(engine) && (len = whole_packet(engine)) != 0 &&
	       serve_one(engine, len) == 0) {
		done += len;
		requests++;
		if (output_waiting(&engine->output) >= SEND_BYTES) {
			done += output_waiting(&engine->output);
			output_send(&engine->output);
		}
		engine->took_long = engine->now_ns - start >= slow_ns;
		if (engine->took_long)
			break;
	}
	output_send(&engine->output);
	session_count_requests(engine->server->session, requests);
}

static void note_bulk(struct engine *engine)
{
	struct server *server = engine->server;

	if (server->bytes_in >= BULK_BYTES)
		pipes_moved(&engine->pipes, PIPES_IN, clock_now_ns());
	if (server->bytes_out >= BULK_BYTES)
		pipes_moved(&engine->pipes, PIPES_OUT, clock_now_ns());
	server->bytes_in = server->bytes_out = 0;
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
	return !engine->held && has_room(engine) && whole_packet(engine) != 0;
}

static bool finished(struct engine *engine)
{
	return engine->intake.ended && output_waiting(&engine->output) == 0 &&
	       !crew_is_busy(engine) && whole_packet(engine) == 0;
}

/* Replies that nobody takes must not keep back the requests behind them: what was received is
 * carried out all the same, as after a broken pipe. */
static void give_up_replies(struct engine *engine)
{
	uint64_t now;

	if (!engine->ending || engine->output.broken)
		return;
	if (output_waiting(&engine->output) == 0 && !engine->held)
		return;
	now = clock_now_ns();
	if (engine->output.sent)
		engine->sent_ns = now;
	engine->output.sent = false;
	if (now - engine->sent_ns < stalled_limit_ns && now - engine->ending_ns < flush_limit_ns)
		return;
	log_error("the client does not take its replies");
	engine->result.forced = true;
	output_break(&engine->output);
}

/* How long to wait at most. */
static uint64_t wait_limit(struct engine *engine)
{
	uint64_t now, due, rest;

	if (engine->held && output_waiting(&engine->output) == 0 && !crew_is_busy(engine))
		return held_ns;
	if (engine->ending)
		return stalled_limit_ns / 50;
	now = clock_now_ns();
	due = due_at(engine).at_ns;
	rest = pipes_rest(&engine->pipes, now);
	if (rest < due)
		due = rest;
	if (due == UINT64_MAX)
		return UINT64_MAX;
	return due > now ? due - now : 0;
}

static void poll_all(struct engine *engine, uint64_t limit_ns)
{
	struct pollfd fds[3] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};

	if (intake_wants(&engine->intake))
		fds[0] = (struct pollfd){.fd = engine->intake.fd, .events = POLLIN};
	if (output_waiting(&engine->output) > 0)
		fds[1] = (struct pollfd){.fd = engine->output.fd, .events = POLLOUT};
	if (crew_is_busy(engine) && has_room(engine))
		fds[2] = (struct pollfd){.fd = crew_fd(engine->crew), .events = POLLIN};
	if (signals_poll(fds, 3, limit_ns) <= 0)
		return;
	engine->intake.readable = engine->intake.readable || fds[0].revents != 0;
	engine->output.can_write = engine->output.can_write || fds[1].revents != 0;
}

/* Waits until something can be done.  A session with nothing to do but to receive waits in read(2),
 * which saves it a system call a request. */
static void wait_and_receive(struct engine *engine)
{
	bool busy = has_work(engine) || (engine->intake.readable && intake_wants(&engine->intake));
	uint64_t limit_ns = busy ? 0 : wait_limit(engine);
	bool wait_in_read = limit_ns == UINT64_MAX && engine->intake.is_pipe &&
			    intake_wants(&engine->intake) && output_waiting(&engine->output) == 0 &&
			    !crew_is_busy(engine);

	if (!busy)
		engine->busy_turns = 0;
	if (!wait_in_read && engine->busy_turns++ % BUSY_TURNS == 0)
		poll_all(engine, limit_ns);
	receive(engine, wait_in_read);
}

static void loop(struct engine *engine)
{
	for (;;) {
		mind_orders(engine);
		serve(engine);
		note_bulk(engine);
		give_up_replies(engine);
		if (!has_work(engine) && finished(engine))
			return;
		wait_and_receive(engine);
	}
}

/* Readers and writers of the descriptions may be others too: a terminal's, a shell's. */
static int prepare(struct engine *engine, int in, int out)
{
	int rc = intake_init(&engine->intake, in);

	if (rc != 0)
		return rc;
	rc = output_init(&engine->output, out);
	if (rc != 0)
		intake_free(&engine->intake);
	return rc;
}

int engine_run(struct server *server, int in, int out, struct engine_result *result)
{
	struct engine engine = {.server = server, .started_ns = clock_now_ns()};
	int in_flags = fcntl(in, F_GETFL), out_flags = fcntl(out, F_GETFL);
	int rc;

	signals_init();
	rc = prepare(&engine, in, out);
	if (rc != 0)
		return rc;
	(void)fcntl(out, F_SETFL, out_flags | O_NONBLOCK);
	server->output = &engine.output;
	pipes_init(&engine.pipes, server->session, in, &engine.output);
	loop(&engine);
	crew_free(engine.crew);
	pipes_end(&engine.pipes);
	server->output = NULL;
	/* A connection that sshd closes is one that the client has left. */
	if (engine.ending && !server->session->connection_ends && server->handles.open > 0)
		engine.result.forced = true;
	*result = engine.result;
	intake_free(&engine.intake);
	output_free(&engine.output);
	/* The descriptions may be shared with a terminal's other users. */
	(void)fcntl(in, F_SETFL, in_flags);
	(void)fcntl(out, F_SETFL, out_flags);
	return 0;
}
