/* fuzzing: whole sessions, carried out for real.
 *
 * An input is a row of packets: two bytes of length, the lower first, and as many of the packet, type
 * and id and all.  INIT comes by itself, and so do three open handles whose bytes are always the
 * same.  Each input finds the same small tree.
 *
 * A fuzzer must not touch anything but its own directory, so the requests are carried out by a thread
 * that has a root directory of its own, a fresh one below /tmp.  Where that cannot be had the fuzzer
 * refuses to run.  A crash leaves that directory, and the fuzzer's artifact in it. */
#include "codec/sftp.h"
#include "server/dispatch.h"
#include "server/session.h"

#include "jail.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/sftp-fuzz-XXXXXX";
static sem_t given, done;
static const uint8_t *input;
static size_t input_len;

static struct options options = {.self = {.pw_name = (char *)(uintptr_t) "fuzz"}};
static struct session session = {.options = &options,
    .table = {.fd = -1},
    .membership = {.fd = -1, .row_index = -1},
    .sshd_pin = -1};
static struct server server;

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_session: %s\n", what);
	abort();
}

/* the tree */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	if (place->level > 0)
		(void)remove(path);
	return 0;
}

static void make_file(const char *name, const char *content)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	check(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content),
	    "cannot make the tree");
	close(fd);
}

static void make_tree(void)
{
	(void)chmod("/", 0755);
	(void)nftw("/", remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	make_file("/f", "content");
	check(mkdir("/d", 0755) == 0 && symlink("../f", "/d/l") == 0 && mkfifo("/p", 0600) == 0,
	    "cannot make the tree");
	make_file("/d/g", "more content");
}

/* the session */

static uint8_t out[REPLY_MAX];

static void send_packet(const uint8_t *packet, size_t len)
{
	size_t reply_len = 0;
	struct reply reply;
	int rc;

	reply_begin(&reply, 0, out, sizeof(out));
	rc = dispatch_packet(&server, packet, len, &reply, &reply_len);

	if (rc != 0) {
		check(len < 5, "a packet with type and id was not answered");
		return;
	}
	check(reply_len >= 9 && reply_len <= sizeof(out), "a reply of no possible size");
	check(wire_peek_u32(out) == reply_len - 4, "a reply with a wrong length");
	if (packet[0] == SFTP_INIT)
		check(out[4] == SFTP_VERSION_REPLY, "INIT without VERSION");
	else
		check(memcmp(out + 5, packet + 1, 4) == 0, "a reply under another id");
}

#define SEND(text) send_packet((const uint8_t *)(text), sizeof(text) - 1)

static void run_session(void)
{
	size_t at = 0;

	make_tree();
	server = (struct server){.options = &options, .session = &session, .start_directory = "/"};
	handle_table_init(&server.handles, 32);
	SEND("\x01\0\0\0\x03");
	SEND("\x03\0\0\0\x01\0\0\0\x01"
	     "f\0\0\0\x03\0\0\0\0");
	SEND("\x0b\0\0\0\x02\0\0\0\x01"
	     "d");
	SEND("\x03\0\0\0\x03\0\0\0\x01"
	     "n\0\0\0\x1a\0\0\0\0");
	while (input_len - at >= 2) {
		size_t len = (size_t)input[at] | (size_t)input[at + 1] << 8;

		at += 2;
		if (len > input_len - at)
			len = input_len - at;
		if (len > 0)
			send_packet(input + at, len);
		at += len;
	}
	handle_table_free(&server.handles);
}

static void *serve(void *unused)
{
	(void)unused;
	check(unshare(CLONE_FS) == 0 && jail_enter(directory),
	    "no root directory of its own (run as root, or allow user namespaces)");
	for (;;) {
		while (sem_wait(&given) != 0)
			continue;
		run_session();
		sem_post(&done);
	}
	return NULL;
}

static void remove_directory(void)
{
	(void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	(void)rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct rlimit no_core = {0, 0};
	pthread_t thread;

	(void)argc;
	(void)argv;
	umask(022);
	signal(SIGXFSZ, SIG_IGN);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	check(jail_prepare(), "neither root nor a user namespace");
	check(mkdtemp(directory) != NULL, "no scratch directory");
	fprintf(stderr, "fuzz_session: working in %s\n", directory);
	(void)atexit(remove_directory);
	dispatch_set_permissions(&options);
	log_open("fuzz", LEVEL_QUIET, 0, true);
	check(sem_init(&given, 0, 0) == 0 && sem_init(&done, 0, 0) == 0 &&
		  pthread_create(&thread, NULL, serve, NULL) == 0,
	    "no thread");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	input_len = size;
	sem_post(&given);
	while (sem_wait(&done) != 0)
		continue;
	return 0;
}
