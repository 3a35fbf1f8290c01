/* server: carries out what the client has sent, in order.  Never waits for the client. */
#include "server/serve.h"

#include "server/dispatch.h"
#include "server/session.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <string.h>

/* Of requests and replies, in one turn; small enough to stay in the processor's cache. */
#define BATCH_BYTES (256u << 10)
#define SEND_BYTES (128u << 10)
/* The client has something to do while the rest of what it has sent is carried out. */
#define SEND_REQUESTS 32
#define SMALL_BYTES (16u << 10)

#define BAD_LENGTH SIZE_MAX

static const int exit_bad_message = 11; /* as OpenSSH's */
/* A turn ends after so long: more may have come. */
static const uint64_t slow_ns = 2 * NS_PER_MS;

void serve_init(
    struct serve *serve, struct server *server, struct intake *intake, struct output *output)
{
	*serve = (struct serve){.server = server, .intake = intake, .output = output};
}

void serve_free(struct serve *serve)
{
	crew_free(serve->crew);
	serve->crew = NULL;
}

/* What the request just carried out took, when that says something of the file system. */
static void note_pace(struct serve *serve, const struct reply *reply)
{
	uint64_t now = clock_now_ns();

	pace_note(
	    reply->pure ? &serve->pure : &serve->changes, now - serve->now_ns, reply->read_len);
	serve->now_ns = now;
}

/* The stream cannot be trusted further. */
static void bad_message(struct serve *serve, const char *what, uint32_t value)
{
	log_error("bad message from local user %s: %s %u", serve->server->options->self.pw_name,
	    what, value);
	serve->status = exit_bad_message;
	intake_drop(serve->intake);
}

/* The length of the packet at the beginning of the input when all of it is there, or 0; BAD_LENGTH when no
 * packet has the length that stands there. */
static size_t whole_packet(const struct serve *serve)
{
	const struct ring *input = &serve->intake->ring;
	uint32_t len;

	if (input->used < 4)
		return 0;
	len = wire_peek_u32(ring_begin(input));
	if (len == 0 || len > SFTP_PACKET_MAX)
		return BAD_LENGTH;
	return input->used - 4 >= len ? len : 0;
}

/* Whether the largest reply fits: that is the back-pressure. */
static bool has_room(const struct serve *serve)
{
	return ring_room(&serve->output->ring) >= REPLY_MAX;
}

/* Carries out the request at the beginning of the input, len bytes behind its length.  Returns 0,
 * -EAGAIN when it has to wait, or another negative errno. */
static int execute(struct serve *serve, size_t len)
{
	struct ring *input = &serve->intake->ring, *output = &serve->output->ring;
	struct reply reply;
	size_t reply_len = 0;
	int rc;

	reply_begin(&reply, 0, ring_end(output), ring_room(output));
	rc = dispatch_packet(serve->server, ring_begin(input) + 4, len, &reply, &reply_len);
	if (rc != 0)
		return rc;
	ring_taken(input, len + 4);
	ring_added(output, reply_len);
	note_pace(serve, &reply);
	return 0;
}

/* The same, sending the output when it is in the way. */
static int execute_or_hold(struct serve *serve, size_t len)
{
	int rc = execute(serve, len);

	if (rc == -EAGAIN) {
		output_send(serve->output);
		rc = execute(serve, len);
	}
	serve->held = rc == -EAGAIN;
	if (rc != 0 && rc != -EAGAIN)
		bad_message(serve, "not a request, length", (uint32_t)len);
	return rc;
}

bool serve_crew_is_busy(const struct serve *serve)
{
	return serve->crew != NULL && crew_jobs(serve->crew) > 0;
}

