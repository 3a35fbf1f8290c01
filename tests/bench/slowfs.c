/* bench: a file system in memory that answers each operation after a fixed time, any number of them
 * at once, as a file server at some distance does.  Read-only.  The kernel keeps neither names nor data,
 * so that each STAT and each READ is one operation.
 *
 *     slowfs MICROSECONDS MOUNTPOINT
 *
 * It holds the file "source" and the empty files "name-000000" and on, as scenarios expect them. */
#define FUSE_USE_VERSION 32

#include "bulk.h"
#include "content.h"
#include "names.h"
#include "util/clock.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SOURCE_INODE = FUSE_ROOT_ID + 1, FIRST_NAME_INODE };

enum operation { LOOKUP, GETATTR, OPEN, READ };

/* An operation that waits for its time. */
struct waiting {
	struct waiting *next;
	fuse_req_t request;
	enum operation operation;
	fuse_ino_t inode; /* 0: there is no such file */
	struct fuse_file_info file;
	size_t len;
	off_t offset;
	uint64_t due_ns;
};

static uint64_t delay_ns;
/* All wait equally long, so the first to come is the first to go. */
static struct waiting *first, **last = &first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;

static struct stat describe(fuse_ino_t inode)
{
	struct stat st = {.st_ino = inode,
	    .st_nlink = 1,
	    .st_mode = S_IFREG | PLACE_FILL_MODE,
	    .st_uid = getuid(),
	    .st_gid = getgid(),
	    .st_atime = PLACE_FILL_TIME,
	    .st_mtime = PLACE_FILL_TIME};

	if (inode == FUSE_ROOT_ID)
		st.st_mode = S_IFDIR | 0755;
	else if (inode == SOURCE_INODE)
		st.st_size = (off_t)BULK_FILE_BYTES;
	else
		st.st_size = (off_t)(inode - FIRST_NAME_INODE);
	return st;
}

static fuse_ino_t find(const char *name)
{
	unsigned number;
	char exact[32];

	if (strcmp(name, "source") == 0)
		return SOURCE_INODE;
	if (sscanf(name, "name-%6u", &number) != 1 || number >= NAMES_COUNT)
		return 0;
	snprintf(exact, sizeof(exact), "name-%06u", number);
	return strcmp(name, exact) == 0 ? FIRST_NAME_INODE + number : 0;
}

static void reply_read(const struct waiting *waiting)
{
	uint64_t offset = (uint64_t)waiting->offset, left;
	size_t len = waiting->len;
	struct stat st = describe(waiting->inode);

	left = offset < (uint64_t)st.st_size ? (uint64_t)st.st_size - offset : 0;
	if (len > left)
		len = (size_t)left;
	if (len > CONTENT_PIECE_MAX)
		len = CONTENT_PIECE_MAX;
	fuse_reply_buf(waiting->request, (const char *)content_at(offset), len);
}

static void reply(const struct waiting *waiting)
{
	struct fuse_entry_param entry = {
	    .ino = waiting->inode, .attr = describe(waiting->inode), .attr_timeout = 1};

	if (waiting->inode == 0)
		fuse_reply_err(waiting->request, ENOENT);
	else if (waiting->operation == LOOKUP)
		fuse_reply_entry(waiting->request, &entry);
	else if (waiting->operation == GETATTR)
		fuse_reply_attr(waiting->request, &entry.attr, entry.attr_timeout);
	else if (waiting->operation == OPEN)
		fuse_reply_open(waiting->request, &waiting->file);
	else
		reply_read(waiting);
}

static void *reply_in_time(void *unused)
{
	(void)unused;
	for (;;) {
		struct waiting *waiting;
		struct timespec due;

		pthread_mutex_lock(&lock);
		while (first == NULL)
			pthread_cond_wait(&arrived, &lock);
		waiting = first;
		first = waiting->next;
		if (first == NULL)
			last = &first;
		pthread_mutex_unlock(&lock);
		due.tv_sec = (time_t)(waiting->due_ns / NS_PER_S);
		due.tv_nsec = (long)(waiting->due_ns % NS_PER_S);
		while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &due, NULL) != 0)
			continue;
		reply(waiting);
		free(waiting);
	}
	return NULL;
}

static void enqueue(struct waiting waiting)
{
	struct waiting *copy = malloc(sizeof(*copy));

	if (copy == NULL) {
		fuse_reply_err(waiting.request, ENOMEM);
		return;
	}
	*copy = waiting;
	copy->due_ns = clock_now_ns() + delay_ns;
	pthread_mutex_lock(&lock);
	*last = copy;
	last = &copy->next;
	pthread_cond_signal(&arrived);
	pthread_mutex_unlock(&lock);
}

static void do_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	enqueue((struct waiting){.request = request,
	    .operation = LOOKUP,
	    .inode = parent == FUSE_ROOT_ID ? find(name) : 0});
}

static void do_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	(void)file;
	enqueue((struct waiting){.request = request, .operation = GETATTR, .inode = inode});
}

static void do_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	struct waiting waiting = {
	    .request = request, .operation = OPEN, .inode = inode, .file = *file};

	waiting.file.direct_io = 1;
	enqueue(waiting);
}

static void do_read(
    fuse_req_t request, fuse_ino_t inode, size_t len, off_t offset, struct fuse_file_info *file)
{
	(void)file;
	enqueue((struct waiting){
	    .request = request, .operation = READ, .inode = inode, .len = len, .offset = offset});
}

static const struct fuse_lowlevel_ops operations = {
    .lookup = do_lookup,
    .getattr = do_getattr,
    .open = do_open,
    .read = do_read,
};

static int serve(struct fuse_session *session, const char *mountpoint)
{
	pthread_t thread;
	int rc = 1;

	if (fuse_set_signal_handlers(session) != 0)
		return 1;
	if (fuse_session_mount(session, mountpoint) == 0) {
		if (pthread_create(&thread, NULL, reply_in_time, NULL) == 0)
			rc = fuse_session_loop(session) < 0 ? 1 : 0;
		fuse_session_unmount(session);
	}
	fuse_remove_signal_handlers(session);
	return rc;
}

int main(int argc, char **argv)
{
	char option_flag[] = "-o", option[] = "ro,default_permissions";
	char *words[] = {argv[0], option_flag, option, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, words);
	struct fuse_session *session;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: slowfs MICROSECONDS MOUNTPOINT\n");
		return 2;
	}
	content_init();
	delay_ns = strtoull(argv[1], NULL, 10) * 1000;
	session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (session == NULL)
		return 1;
	rc = serve(session, argv[2]);
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return rc;
}
