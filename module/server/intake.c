/* server: what the client has sent.  Never gives up a byte that was received. */
#include "server/intake.h"

#include "codec/wire.h"
#include "server/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Requests wait here, so that sshd need not keep them: what sshd has not written to our pipe when a
 * client dies is lost.  OpenSSH's client has 64 WRITEs of the largest size under way, and sshd renews its
 * window of 2 MiB with what we take: so all of them can come in. */
#define INTAKE_MOST (18u << 20)
#define READ_BYTES (256u << 10)
/* What is moved to the ring's first pages rather than read on behind: these are in the cache.  Of a larger
 * packet the rest is read and no more, so that nothing is left over behind it. */
#define REWIND_BYTES (64u << 10)

int intake_init(struct intake *intake, int fd)
{
	struct stat st;

	*intake = (struct intake){.fd = fd};
	intake->is_pipe = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
	if (intake->is_pipe)
		signals_watch_read(fd);
	return ring_init(&intake->ring, RING_SMALL);
}

void intake_free(struct intake *intake)
{
	signals_watch_read(-1);
	ring_free(&intake->ring);
}

static void note_failure(struct intake *intake, int error)
{
	if (error == EAGAIN && !intake->closing) {
		/* A signal has come, before the read or in it. */
		if (intake->is_pipe)
			signals_rearm_read();
		return;
	}
	if (error == EINTR)
		return;
	if (error != EAGAIN)
		intake->error = -error;
	intake->ended = true;
}

/* Makes the ring as large as is needed, and small again. */
static void fit_ring(struct ring *ring)
{
	if (ring->head >= READ_BYTES && ring->used <= REWIND_BYTES)
		ring_rewind(ring);
	if (ring_room(ring) < READ_BYTES && ring->size < INTAKE_MOST)
		(void)ring_resize(ring, INTAKE_MOST);
	else if (ring->used == 0 && ring->size > RING_SMALL)
		(void)ring_resize(ring, RING_SMALL);
}

/* How much to ask for. */
static size_t wanted(const struct intake *intake)
{
	const struct ring *ring = &intake->ring;
	size_t want = ring_room(ring) < READ_BYTES ? ring_room(ring) : READ_BYTES;
	size_t packet = ring->used < 4 ? 0 : wire_peek_u32(ring_begin(ring)) + (size_t)4;

	if (packet > REWIND_BYTES && packet > ring->used && packet - ring->used < want)
		want = packet - ring->used;
	return intake->closing && want > intake->left ? intake->left : want;
}

void intake_receive(struct intake *intake, bool may_wait)
{
	ssize_t got;

	if (!intake_wants(intake) || !(intake->readable || (may_wait && intake->is_pipe)))
		return;
	fit_ring(&intake->ring);
	got = read(intake->fd, ring_end(&intake->ring), wanted(intake));
	if (!intake->closing)
		intake->readable = false;
	if (got < 0) {
		note_failure(intake, errno);
		return;
	}
	ring_added(&intake->ring, (size_t)got);
	intake->received_bytes += (uint64_t)got;
	if (intake->closing)
		intake->left -= (size_t)got;
	intake->ended = got == 0 || (intake->closing && intake->left == 0);
}

void intake_close(struct intake *intake)
{
	int waiting = 0;

	if (ioctl(intake->fd, FIONREAD, &waiting) != 0 || waiting < 0)
		waiting = 0;
	intake->closing = true;
	intake->left = (size_t)waiting;
	intake->readable = true;
	if (waiting == 0)
		intake->ended = true;
}

void intake_drop(struct intake *intake)
{
	ring_taken(&intake->ring, intake->ring.used);
	intake->ended = true;
}
