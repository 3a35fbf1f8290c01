/* server: what goes to the client.  Never blocks. */
#include "server/output.h"

#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUT_BYTES (1u << 20)
#define PAGE_BYTES 4096

int output_init(struct output *output, int fd)
{
	struct stat st;

	*output = (struct output){.fd = fd, .can_write = true, .pages = {-1, -1}};
	output->is_pipe = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
	return ring_init(&output->ring, OUTPUT_BYTES);
}

void output_free(struct output *output)
{
	output_set_pages(output, 0);
	ring_free(&output->ring);
}

void output_set_pages(struct output *output, size_t len)
{
	int size;

	for (int i = 0; i < 2; i++) {
		if (output->pages[i] >= 0)
			close(output->pages[i]);
		output->pages[i] = -1;
	}
	output->paged = output->pages_max = 0;
	if (len == 0 || !output->is_pipe || pipe2(output->pages, O_CLOEXEC | O_NONBLOCK) != 0)
		return;
	size = fcntl(output->pages[1], F_SETPIPE_SZ, (int)len);
	if (size < 0)
		size = fcntl(output->pages[1], F_GETPIPE_SZ);
	/* The first and the last page of a stretch may be parts of pages. */
	output->pages_max = size > PAGE_BYTES ? (size_t)size - PAGE_BYTES : 0;
}

void output_break(struct output *output)
{
	output->broken = true;
	output->can_write = true;
	ring_taken(&output->ring, output->ring.used);
	/* The pages that wait go with their pipe. */
	output_set_pages(output, 0);
}

/* Notes what a system call has sent, or why not.  Returns whether it was all of len. */
static bool note_sent(struct output *output, ssize_t put, size_t len)
{
	output->can_write = put == (ssize_t)len;
	if (put > 0) {
		output->sent_bytes += (uint64_t)put;
		output->sent = true;
	} else if (put < 0 && errno == EINTR) {
		output->can_write = true;
	} else if (put < 0 && errno != EAGAIN) {
		log_debug("write: %s", strerror(errno));
		output_break(output);
	}
	return put == (ssize_t)len;
}

static void send_pages(struct output *output)
{
	ssize_t put = splice(output->pages[0], NULL, output->fd, NULL, output->paged,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	(void)note_sent(output, put, output->paged);
	if (put > 0) {
		output->paged -= (size_t)put;
		output->pages_end = output->sent_bytes;
	}
}

void output_send(struct output *output)
{
	size_t used = output->ring.used;

	if (output->broken)
		ring_taken(&output->ring, used);
	if (output_waiting(output) == 0 || !output->can_write)
		return;
	if (used > 0) {
		ssize_t put = write(output->fd, ring_begin(&output->ring), used);
		bool all = note_sent(output, put, used);

		if (put > 0)
			ring_taken(&output->ring, (size_t)put);
		if (!all)
			return;
	}
	if (output->paged > 0)
		send_pages(output);
}

ssize_t output_take_pages(struct output *output, int file, uint64_t offset, size_t len)
{
	loff_t at = (loff_t)offset;
	size_t done = 0;

	while (done < len) {
		ssize_t got =
		    splice(file, &at, output->pages[1], NULL, len - done, SPLICE_F_NONBLOCK);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && done == 0)
			return -errno;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	output->paged = done;
	return (ssize_t)done;
}

bool output_shares_pages(const struct output *output)
{
	int unread = 0;

	if (output->paged > 0)
		return true;
	if (output->pages_end == 0 || output->broken)
		return false;
	if (ioctl(output->fd, FIONREAD, &unread) != 0 || unread < 0)
		return false;
	return (uint64_t)unread > output->sent_bytes - output->pages_end;
}
