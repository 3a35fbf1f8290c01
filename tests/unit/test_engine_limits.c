/* unit tests: what the policy limits without any order: how long a session may be idle, how long it may
 * last, how many there may be, and whether one may be alone.  The test is the connection's monitor. */
#include "codec/sftp.h"

#include "peer.h"
#include "serving.h"
#include "table/members_file.h"
#include "table/table.h"
#include "table_scratch.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t hour = 3600 * NS_PER_S, brief = 600 * NS_PER_MS;

static struct table table;
static struct options options;

static void set_up(void)
{
	scratch_begin();
	scratch_enter();
	options = peer_options();
	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
}

/* What a test did not remove: the user's own directory. */
static void tear_down(void)
{
	table_close(&table);
	scratch_leave();
	scratch_end();
}

TestSuite(limits, .init = set_up, .fini = tear_down, .timeout = 120);

/* Registers a connection with that policy; sessions that are started next join it. */
static void connect_with(const struct connection *connection)
{
	char text[CONNECTION_REF_TEXT_MAX];
	struct connection_ref ref;

	cr_assert_eq(table_claim(&table, scratch_shmdir, connection, &ref), 0);
	cr_assert_eq(members_create(scratch_shmdir, ref, geteuid(), getegid()), 0);
	cr_assert_eq(table_publish(&table, ref), 0);
	setenv("SFTP_DRAIN_CONNECTION", connection_ref_format(ref, text), 1);
}

static void start(struct peer *peer)
{
	peer_start(peer, PEER_PIPES, &options);
	peer_init(peer);
}

static void expect_admitted(struct peer *peer)
{
	peer_request(peer, SFTP_MKDIR, 1, "su", "admitted", 0700u);
	cr_expect(peer_replied_code(peer, 1, SFTP_OK));
	cr_expect_eq(rmdir("admitted"), 0);
}

static void expect_refused(struct peer *peer, const char *text)
{
	peer_request(peer, SFTP_MKDIR, 1, "su", "refused", 0700u);
	cr_expect(peer_replied(peer, SFTP_STATUS, 1, "uss", (unsigned int)SFTP_FAILURE, text, ""),
	    "%s", text);
	cr_expect(peer_ended(peer));
	cr_expect(peer_finish(peer).refused);
	cr_expect_not(scratch_exists("refused"));
}

static void finish(struct peer *peer)
{
	peer_close_to(peer);
	cr_expect(peer_ended(peer));
	cr_expect_not(peer_finish(peer).refused);
}

/* Expects the end of the stream no earlier than at_ns. */
static void expect_end(struct peer *peer, uint64_t at_ns, bool forced)
{
	cr_expect(peer_ended(peer));
	cr_expect_geq(clock_now_ns(), at_ns);
	cr_expect_eq(peer_finish(peer).engine.forced, forced);
}