/* Adds the replies that the crew has made, in order. */
static void collect(struct serve *serve)
{
	struct ring *output = &serve->output->ring;
	const struct crew_job *job;

	/* Also when its reply has no room yet: orders are to be minded while the client takes none. */
	if (serve->apart && crew_oldest(serve->crew) != NULL)
		serve->apart = false;
	while (serve_crew_is_busy(serve) && has_room(serve) &&
	       (job = crew_oldest(serve->crew)) != NULL) {
		memcpy(ring_end(output), job->out, job->reply_len);
		ring_added(output, job->reply_len);
		dispatch_account(serve->server, &job->reply);
		pace_note(job->reply.pure ? &serve->pure : &serve->changes, job->took_ns,
		    job->reply.read_len);
		if (job->rc != 0)
			bad_message(serve, "not a request, length", (uint32_t)job->packet_len);
		crew_collect(serve->crew);
		serve->apart = false;
		if (output_waiting(serve->output) >= SEND_BYTES)
			output_send(serve->output);
	}
}

/* Whether the crew should have the request: one that changes nothing where that takes long, so that many
 * go on at a time; any other where that takes long, so that the session can receive meanwhile. */
static bool suits_crew(const struct serve *serve, bool pure)
{
	if (!serve->server->initialised || serve->server->refusal != NULL)
		return false;
	return pure ? serve->pure.slow || serve_crew_is_busy(serve) : serve->changes.slow;
}

/* Gives the request to the crew where that is of use.  Returns 0; -EAGAIN when it has to wait for those
 * before it, or for the client to take pages; or -ENOTSUP when it is to be carried out here and now. */
static int give_to_crew(struct serve *serve, const uint8_t *packet, size_t len)
{
	bool busy = serve_crew_is_busy(serve);
	bool pure, suits;
	int rc = -ENOTSUP;

	/* The usual case, in which nothing more is looked at. */
	if (!busy && !serve->pure.slow && !serve->changes.slow)
		return -ENOTSUP;
	pure = dispatch_is_pure(packet, len);
	suits = suits_crew(serve, pure);
	if (serve->apart || (busy && !pure) ||
	    (suits && !pure && output_shares_pages(serve->output)))
		return -EAGAIN;
	if (suits && serve->crew == NULL)
		serve->crew = crew_new(serve->server);
	if (suits && serve->crew != NULL)
		rc = crew_submit(serve->crew, packet, len);
	serve->apart = rc == 0 && !pure;
	if (rc == 0)
		return 0;
	return busy ? -EAGAIN : -ENOTSUP;
}

/* Carries out the request at the beginning of the input, or hands it over.  Returns as execute. */
static int serve_one(struct serve *serve, size_t len)
{
	int rc;

	/* Where the next packet begins cannot be known. */
	if (len == BAD_LENGTH) {
		bad_message(serve, "length", wire_peek_u32(ring_begin(&serve->intake->ring)));
		return -EPROTO;
	}
	rc = give_to_crew(serve, ring_begin(&serve->intake->ring) + 4, len);
	if (rc == 0)
		ring_taken(&serve->intake->ring, len + 4);
	if (rc == -ENOTSUP)
		return execute_or_hold(serve, len);
	serve->held = rc == -EAGAIN;
	return rc;
}

/* Carries out requests and sends their replies, up to a batch: then it is time to receive again. */
void serve_turn(struct serve *serve)
{
	uint64_t requests = 0, start = serve->now_ns = clock_now_ns();
	size_t done = 0, len;

	serve->took_long = false;
	collect(serve);
	while (done < BATCH_BYTES && has_room(serve) && (len = whole_packet(serve)) != 0 &&
	       serve_one(serve, len) == 0) {
		done += len;
		requests++;
		if (output_waiting(serve->output) >= SEND_BYTES ||
		    (requests % SEND_REQUESTS == 0 &&
			output_waiting(serve->output) <= SMALL_BYTES)) {
			done += output_waiting(serve->output);
			output_send(serve->output);
		}
		serve->took_long = serve->now_ns - start >= slow_ns;
		if (serve->took_long)
			break;
	}
	output_send(serve->output);
	session_count_requests(serve->server->session, requests);
}

bool serve_has_work(const struct serve *serve)
{
	return !serve->held && has_room(serve) && whole_packet(serve) != 0;
}

int serve_crew_fd(const struct serve *serve)
{
	bool awaited = serve->apart || has_room(serve);

	return serve_crew_is_busy(serve) && awaited ? crew_fd(serve->crew) : -1;
}

bool serve_is_done(const struct serve *serve)
{
	return !serve_crew_is_busy(serve) && whole_packet(serve) == 0;
}
