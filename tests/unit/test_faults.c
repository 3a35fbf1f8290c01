/* unit tests: the engine when system calls of its loop are interrupted, do less than they were asked to or
 * would have to wait: in the server, a part of them does, chosen by chance but the same in each run. */
#include "codec/sftp.h"

#include "peer.h"
#include "serving.h"
#include "table/table.h"
#include "table_scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 50000u
#define BLOCKS 40u
#define SEEDS 40u

static struct peer peer;
static struct table table;
static uint8_t content[BLOCK * BLOCKS];

/* the faults; the linker puts each __wrap_ function in the place of the one that it is named after */

static pid_t tester; /* in which there are none; 0: not yet */
static uint64_t chance;
static unsigned long injected;

static uint32_t draw(uint32_t below)
{
	chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(chance >> 33) % below;
}

enum fault { NO_FAULT, INTERRUPTED, WOULD_WAIT, DOES_LESS };

static enum fault fault(void)
{
	uint32_t drawn;

	if (tester == 0 || getpid() == tester)
		return NO_FAULT;
	drawn = draw(8);
	return drawn < 4 ? (enum fault)drawn : NO_FAULT;
}

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* Returns whether the call fails, with errno; else *len may have become less. */
static bool fails(enum fault fault, bool may_wait, size_t *len)
{
	injected += fault != NO_FAULT;
	if (fault == DOES_LESS && *len > 1)
		*len = 1 + draw((uint32_t)*len - 1);
	if (fault == INTERRUPTED || (fault == WOULD_WAIT && may_wait)) {
		errno = fault == INTERRUPTED ? EINTR : EAGAIN;
		return true;
	}
	return false;
}

ssize_t __real_read(int fd, void *data, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len)
{
	/* The pipe for pages is read by nobody else, so it never does less than it has. */
	if (is_pipe(fd) && !(fcntl(fd, F_GETFL) & O_NONBLOCK) && fails(fault(), true, &len))
		return -1;
	return __real_read(fd, data, len);
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	if (is_pipe(fd) && len != 13 && fails(fault(), true, &len))
		return -1;
	return __real_write(fd, data, len);
}

ssize_t __real_pread(int fd, void *data, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *data, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *data, size_t len, off_t offset)
{
	enum fault drawn = fault();

	/* A short answer to a READ is an answer: the client asks again. */
	if (drawn == INTERRUPTED && fails(drawn, false, &len))
		return -1;
	return __real_pread(fd, data, len, offset);
}

ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (fails(fault(), false, &len))
		return -1;
	return __real_pwrite(fd, data, len, offset);
}

ssize_t __real_splice(
    int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned int flags);
ssize_t __wrap_splice(
    int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned int flags);
ssize_t __wrap_splice(
    int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned int flags)
{
	if (fails(fault(), in_at == NULL, &len))
		return -1;
	return __real_splice(in, in_at, out, out_at, len, flags);
}

int __real_ppoll(
    struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask);
int __wrap_ppoll(
    struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask);
int __wrap_ppoll(
    struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask)
{
	size_t less = 1;

	if (fails(fault(), false, &less))
		return -1;
	return __real_ppoll(fds, count, limit, mask);
}

int __real_poll(struct pollfd *fds, nfds_t count, int limit_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int limit_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int limit_ms)
{
	size_t less = 1;

	if (fails(fault(), false, &less))
		return -1;
	return __real_poll(fds, count, limit_ms);
}

/* the sessions */

static void set_up(void)
{
	scratch_begin();
	scratch_enter();
	unsetenv("SSH_CONNECTION");
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7 ^ i >> 8 ^ i >> 16);
	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
}

static void tear_down(void)
{
	table_close(&table);
	scratch_leave();
	scratch_end();
}

TestSuite(faults, .init = set_up, .fini = tear_down, .timeout = 300);