static void open_file_of(struct peer *peer, uint32_t id, struct peer_handle *handle)
{
	peer_request(peer, SFTP_OPEN, id, "suu", "f",
	    SFTP_FLAG_READ | SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	*handle = peer_take_handle(peer, id);
}

Test(limits, idle_with_nothing_open)
{
	struct connection connection = scratch_connection();
	struct peer peer;
	uint64_t last = 0;

	connection.policy.idle_timeout_ns = brief;
	connect_with(&connection);
	start(&peer);
	/* Each request begins the time anew. */
	for (int i = 0; i < 6; i++) {
		last = clock_now_ns();
		expect_admitted(&peer);
		clock_sleep_ns(brief / 4);
	}
	expect_end(&peer, last + brief, false);
}

Test(limits, idle_with_a_file_open)
{
	struct connection connection = scratch_connection();
	struct peer_handle handle;
	struct peer peer;

	connection.policy.idle_timeout_ns = brief;
	connect_with(&connection);
	start(&peer);
	open_file_of(&peer, 1, &handle);
	expect_end(&peer, clock_now_ns(), true);
}

/* A request that comes in pieces is no idleness, however long it takes. */
Test(limits, a_slow_sender_is_not_idle)
{
	struct connection connection = scratch_connection();
	struct packet stream = {.len = 0};
	struct peer peer;

	connection.policy.idle_timeout_ns = brief;
	connect_with(&connection);
	start(&peer);
	peer_add(&stream, SFTP_MKDIR, 7, "su", "directory", 0700u);
	for (size_t i = 0; i < stream.len; i++) {
		peer_send(&peer, stream.bytes + i, 1);
		clock_sleep_ns(brief / 6);
	}
	cr_expect(peer_replied_code(&peer, 7, SFTP_OK));
	finish(&peer);
}

/* Neither is taking what was asked for: the reply fills the pipe, all of it has been sent, and no request
 * follows. */
Test(limits, a_slow_receiver_is_not_idle)
{
	enum { LEN = 60000, STEPS = 30 };
	struct connection connection = scratch_connection();
	struct peer_handle handle;
	uint8_t bytes[(LEN + 13) / STEPS + 1];
	struct peer peer;
	size_t taken = 0;

	connection.policy.idle_timeout_ns = brief;
	connect_with(&connection);
	start(&peer);
	open_file_of(&peer, 1, &handle);
	cr_assert_eq(truncate("f", LEN), 0);
	peer_request(
	    &peer, SFTP_READ, 2, "xqu", PEER_HANDLE(handle), UINT64_C(0), (unsigned int)LEN);
	while (taken < LEN + 13) {
		size_t want = LEN + 13 - taken < sizeof(bytes) ? LEN + 13 - taken : sizeof(bytes);
		ssize_t got = read(peer.from, bytes, want);

		cr_assert_gt(got, 0);
		taken += (size_t)got;
		clock_sleep_ns(brief / 10);
	}
	peer_request(&peer, SFTP_CLOSE, 3, "x", PEER_HANDLE(handle));
	cr_expect(peer_replied_code(&peer, 3, SFTP_OK));
	finish(&peer);
}

/* One that takes nothing any more is. */
Test(limits, a_stuck_receiver_is_idle)
{
	struct connection connection = scratch_connection();
	struct packet stream = {.len = 0};
	struct peer_handle handle;
	struct peer peer;
	int status;

	connection.policy.idle_timeout_ns = brief;
	connect_with(&connection);
	start(&peer);
	open_file_of(&peer, 1, &handle);
	cr_assert_eq(truncate("f", 8000000), 0);
	for (uint32_t i = 0; i < 40; i++)
		peer_add(&stream, SFTP_READ, i, "xqu", PEER_HANDLE(handle), (uint64_t)i * 200000,
		    200000u);
	peer_send(&peer, stream.bytes, stream.len);
	/* Replies that nobody takes are given up five seconds after the end has begun. */
	cr_expect_eq(waitpid(peer.pid, &status, 0), peer.pid);
	cr_expect_eq(status, 0);
	cr_expect(peer.result->engine.forced);
}

/* However busy it is. */
Test(limits, session_timeout)
{
	struct connection connection = scratch_connection();
	uint64_t began = clock_now_ns();
	struct peer peer;

	connection.policy.session_timeout_ns = brief;
	connection.policy.idle_timeout_ns = hour;
	connect_with(&connection);
	start(&peer);
	while (clock_now_ns() < began + brief / 2) {
		expect_admitted(&peer);
		clock_sleep_ns(brief / 20);
	}
	expect_end(&peer, began + brief, true);
}

Test(limits, max_sessions_over_all_connections_of_the_user)
{
	struct connection connection = scratch_connection();
	struct peer first, second, third;
	int status;

	connection.policy.max_sessions = 2;
	connect_with(&connection);
	start(&first);
	start(&second);
	connect_with(&connection);
	start(&third);
	expect_refused(&third, "too many sessions of this user");
	/* The kernel gives back what the dead had; who leaves gives back his own. */
	cr_assert_eq(kill(first.pid, SIGKILL), 0);
	cr_assert_eq(waitpid(first.pid, &status, 0), first.pid);
	start(&third);
	expect_admitted(&third);
	finish(&third);
	start(&third);
	expect_admitted(&third);
	finish(&third);
	finish(&second);
}

Test(limits, max_sessions_per_connection)
{
	struct connection connection = scratch_connection();
	struct peer first, second, third, other;
	int status;

	connection.policy.max_sessions_per_connection = 2;
	connect_with(&connection);
	start(&first);
	start(&second);
	start(&third);
	expect_refused(&third, "this connection has too many sessions");
	cr_assert_eq(kill(second.pid, SIGKILL), 0);
	cr_assert_eq(waitpid(second.pid, &status, 0), second.pid);
	start(&third);
	expect_admitted(&third);
	connect_with(&connection);
	start(&other);
	expect_admitted(&other);
	finish(&other);
	finish(&third);
	finish(&first);
}

/* A limit that cannot be counted is told to the operator and keeps nobody out. */
Test(limits, sessions_that_cannot_be_counted)
{
	struct connection connection = scratch_connection();
	struct peer peer;
	char path[128];

	connection.policy.max_sessions = 1;
	connect_with(&connection);
	snprintf(path, sizeof(path), "%s-%lu", scratch_shmdir, (unsigned long)geteuid());
	cr_assert_eq(mkdir(path, 0755), 0);
	cr_assert_eq(chmod(path, 0777), 0);
	start(&peer);
	expect_admitted(&peer);
	finish(&peer);
}

/* What the policy is of a session that is not registered stands in the file. */
static void configure(const char *text)
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/conf", scratch_dir);
	file = fopen(path, "we");
	cr_assert_not_null(file);
	fputs(text, file);
	cr_assert_eq(fclose(file), 0);
	options.config = path;
}

Test(limits, required_means_never_alone)
{
	struct peer peer;

	configure("default = { required = true; };\n");
	start(&peer);
	expect_refused(&peer, "this server cannot register the session");
	configure("default = { required = false; };\n");
	start(&peer);
	expect_admitted(&peer);
	finish(&peer);
}

Test(limits, required_of_a_registered_session)
{
	struct connection connection = scratch_connection();
	struct peer peer;

	connection.policy.required = 1;
	connect_with(&connection);
	start(&peer);
	expect_admitted(&peer);
	finish(&peer);
	/* Its members file is gone, and it is not below an sshd either. */
	setenv("SFTP_DRAIN_CONNECTION", "7.7", 1);
	configure("default = { required = true; };\n");
	start(&peer);
	expect_refused(&peer, "this server cannot register the session");
}
