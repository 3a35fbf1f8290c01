/* unit tests: the crew's threads and the session that hands requests to them and collects the replies, as
 * the engine does.  Without Criterion, so that it runs under the thread sanitizer too. */
#include "codec/sftp.h"
#include "server/crew.h"
#include "server/dispatch.h"
#include "server/session.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUESTS 20000u
#define SIZE (1u << 20)

static struct server server;
static struct session session;
static struct options options;
static uint8_t content[SIZE];
static char directory[] = "/tmp/sftp-drain-crew.XXXXXX";
static uint8_t handle[HANDLE_BYTES];
static unsigned int failures;

static void expect(bool good, const char *what, uint32_t id)
{
	if (good)
		return;
	if (failures++ < 10)
		printf("# request %u: %s: %s\n", id, what, strerror(errno));
}

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void make_server(void)
{
	static char user[] = "user";
	uint8_t init[5] = {SFTP_INIT, 0, 0, 0, 3}, out[4096];
	struct reply reply;
	size_t len;
	int fd;

	options = (struct options){.self = {.pw_name = user}, .rundir = "/nonexistent"};
	session = (struct session){.options = &options,
	    .table = {.fd = -1},
	    .membership = {.fd = -1, .row_index = -1},
	    .sshd_pin = -1,
	    .share = -1};
	server.options = &options;
	server.session = &session;
	handle_table_init(&server.handles, 100);
	dispatch_set_permissions(&options);
	reply_begin(&reply, 0, out, sizeof(out));
	if (dispatch_packet(&server, init, sizeof(init), &reply, &len) != 0)
		die("INIT");
	fd = open("f", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || write(fd, content, SIZE) != (ssize_t)SIZE || symlink("f", "l") != 0)
		die("f");
	handle_bytes(&server.handles,
	    handle_open(&server.handles, HANDLE_FILE, fd, O_RDWR, "f", NULL), handle);
}

static uint64_t offset_of(uint32_t id)
{
	return (uint64_t)id * 7919 % (SIZE - 5000);
}

static uint32_t length_of(uint32_t id)
{
	return id % 5000;
}

static size_t make_request(uint32_t id, uint8_t *out)
{
	static const enum sftp_type with_path[] = {
	    SFTP_STAT, SFTP_LSTAT, SFTP_REALPATH, SFTP_READLINK};
	struct wire_writer writer = {.data = out, .cap = 256};

	if (id % 3 == 0) {
		wire_put_u8(&writer, SFTP_READ);
		wire_put_u32(&writer, id);
		wire_put_string(&writer, handle, sizeof(handle));
		wire_put_u64(&writer, offset_of(id));
		wire_put_u32(&writer, length_of(id));
	} else if (id % 3 == 1) {
		wire_put_u8(&writer, (uint8_t)with_path[id / 3 % 4]);
		wire_put_u32(&writer, id);
		wire_put_text(&writer, id % 2 == 0 ? "l" : "missing\n");
	} else {
		wire_put_u8(&writer, SFTP_FSTAT);
		wire_put_u32(&writer, id);
		wire_put_string(&writer, handle, sizeof(handle));
	}
	return writer.at;
}

static void check_job(const struct crew_job *job, uint32_t id)
{
	struct wire_reader reader = {.data = job->out, .len = job->reply_len};
	struct wire_span data;
	uint8_t type;

	expect(job->rc == 0, "it was not carried out", id);
	expect(wire_get_u32(&reader) == job->reply_len - 4, "length", id);
	type = wire_get_u8(&reader);
	expect(wire_get_u32(&reader) == id, "out of order", id);
	if (id % 3 == 0) {
		data = wire_get_string(&reader);
		expect(type == SFTP_DATA && data.len == length_of(id), "no data", id);
		expect(memcmp(data.data, content + offset_of(id), data.len) == 0, "wrong data", id);
	} else if (id % 3 == 2) {
		expect(type == SFTP_ATTRS, "no attributes", id);
	}
	expect(!reader.failed, "too short", id);
	dispatch_account(&server, &job->reply);
}

static void collect(struct crew *crew, uint32_t *next)
{
	struct pollfd wait = {.fd = crew_fd(crew), .events = POLLIN};
	const struct crew_job *job;

	if (poll(&wait, 1, 60000) != 1)
		die("the crew does not go on");
	while ((job = crew_oldest(crew)) != NULL) {
		check_job(job, (*next)++);
		crew_collect(crew);
	}
}

static void run(void)
{
	struct crew *crew = crew_new(&server);
	uint32_t sent = 0, next = 0;
	uint64_t expected = 0;
	uint8_t packet[256];

	if (crew == NULL)
		die("crew_new");
	while (sent < REQUESTS) {
		size_t len = make_request(sent, packet);
		int rc;

		expect(dispatch_is_pure(packet, len), "it is not pure", sent);
		rc = crew_submit(crew, packet, len);
		if (rc == -EAGAIN)
			collect(crew, &next);
		else if (rc != 0)
			die("crew_submit");
		else
			sent++;
	}
	while (crew_jobs(crew) > 0)
		collect(crew, &next);
	crew_free(crew);
	for (uint32_t id = 0; id < REQUESTS; id += 3)
		expected += length_of(id);
	expect(server.bytes_out == expected, "bytes that were accounted for", next);
	/* With work that nobody will collect. */
	crew = crew_new(&server);
	for (uint32_t id = 0; id < 50; id++)
		expect(crew != NULL && crew_submit(crew, packet, make_request(id, packet)) == 0,
		    "crew_submit", id);
	crew_free(crew);
}

int main(void)
{
	int null = open("/dev/null", O_WRONLY);

	for (size_t i = 0; i < SIZE; i++)
		content[i] = (uint8_t)(i * 7 ^ i >> 8);
	if (null < 0 || mkdtemp(directory) == NULL || chdir(directory) != 0)
		die("no place to work in");
	/* Its lines are written, from all threads, but they are many. */
	dup2(null, STDERR_FILENO);
	log_open("race_crew", LEVEL_VERBOSE, 0, true);
	make_server();
	run();
	handle_table_free(&server.handles);
	(void)unlink("f");
	(void)unlink("l");
	(void)rmdir(directory);
	printf("1..1\n%sok 1 - crew: %u requests, replies in order\n", failures == 0 ? "" : "not ",
	    REQUESTS);
	return failures != 0;
}
