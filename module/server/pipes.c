/* server: how large this session's pipes are.  Never grows one without a share. */
#include "server/pipes.h"

#include "util/clock.h"

#include <fcntl.h>

/* Fewer and larger system calls, and less that sshd has to keep when its client dies. */
#define LARGE_BYTES (1 << 20)
#define PAGES_BYTES (512 << 10)

static const uint64_t rest_ns = NS_PER_S, rest_most_ns = 64 * NS_PER_S;
static const uint64_t ask_ns = NS_PER_S;

void pipes_init(struct pipes *pipes, struct session *session, int in, struct output *output)
{
	*pipes = (struct pipes){
	    .session = session, .output = output, .in = in, .share = {.user_fd = -1}};
}

static int pipe_of(const struct pipes *pipes)
{
	return pipes->grown == PIPES_IN ? pipes->in : pipes->output->fd;
}

static void grow(struct pipes *pipes, enum pipes_way way)
{
	const struct session *session = pipes->session;

	if (!session->member ||
	    pipe_share_take(session->options->shmdir, &session->membership, &pipes->share) != 0)
		return;
	pipes->grown = way;
	pipes->usual_bytes = fcntl(pipe_of(pipes), F_GETPIPE_SZ);
	(void)fcntl(pipe_of(pipes), F_SETPIPE_SZ, LARGE_BYTES);
	if (way == PIPES_OUT)
		output_set_pages(pipes->output, PAGES_BYTES);
}

void pipes_moved(struct pipes *pipes, enum pipes_way way, uint64_t now_ns)
{
	if (pipes->grown == PIPES_NONE && now_ns - pipes->asked_ns >= ask_ns) {
		pipes->asked_ns = now_ns;
		grow(pipes, way);
	}
	if (pipes->grown != way)
		return;
	pipes->moved_ns = now_ns;
	pipes->patience_ns = rest_ns;
}

/* Returns whether it could be: a pipe cannot be made smaller than what is in it. */
static bool shrink(struct pipes *pipes)
{
	if (pipes->grown == PIPES_OUT && output_waiting(pipes->output) > 0)
		return false;
	if (pipes->usual_bytes > 0 && fcntl(pipe_of(pipes), F_SETPIPE_SZ, pipes->usual_bytes) < 0)
		return false;
	if (pipes->grown == PIPES_OUT)
		output_set_pages(pipes->output, 0);
	pipe_share_give(&pipes->session->membership, &pipes->share);
	pipes->grown = PIPES_NONE;
	return true;
}

uint64_t pipes_rest(struct pipes *pipes, uint64_t now_ns)
{
	if (pipes->grown == PIPES_NONE)
		return UINT64_MAX;
	if (now_ns - pipes->moved_ns >= pipes->patience_ns) {
		if (shrink(pipes))
			return UINT64_MAX;
		/* The client takes its time. */
		if (pipes->patience_ns < rest_most_ns)
			pipes->patience_ns *= 2;
		pipes->moved_ns = now_ns;
	}
	return pipes->moved_ns + pipes->patience_ns;
}

void pipes_end(struct pipes *pipes)
{
	if (pipes->grown != PIPES_NONE)
		(void)shrink(pipes);
	pipe_share_give(&pipes->session->membership, &pipes->share);
}
