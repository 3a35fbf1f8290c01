/* server: the loop of a session.  Never blocks on a pipe; never drops a request that it has. */
#include "server/engine.h"

#include "server/crew.h"
#include "server/drain.h"
#include "server/intake.h"
#include "server/output.h"
#include "server/pipes.h"
#include "server/serve.h"
#include "server/signals.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

/* Data of files that moves in one turn and shows that it is to be moved in bulk. */
#define BULK_BYTES (32u << 10)
/* Turns that are taken without a look at whether more can be received. */
#define BUSY_TURNS 4

static const int exit_io = 1; /* as OpenSSH's */
/* How often it is looked whether the client has taken pages of a file that is about to change: ever more
 * seldom, but soon enough in proportion to how long it has taken. */
static const uint64_t held_least_ns = NS_PER_MS / 2, held_most_ns = 64 * NS_PER_MS;
/* How often it is looked whether sshd has taken the last replies. */
static const uint64_t taken_tick_ns = 5 * NS_PER_MS;

struct engine {
	struct server *server;
	struct intake intake;
	struct output output;
	struct pipes pipes;
	struct serve serve;
	bool ending; /* only what has been received is carried out */
	bool left;   /* with the end: it is the client's own, or sshd was closing the connection */
	bool served; /* all is carried out, and its replies are sent */
	uint64_t ending_ns,
	    taken_ns; /* when the end began; when replies were last taken since then */
	uint64_t taken_bytes;
	uint64_t started_ns;
	uint64_t held_ns; /* how long a request that is held is to wait next; 0: none is */
	uint64_t active_ns, moved_bytes; /* when something moved last, and how much had by then */
	unsigned int busy_turns;
	struct engine_result result;
};

static void begin_end(struct engine *engine, bool forced)
{
	if (engine->ending)
		return;
	engine->ending = true;
	engine->left = engine->server->session->connection_ends;
	engine->ending_ns = engine->taken_ns = clock_now_ns();
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
	while (engine->serve.took_long && readable && intake_wants(&engine->intake)) {
		struct pollfd more = {.fd = engine->intake.fd, .events = POLLIN};

		if (signals_poll(&more, 1, 0) != 1)
			break;
		engine->intake.readable = true;
		intake_receive(&engine->intake, false);
	}
	if (engine->intake.error != 0) {
		log_error("read: %s", strerror(-engine->intake.error));
		engine->intake.error = 0;
		engine->serve.status = exit_io;
	}
}

static void note_bulk(struct engine *engine)
{
	struct server *server = engine->server;

	if (serve_is_apart(&engine->serve))
		return;
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
	    .active_ns = engine->active_ns,
	    .idle_timeout_ns = server->session->policy.idle_timeout_ns,
	    .session_timeout_ns = server->session->policy.session_timeout_ns,
	    .connection_ends = server->session->connection_ends,
	    .refused = server->refusal != NULL,
	    .refused_ns = server->refused_ns,
	};

	return drain_due_at(&view);
}

/* Looks whether anything has moved, where it matters.  Only what moves through our pipes can be seen: what
 * has come, what has been sent (a request may take long), and what sshd has taken of that. */
static void note_activity(struct engine *engine)
{
	uint64_t moved;

	if (engine->server->session->policy.idle_timeout_ns == 0)
		return;
	moved = engine->intake.received_bytes + engine->output.sent_bytes +
		output_taken_bytes(&engine->output);
	if (moved == engine->moved_bytes && !serve_crew_is_busy(&engine->serve))
		return;
	engine->moved_bytes = moved;
	engine->active_ns = clock_now_ns();
}

/* Whether the session is to end by itself now.  Looks at the clock only when there is an end in sight. */
static bool is_due(const struct drain_due *due)
{
	return due->at_ns != UINT64_MAX && (due->at_ns == 0 || clock_now_ns() >= due->at_ns);
}

/* Looks at signals, which would end each wait until they are taken, and at orders. */
static void mind_orders(struct engine *engine)
{
	struct drain_due due;
	bool asked, now;

	if (serve_is_apart(&engine->serve))
		return;
	/* Orders first: whether an end at a signal cuts anybody short depends on them. */
	session_update(engine->server->session, signals_take_wake());
	asked = signals_take_end();
	if (engine->ending) {
		session_show_state(engine->server->session, MEMBER_FLUSHING);
		return;
	}
	note_activity(engine);
	due = due_at(engine);
	now = is_due(&due);
	if (now && due.why != NULL)
		log_info("session ends: %s", due.why);
	if (now || asked)
		begin_end(engine, now && due.forced);
}

/* Whether replies still wait in the pipe where they would be lost: with the connection, when it is ours to
 * end.  Once sshd has taken them the closer sees to them. */
static bool awaits_taker(const struct engine *engine)
{
	return session_may_end_connection(engine->server->session) &&
	       output_untaken_bytes(&engine->output) > 0;
}

static bool finished(struct engine *engine)
{
	if (!engine->intake.ended || output_waiting(&engine->output) > 0 ||
	    !serve_is_done(&engine->serve))
		return false;
	engine->served = true;
	if (!awaits_taker(engine))
		return true;
	if (!engine->ending) {
		begin_end(engine, false);
		engine->left = true;
	}
	return false;
}

/* Replies that nobody takes must not keep back the requests behind them: what was received is
 * carried out all the same, as after a broken pipe. */
