/* fuzzing: whole sessions, carried out for real.
 *
 * What an input means is in script.h.  The whole stream is received before the session starts, so that
 * the same input always does the same; how it was sent shows in how it is read.  Each input finds the
 * same small tree.  What is checked: each request that is whole is carried out and answered, in order
 * and in form, and nothing else is, whatever the orders; if nobody reads the replies, at least the last
 * one was still carried out; and what is read of files is the same when it goes to a pipe by pages and
 * when it is copied.
 *
 * A fuzzer must not touch anything but its own directory: see cage.h.  Where that cannot be had it
 * refuses to run.  From in there libFuzzer cannot write what made it crash, so each input is first
 * written to PREFIXrunning-PID, by -artifact_prefix=PREFIX, which a crash leaves.  SIGINT is a
 * session's; SIGUSR1 ends the fuzzer. */
#include "server/dispatch.h"
#include "server/engine.h"
#include "server/pace.h"
#include "server/signals.h"
#include "util/clock.h"

#include "cage.h"
#include "replies.h"
#include "script.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Less data than this has been copied anyway. */
#define PAGES_MIN 4096u
#define NO_CAGE 77 /* the exit status of a test that cannot run here */

void __sanitizer_symbolize_pc(void *pc, const char *format, char *out, size_t out_len)
    __attribute__((weak));
__typeof__(dispatch_packet) __real_dispatch_packet, __wrap_dispatch_packet;
__typeof__(pace_note) __wrap_pace_note;
__typeof__(read) __real_read, __wrap_read;
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char running[PATH_MAX];
static int running_fd;
static sem_t given, done;

static struct script script;
static int stream_in, replies_out;

static int locks_fd;
static struct options options;
static struct members_header header;
static struct member_row row;
static struct session session;
static struct server server;
static struct engine_result result;

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

static void make_file(const char *name, const void *content, size_t len, off_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	check(fd >= 0 && write(fd, content, len) == (ssize_t)len && ftruncate(fd, size) == 0,
	    "cannot make the tree");
	close(fd);
}