static void start(uint64_t seed)
{
	static struct options options;
	static char user[] = "tester", home[] = "/";
	char text[CONNECTION_REF_TEXT_MAX];

	options = (struct options){
	    .config = "/nonexistent/sftp-drain.conf",
	    .rundir = scratch_rundir,
	    .shmdir = scratch_shmdir,
	    .self = {.pw_name = user, .pw_dir = home, .pw_uid = geteuid()},
	};
	setenv("SFTP_DRAIN_CONNECTION", connection_ref_format(scratch_register(&table), text), 1);
	tester = getpid();
	chance = seed;
	peer_start(&peer, PEER_PIPES, &options);
	peer_init(&peer);
}

static void finish(void)
{
	peer_close_to(&peer);
	cr_expect(peer_ended(&peer));
	cr_expect_eq(peer_finish(&peer).engine.status, 0);
}

/* A file written and read back, with other requests in between, all sent before a reply is taken; a child
 * sends them, for the pipes do not hold them. */
static void write_all(const struct peer_handle *handle)
{
	static struct packet stream;
	pid_t writer = fork();

	cr_assert_geq(writer, 0);
	if (writer > 0)
		return;
	tester = getpid();
	for (uint32_t i = 0; i < BLOCKS; i++) {
		stream.len = 0;
		peer_add(&stream, SFTP_WRITE, i, "xqx", PEER_HANDLE(*handle), (uint64_t)i * BLOCK,
		    (const void *)(content + i * BLOCK), (size_t)BLOCK);
		peer_add(&stream, SFTP_STAT, 1000 + i, "s", "missing");
		peer_send(&peer, stream.bytes, stream.len);
	}
	_exit(0);
}

static void read_all(const struct peer_handle *handle)
{
	static struct packet stream;

	stream.len = 0;
	for (uint32_t i = 0; i < BLOCKS; i++) {
		peer_add(
		    &stream, SFTP_READ, i, "xqu", PEER_HANDLE(*handle), (uint64_t)i * BLOCK, BLOCK);
		if (i % 3 == 0)
			peer_add(&stream, SFTP_STAT, 1000 + i, "s", "missing");
	}
	peer_send(&peer, stream.bytes, stream.len);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		cr_assert(peer_replied(
		    &peer, SFTP_DATA, i, "x", (const void *)(content + i * BLOCK), (size_t)BLOCK));
		if (i % 3 == 0)
			cr_assert(peer_replied_code(&peer, 1000 + i, SFTP_NO_SUCH_FILE));
	}
}

Test(faults, nothing_is_lost_or_said_twice)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct peer_handle handle;

		start(seed);
		peer_request(&peer, SFTP_OPEN, 1, "suu", "f",
		    SFTP_FLAG_WRITE | SFTP_FLAG_CREAT | SFTP_FLAG_TRUNC, 0u);
		handle = peer_take_handle(&peer, 1);
		write_all(&handle);
		for (uint32_t i = 0; i < BLOCKS; i++) {
			cr_assert(peer_replied_code(&peer, i, SFTP_OK), "seed %lu", seed);
			cr_assert(peer_replied_code(&peer, 1000 + i, SFTP_NO_SUCH_FILE));
		}
		peer_request(&peer, SFTP_CLOSE, 2, "x", PEER_HANDLE(handle));
		cr_assert(peer_replied_code(&peer, 2, SFTP_OK));
		peer_request(&peer, SFTP_OPEN, 3, "suu", "f", SFTP_FLAG_READ, 0u);
		handle = peer_take_handle(&peer, 3);
		for (int i = 0; i < 3; i++)
			read_all(&handle);
		finish();
	}
}

Test(faults, at_the_end_of_the_input)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		static struct packet stream;
		char name[32];

		stream.len = 0;
		for (uint32_t i = 0; i < 300; i++) {
			snprintf(name, sizeof(name), "%lu-%u", seed, i);
			peer_add(&stream, SFTP_MKDIR, i, "su", name, 0u);
		}
		start(seed);
		peer_send(&peer, stream.bytes, stream.len);
		peer_close_from(&peer);
		peer_close_to(&peer);
		cr_expect_eq(peer_finish(&peer).engine.status, 0);
		cr_assert_eq(scratch_count("."), seed * 300);
	}
}