static void give_up_replies(struct engine *engine)
{
	uint64_t now, taken;

	if (!engine->ending || engine->output.broken)
		return;
	if (output_waiting(&engine->output) == 0 && !engine->serve.held && !engine->served)
		return;
	now = clock_now_ns();
	taken = output_taken_bytes(&engine->output);
	if (taken != engine->taken_bytes)
		engine->taken_ns = now;
	engine->taken_bytes = taken;
	if (now - engine->taken_ns < DRAIN_STALLED_NS &&
	    now < drain_flush_until(&engine->server->session->plan, engine->ending_ns))
		return;
	log_error("the client does not take its replies");
	engine->result.forced = true;
	output_break(&engine->output);
}

static uint64_t next_held_ns(struct engine *engine)
{
	if (engine->held_ns == 0)
		engine->held_ns = held_least_ns;
	else if (engine->held_ns < held_most_ns)
		engine->held_ns *= 2;
	return engine->held_ns;
}

/* How long to wait at most. */
static uint64_t wait_limit(struct engine *engine)
{
	uint64_t now, due, rest;

	if (engine->serve.held && output_waiting(&engine->output) == 0 &&
	    !serve_crew_is_busy(&engine->serve))
		return next_held_ns(engine);
	engine->held_ns = 0;
	if (engine->served)
		return taken_tick_ns;
	if (engine->ending)
		return DRAIN_STALLED_NS / 50;
	if (serve_is_apart(&engine->serve))
		return UINT64_MAX;
	due = due_at(engine).at_ns;
	/* The usual case, in which nobody asks what time it is. */
	if (due == UINT64_MAX && !pipes_are_large(&engine->pipes))
		return UINT64_MAX;
	now = clock_now_ns();
	rest = pipes_rest(&engine->pipes, now);
	if (rest < due)
		due = rest;
	if (due == UINT64_MAX)
		return UINT64_MAX;
	return due > now ? due - now : 0;
}

/* Signals that cannot be minded before the crew is done would end each wait until then. */
static int await(const struct engine *engine, struct pollfd fds[3], uint64_t limit_ns)
{
	int limit_ms = -1;

	if (!serve_is_apart(&engine->serve))
		return signals_poll(fds, 3, limit_ns);
	/* Rounded up, or it would not wait at all. */
	if (limit_ns != UINT64_MAX)
		limit_ms = (int)((limit_ns + NS_PER_MS - 1) / NS_PER_MS);
	return poll(fds, 3, limit_ms);
}

static void poll_all(struct engine *engine, uint64_t limit_ns)
{
	struct pollfd fds[3] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
	uint64_t nap_ns = output_nap_ns(&engine->output);

	if (nap_ns > 0 && nap_ns < limit_ns)
		limit_ns = nap_ns;
	if (intake_wants(&engine->intake))
		fds[0] = (struct pollfd){.fd = engine->intake.fd, .events = POLLIN};
	if (output_waiting(&engine->output) > 0 && nap_ns == 0)
		fds[1] = (struct pollfd){.fd = engine->output.fd, .events = POLLOUT};
	fds[2] = (struct pollfd){.fd = serve_crew_fd(&engine->serve), .events = POLLIN};
	if (await(engine, fds, limit_ns) <= 0)
		return;
	engine->intake.readable = engine->intake.readable || fds[0].revents != 0;
	engine->output.can_write = engine->output.can_write || fds[1].revents != 0;
}

/* Waits until something can be done.  A session with nothing to do but to receive waits in read(2),
 * which saves it a system call a request. */
static void wait_and_receive(struct engine *engine)
{
	bool busy = serve_has_work(&engine->serve) ||
		    (engine->intake.readable && intake_wants(&engine->intake));
	uint64_t limit_ns = busy ? 0 : wait_limit(engine);
	bool wait_in_read = limit_ns == UINT64_MAX && engine->intake.is_pipe &&
			    intake_wants(&engine->intake) && output_waiting(&engine->output) == 0 &&
			    !serve_crew_is_busy(&engine->serve);

	if (!busy || engine->serve.took_long)
		engine->busy_turns = 0;
	if (!wait_in_read && engine->busy_turns++ % BUSY_TURNS == 0)
		poll_all(engine, limit_ns);
	receive(engine, wait_in_read);
}

static void loop(struct engine *engine)
{
	for (;;) {
		mind_orders(engine);
		serve_turn(&engine->serve);
		note_bulk(engine);
		give_up_replies(engine);
		if (finished(engine))
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

	engine.active_ns = engine.started_ns;
	rc = prepare(&engine, in, out);
	if (rc != 0)
		return rc;
	(void)fcntl(out, F_SETFL, out_flags | O_NONBLOCK);
	server->output = &engine.output;
	pipes_init(&engine.pipes, server->session, in, &engine.output);
	serve_init(&engine.serve, server, &engine.intake, &engine.output);
	loop(&engine);
	serve_free(&engine.serve);
	pipes_end(&engine.pipes);
	server->output = NULL;
	/* A connection that sshd closes is one that the client has left. */
	if (engine.ending && !engine.left && server->handles.open > 0)
		engine.result.forced = true;
	engine.result.status = engine.serve.status;
	*result = engine.result;
	intake_free(&engine.intake);
	output_free(&engine.output);
	/* The descriptions may be shared with a terminal's other users. */
	(void)fcntl(in, F_SETFL, in_flags);
	(void)fcntl(out, F_SETFL, out_flags);
	return 0;
}