static void make_tree(void)
{
	static uint8_t much[200000];

	if (much[0] == 0)
		memset(much, 'm', sizeof(much));
	(void)chmod("/", 0755);
	(void)nftw("/", remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	make_file("/f", "content", 7, 7);
	check(mkdir("/d", 0755) == 0 && symlink("../f", "/d/l") == 0 && mkfifo("/p", 0600) == 0,
	    "cannot make the tree");
	make_file("/d/g", "more content", 12, 12);
	/* A third of it is a hole. */
	make_file("/s", much, sizeof(much), 300000);
	make_file(SCRIPT_LAST_FILE, "", 0, 0);
}

/* the session, in its thread */

/* A membership in a file that has only locks, so that orders come and files are listed as they do in truth. */
static void give_orders(void)
{
	const struct order order = {.active = 1,
	    .drain = (script.way & WAY_ORDER) == WAY_NOW ? POLICY_DRAIN_NOW : POLICY_DRAIN_TRANSFER,
	    .issued_ns = 1,
	    .deadline_ns = clock_now_ns() + NS_PER_S,
	    .message = "bye"};

	header = (struct members_header){.magic = MEMBERS_MAGIC};
	memset(&row, 0, sizeof(row));
	if ((script.way & WAY_ORDER) >= WAY_TRANSFER)
		order_write(&header.order, &order);
}

static void set_up_session(void)
{
	static char user[] = "fuzz", home[] = "/d";

	options = (struct options){.self = {.pw_name = user, .pw_dir = home},
	    .rundir = "/nonexistent",
	    .shmdir = "/nonexistent",
	    .config = "/nonexistent",
	    .read_only = (script.way & WAY_READ_ONLY) != 0};
	give_orders();
	session = (struct session){.options = &options,
	    .table = {.fd = -1},
	    .membership = {.fd = locks_fd, .row_index = 0, .header = &header, .rows = &row},
	    .member = true,
	    .sshd_pin = -1,
	    .share = -1};
	server = (struct server){.options = &options,
	    .session = &session,
	    .start_directory = "/",
	    .refusal = (script.way & WAY_ORDER) == WAY_REFUSED ? "no" : NULL};
	handle_table_init(&server.handles, 20);
	dispatch_set_permissions(&options);
	/* There is no log in the cage; the lines are made all the same. */
	log_open("fuzz", (script.way & WAY_LOGGED) != 0 ? LEVEL_DEBUG3 : LEVEL_QUIET, 0, false);
}

/* The engine's ring is whole pages.  Here a request lies in memory of just its size, so that the address
 * sanitizer sees who reads beyond.  (ld(1), --wrap.) */
int __wrap_dispatch_packet(struct server *serving, const uint8_t *packet, size_t len,
    struct reply *reply, size_t *reply_len)
{
	uint8_t *request = malloc(len);
	int rc;

	check(request != NULL, "no memory");
	memcpy(request, packet, len);
	rc = __real_dispatch_packet(serving, request, len, reply, reply_len);
	free(request);
	return rc;
}

/* The stream comes in pieces of a set size. */
ssize_t __wrap_read(int fd, void *data, size_t len)
{
	size_t chunk = script_chunk(&script);

	return __real_read(fd, data, fd == stream_in && len > chunk ? chunk : len);
}

/* As if the file system took its time, or as if it did not, however busy the machine is. */
void __wrap_pace_note(struct pace *pace, uint64_t took_ns, size_t len)
{
	(void)took_ns;
	(void)len;
	pace->slow = (script.way & WAY_SLOW) != 0;
}

/* What a session that came to the end of its stream must have done. */
static void check_result(void)
{
	struct requests all = {.stream = script.stream, .len = script.len};
	bool may_remove = (script.way & WAY_READ_ONLY) == 0 && server.refusal == NULL;
	struct stat st;

	while (requests_next(&all))
		continue;
	check((result.status != 0) == all.bad, "a wrong exit status");
	if (may_remove && !all.bad && script_is_last(&script, all.now, all.now_len))
		check(lstat(SCRIPT_LAST_FILE, &st) != 0 || !S_ISREG(st.st_mode),
		    "the last request was lost");
}

static void run_session(void)
{
	make_tree();
	set_up_session();
	check(engine_run(&server, stream_in, replies_out, &result) == 0, "it did not start");
	handle_table_free(&server.handles);
	check_result();
	close(stream_in);
	/* What the reader of a pipe waits for. */
	close(replies_out);
}

static void *serve(void *unused)
{
	(void)unused;
	signals_init();
	check(cage_enter(), "cannot enter the cage");
	for (;;) {
		while (sem_wait(&given) != 0)
			continue;
		run_session();
		sem_post(&done);
	}
	return NULL;
}

/* the client, and libFuzzer's side */

/* Sends the stream to a session whose replies go to out. */
static void start_session(int out)
{
	stream_in = script_send(&script);
	check(stream_in >= 0 && out >= 0, "no pipe");
	replies_out = out;
	sem_post(&given);
}

static void wait_for_session(void)
{
	while (sem_wait(&done) != 0)
		continue;
}

static void run_unread(void)
{
	int out[2];

	check(pipe2(out, O_CLOEXEC) == 0, "no pipe");
	close(out[0]);
	start_session(out[1]);
	wait_for_session();
}

/* As sshd has it. */
static void run_piped(struct requests *requests)
{
	const char *wrong;
	int out[2];

	check(pipe2(out, O_CLOEXEC) == 0, "no pipe");
	start_session(out[1]);
	*requests = (struct requests){.stream = script.stream, .len = script.len};
	wrong = replies_check(out[0], requests);
	check(wrong == NULL, wrong);
	wait_for_session();
	close(out[0]);
}

/* The replies go to a file, for which there is no way but to copy: the data must be the same. */
static void run_copied(const struct requests *piped)
{
	struct requests requests = {.stream = script.stream};
	int out = memfd_create("replies", MFD_CLOEXEC);
	int again = dup(out);
	const char *wrong;

	start_session(out);
	requests.len = script.len;
	wait_for_session();
	check(lseek(again, 0, SEEK_SET) == 0, "no file");
	wrong = replies_check(again, &requests);
	close(again);
	check(wrong == NULL, wrong);
	check(requests.data_len == piped->data_len && requests.data_sum == piped->data_sum,
	    "other data by way of a pipe");
}

static void remove_running(void)
{
	(void)unlink(running);
}

static void open_running(int argc, char **argv)
{
	static const char option[] = "-artifact_prefix=";
	const char *prefix = "";

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], option, sizeof(option) - 1) == 0)
			prefix = argv[i] + sizeof(option) - 1;
	}
	snprintf(running, sizeof(running), "%srunning-%ld", prefix, (long)getpid());
	running_fd = open(running, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(running_fd >= 0, "cannot write what is running");
	(void)atexit(remove_running);
}

static void keep_running(const uint8_t *data, size_t size)
{
	check(pwrite(running_fd, data, size, 0) == (ssize_t)size &&
		  ftruncate(running_fd, (off_t)size) == 0,
	    "cannot write what is running");
}

/* A report is made by the thread in the cage, from where no program can be started: the one that gives
 * addresses their names is started now. */
static void start_symbolizer(void)
{
	char text[256];

	if (&__sanitizer_symbolize_pc != NULL)
		__sanitizer_symbolize_pc(
		    (void *)(uintptr_t)&start_symbolizer, "%f", text, sizeof(text));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct rlimit no_core = {0, 0};
	pthread_t thread;

	if (!cage_make()) {
		fprintf(stderr, "fuzz_session: no cage (run as root, or allow user namespaces)\n");
		_exit(NO_CAGE);
	}
	open_running(*argc, *argv);
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	start_symbolizer();
	locks_fd = memfd_create("members", MFD_CLOEXEC);
	check(locks_fd >= 0, "no members file");
	check(sem_init(&given, 0, 0) == 0 && sem_init(&done, 0, 0) == 0 &&
		  pthread_create(&thread, NULL, serve, NULL) == 0,
	    "no thread");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct requests piped;

	if (size < SCRIPT_HEAD)
		return 0;
	keep_running(data, size);
	script_make(&script, data, size);
	if ((script.way & WAY_UNREAD) != 0) {
		run_unread();
		return 0;
	}
	run_piped(&piped);
	if (piped.data_len >= PAGES_MIN)
		run_copied(&piped);
	return 0;
}
