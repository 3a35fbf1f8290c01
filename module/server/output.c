/* server: what goes to the client.  Never blocks. */
#include "server/output.h"

#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE_BYTES 4096

int output_init(struct output *output, int fd)
{
	struct stat st;

	*output = (struct output){.fd = fd, .can_write = true, .pages = {-1, -1}};
	output->is_pipe = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
	return ring_init(&output->ring, RING_SMALL);
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
	if (output->heads != NULL)
		munmap(output->heads, PAGE_BYTES);
	output->heads = NULL;
	output->size = 0;
	output->nap = (struct nap){.until_ns = 0};
	output->paged = output->slots_used = output->slots = output->heads_used = 0;
	if (len == 0 || !output->is_pipe || pipe2(output->pages, O_CLOEXEC | O_NONBLOCK) != 0)
		return;
	size = fcntl(output->pages[1], F_SETPIPE_SZ, (int)len);
	if (size < 0)
		size = fcntl(output->pages[1], F_GETPIPE_SZ);
	output->slots = size > 0 ? (size_t)size / PAGE_BYTES : 0;
	size = fcntl(output->fd, F_GETPIPE_SZ);
	output->size = size > 0 ? (uint32_t)size : 0;
}

void output_break(struct output *output)
{
	output->broken = true;
	output->can_write = true;
	ring_taken(&output->ring, output->ring.used);
	output_set_pages(output, 0);
}

uint64_t output_nap_ns(const struct output *output)
{
	uint64_t now;

	if (output->can_write || output->nap.until_ns == 0)
		return 0;
	now = clock_now_ns();
	return now < output->nap.until_ns ? output->nap.until_ns - now : 0;
}

/* Notes what a system call has sent, or why not.  Returns whether it was all of len. */
static bool note_sent(struct output *output, ssize_t put, size_t len)
{
	output->can_write = put == (ssize_t)len;
	if (put > 0) {
		output->sent_bytes += (uint64_t)put;
	} else if (put < 0 && errno == EINTR) {
		output->can_write = true;
	} else if (put < 0 && errno != EAGAIN) {
		log_debug("write: %s", strerror(errno));
		output_break(output);
	}
	if (!output->can_write && output->size > 0)
		nap_begin(&output->nap, clock_now_ns(), output->sent_bytes, output->size);
	return put == (ssize_t)len;
}

static bool send_bytes(struct output *output, size_t len)
{
	ssize_t put;

	if (len == 0)
		return true;
	put = write(output->fd, ring_begin(&output->ring), len);
	/* First, for a broken output has dropped all. */
	if (put > 0)
		ring_taken(&output->ring, (size_t)put);
	return note_sent(output, put, len);
}

static bool send_pages(struct output *output)
{
	size_t len = output->paged;
	ssize_t put = splice(
	    output->pages[0], NULL, output->fd, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (put > 0) {
		output->paged -= (size_t)put;
		output->pages_end = output->sent_bytes + (uint64_t)put;
	}
	if (output->paged == 0)
		output->slots_used = 0;
	return note_sent(output, put, len);
}

void output_send(struct output *output)
{
	if (output->broken)
		ring_taken(&output->ring, output->ring.used);
	if (!output->can_write)
		return;
	if (output->paged > 0) {
		size_t before = output->ring.used, ahead = output->ahead;
		bool all = send_bytes(output, ahead);

		output->ahead = all ? 0 : ahead - (before - output->ring.used);
		if (!all || !send_pages(output))
			return;
	}
	(void)send_bytes(output, output->ring.used);
}

/* Takes everything back out of the pipe for pages, into the ring, but for the last drop bytes of len.  What
 * cannot be read back was promised to the client: then the output is broken. */
static void copy_pages(struct output *output, size_t len, size_t drop)
{
	while (len > 0) {
		ssize_t got = read(output->pages[0], ring_end(&output->ring), len);

		if (got <= 0) {
			log_error("pages of a file: %s", got < 0 ? strerror(errno) : "lost");
			output_break(output);
			return;
		}
		ring_added(&output->ring, (size_t)got);
		len -= (size_t)got;
	}
	ring_dropped(&output->ring, drop);
	output->paged = output->slots_used = 0;
}

/* Makes room for len bytes of a header.  A page that is full is given up: whoever still has bytes of it to
 * read keeps it. */
static bool have_heads(struct output *output, size_t len)
{
	void *page;

	if (output->heads != NULL && output->heads_used + len <= PAGE_BYTES)
		return true;
	if (output->heads != NULL)
		munmap(output->heads, PAGE_BYTES);
	output->heads_used = 0;
	page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	output->heads = page != MAP_FAILED ? page : NULL;
	return output->heads != NULL;
}

/* Puts a header into the pipe for pages.  By reference: the kernel needs no page of its own for each.
 * Returns 0 or a negative errno. */
static int fill_header(struct output *output, const void *header, size_t len)
{
	struct iovec part;

	if (!have_heads(output, len))
		return -ENOMEM;
	part = (struct iovec){.iov_base = output->heads + output->heads_used, .iov_len = len};
	memcpy(part.iov_base, header, len);
	/* A part of one page takes one slot, or none. */
	if (vmsplice(output->pages[1], &part, 1, SPLICE_F_NONBLOCK) < 0)
		return -errno;
	output->heads_used += len;
	return 0;
}

/* Puts len bytes of file into the pipe for pages.  Returns how many there were, or a negative errno. */
static ssize_t fill_pages(const struct output *output, int file, uint64_t offset, size_t len)
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
	return (ssize_t)done;
}

int output_add_pages(struct output *output, const void *header, size_t header_len, int file,
    uint64_t offset, size_t len)
{
	/* One for the header; the first and the last page may be parts of pages. */
	size_t slots = 1 + (offset % PAGE_BYTES + len + PAGE_BYTES - 1) / PAGE_BYTES;
	size_t whole = header_len + len;
	ssize_t got;
	int rc;

	if (slots > output->slots || offset > INT64_MAX - len)
		return -ENOTSUP;
	if (output->paged == 0)
		output->ahead = output->ring.used;
	/* Room to take them all back into, and the largest reply besides. */
	if (output->ahead != output->ring.used || output->slots_used + slots > output->slots ||
	    output->paged + whole > ring_room(&output->ring) / 2)
		return -EAGAIN;
	rc = fill_header(output, header, header_len);
	if (rc != 0)
		return rc == -EAGAIN ? -EAGAIN : -ENOTSUP;
	got = fill_pages(output, file, offset, len);
	if (got != (ssize_t)len) {
		/* The header stands there already and is wrong. */
		whole = header_len + (got > 0 ? (size_t)got : 0);
		copy_pages(output, output->paged + whole, whole);
		return got < 0 ? -ENOTSUP : 0;
	}
	output->paged += whole;
	output->slots_used += slots;
	return 1;
}

/* A pipe that nobody can read any more keeps what is in it. */
uint64_t output_untaken_bytes(const struct output *output)
{
	struct pollfd reader = {.fd = output->fd};
	int unread = 0;

	if (output->broken || !output->is_pipe || ioctl(output->fd, FIONREAD, &unread) != 0)
		return 0;
	if (unread <= 0 || poll(&reader, 1, 0) != 0)
		return 0;
	/* Others may have put something into it, too. */
	return (uint64_t)unread < output->sent_bytes ? (uint64_t)unread : output->sent_bytes;
}

uint64_t output_taken_bytes(const struct output *output)
{
	return output->sent_bytes - output_untaken_bytes(output);
}

bool output_shares_pages(const struct output *output)
{
	if (output->paged > 0)
		return true;
	if (output->pages_end == 0 || output->broken)
		return false;
	return output_taken_bytes(output) < output->pages_end;
}
