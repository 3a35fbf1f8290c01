/* unit tests: orders to drain, given in a real table, and what a session does about them.  The test
 * is the connection's monitor, the child that serves its only session. */
#include "codec/sftp.h"

#include "peer.h"
#include "serving.h"
#include "table/members_file.h"
#include "table/members_read.h"
#include "table/table.h"
#include "table_scratch.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t hour = 3600 * NS_PER_S;

static struct table table;
static struct connection_ref ref;
static struct peer peer;
static struct options options;

static void set_up(void)
{
	scratch_begin();
	scratch_enter();
	options = peer_options();
	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
}

static void tear_down(void)
{
	table_close(&table);
	scratch_leave();
	scratch_end();
}

TestSuite(drain_order, .init = set_up, .fini = tear_down, .timeout = 120);

/* The connection, registered with a policy that leaves time out of the tests. */
static struct connection describe(void)
{
	struct connection connection = scratch_connection();

	connection.policy.linger_ns = 0;
	connection.policy.deadline_ns = hour;
	return connection;
}

static void enter(const struct connection *connection)
{
	char text[CONNECTION_REF_TEXT_MAX];

	cr_assert_eq(table_claim(&table, scratch_shmdir, connection, &ref), 0);
	cr_assert_eq(members_create(scratch_shmdir, ref, geteuid(), getegid()), 0);
	cr_assert_eq(table_publish(&table, ref), 0);
	setenv("SFTP_DRAIN_CONNECTION", connection_ref_format(ref, text), 1);
}

static void start(const struct connection *connection)
{
	enter(connection);
	peer_start(&peer, PEER_PIPES, &options);
	peer_init(&peer);
}

static struct order_target target_of(enum order_scope scope)
{
	return (struct order_target){
	    .scope = scope, .uid = getuid(), .user = "tester", .connection = ref};
}

static void order(enum order_scope scope, enum policy_drain drain, const char *message)
{
	const struct order_target target = target_of(scope);
	const struct order_change change = {.drain = drain, .message = message};

	cr_assert_eq(table_order(&table, &target, &change), 0);
}

static void wake(void)
{
	cr_assert_eq(kill(peer.pid, SIGURG), 0);
}

static struct peer_handle open_handle(uint32_t id, const char *name)
{
	peer_request(&peer, SFTP_OPEN, id, "suu", name,
	    SFTP_FLAG_READ | SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	return peer_take_handle(&peer, id);
}

static bool replied_draining(uint32_t id, const char *text)
{
	return peer_replied(&peer, SFTP_STATUS, id, "uss", (unsigned int)SFTP_FAILURE, text, "");
}

static void expect_end(bool forced)
{
	struct peer_result result;

	cr_expect(peer_ended(&peer));
	result = peer_finish(&peer);
	cr_expect_eq(result.engine.status, 0);
	cr_expect_eq(result.engine.forced, forced);
}

static void transfer(enum order_scope scope)
{
	struct connection connection = describe();
	struct peer_handle one, two;

	start(&connection);
	one = open_handle(1, "one.part");
	two = open_handle(2, "two");
	order(scope, POLICY_DRAIN_TRANSFER, "back at noon");
	/* Nothing new. */
	peer_request(&peer, SFTP_OPEN, 3, "suu", "three", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	cr_expect(replied_draining(3, "server is draining: back at noon"));
	peer_request(&peer, SFTP_OPENDIR, 4, "s", ".");
	cr_expect(replied_draining(4, "server is draining: back at noon"));
	cr_expect_not(scratch_exists("three"));
	/* What is open goes on, and so does all that finishes it. */
	peer_request(&peer, SFTP_WRITE, 5, "xqs", PEER_HANDLE(one), UINT64_C(0), "content");
	cr_expect(peer_replied_code(&peer, 5, SFTP_OK));
	peer_request(&peer, SFTP_READ, 6, "xqu", PEER_HANDLE(one), UINT64_C(3), 9u);
	cr_expect(peer_replied(&peer, SFTP_DATA, 6, "s", "tent"));
	peer_request(
	    &peer, SFTP_FSETSTAT, 7, "xuu", PEER_HANDLE(one), SFTP_ATTR_PERMISSIONS, 0600u);
	cr_expect(peer_replied_code(&peer, 7, SFTP_OK));
	peer_request(&peer, SFTP_EXTENDED, 8, "sx", "fsync@openssh.com", PEER_HANDLE(one));
	cr_expect(peer_replied_code(&peer, 8, SFTP_OK));
	peer_request(&peer, SFTP_CLOSE, 9, "x", PEER_HANDLE(one));
	cr_expect(peer_replied_code(&peer, 9, SFTP_OK));
	peer_request(&peer, SFTP_RENAME, 10, "ss", "one.part", "one");
	cr_expect(peer_replied_code(&peer, 10, SFTP_OK));
	cr_expect_str_eq(scratch_read("one"), "content");
	/* The last handle's CLOSE is answered, and then it ends. */
	peer_request(&peer, SFTP_CLOSE, 11, "x", PEER_HANDLE(two));
	cr_expect(peer_replied_code(&peer, 11, SFTP_OK));
	expect_end(false);
}

Test(drain_order, transfer_of_the_connection)
{
	transfer(SCOPE_CONNECTION);
}

Test(drain_order, transfer_of_the_user)
{
	transfer(SCOPE_USER);
}

Test(drain_order, transfer_of_the_host)
{
	transfer(SCOPE_HOST);
}

Test(drain_order, what_the_policy_says)
{
	struct connection connection = describe();

	connection.policy.drain = POLICY_DRAIN_NOW;
	start(&connection);
	(void)open_handle(1, "f");
	order(SCOPE_HOST, POLICY_DRAIN_UNSET, NULL);
	wake();
	expect_end(true);
}

Test(drain_order, an_idle_session_ends_promptly)
{
	struct connection connection = describe();

	start(&connection);
	order(SCOPE_CONNECTION, POLICY_DRAIN_TRANSFER, NULL);
	wake();
	expect_end(false);
}

/* What comes right behind the last CLOSE is answered while linger passes. */
Test(drain_order, lingers)
{
	struct connection connection = describe();
	struct peer_handle handle;

	connection.policy.linger_ns = hour;
	start(&connection);
	handle = open_handle(1, "f.part");
	order(SCOPE_CONNECTION, POLICY_DRAIN_TRANSFER, NULL);
	wake();
	peer_request(&peer, SFTP_CLOSE, 2, "x", PEER_HANDLE(handle));
	cr_expect(peer_replied_code(&peer, 2, SFTP_OK));
	peer_request(&peer, SFTP_RENAME, 3, "ss", "f.part", "f");
	cr_expect(peer_replied_code(&peer, 3, SFTP_OK));
	peer_request(&peer, SFTP_OPEN, 4, "suu", "g", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT, 0u);
	cr_expect(replied_draining(4, "server is draining"));
	peer_close_to(&peer);
	expect_end(false);
}

Test(drain_order, now_carries_out_what_was_received)
{
	struct connection connection = describe();
	struct peer_handle handle;
	struct packet stream = {.len = 0};

	start(&connection);
	handle = open_handle(1, "f");
	peer_stop(&peer);
	for (uint32_t i = 0; i < 100; i++)
		peer_add(&stream, SFTP_WRITE, i, "xqs", PEER_HANDLE(handle), (uint64_t)i, "x");
	peer_add(&stream, SFTP_CLOSE, 100, "x", PEER_HANDLE(handle));
	peer_send(&peer, stream.bytes, stream.len);
	order(SCOPE_CONNECTION, POLICY_DRAIN_NOW, NULL);
	wake();
	peer_continue(&peer);
	for (uint32_t i = 0; i <= 100; i++)
		cr_assert(peer_replied_code(&peer, i, SFTP_OK));
	/* Not cut short: the CLOSE was on its way. */
	expect_end(false);
	cr_expect_eq(scratch_lstat("f").st_size, 100);
}

Test(drain_order, now_with_nothing_open)
{
	struct connection connection = describe();

	start(&connection);
	order(SCOPE_HOST, POLICY_DRAIN_NOW, NULL);
	wake();
	expect_end(false);
}

Test(drain_order, session_goes_on_until_the_client_ends_it)
{
	struct connection connection = describe();

	start(&connection);
	order(SCOPE_HOST, POLICY_DRAIN_SESSION, "soon");
	wake();
	(void)open_handle(1, "f");
	peer_request(&peer, SFTP_OPENDIR, 2, "s", ".");
	(void)peer_take_handle(&peer, 2);
	peer_close_to(&peer);
	expect_end(false);
}

Test(drain_order, deadline)
{
	static const enum policy_drain drains[] = {POLICY_DRAIN_SESSION, POLICY_DRAIN_TRANSFER};
	struct connection connection = describe();

	for (size_t i = 0; i < 2; i++) {
		struct order_target target = {.scope = SCOPE_CONNECTION};
		struct order_change change = {.drain = drains[i], .set_deadline = true};

		start(&connection);
		(void)open_handle(1, "f");
		target = target_of(SCOPE_CONNECTION);
		change.deadline_ns = 50 * NS_PER_MS;
		cr_assert_eq(table_order(&table, &target, &change), 0);
		wake();
		expect_end(true);
	}
}

/* Root's SIGTERM comes to one that was stopped at its deadline: that is an end at the deadline still. */
Test(drain_order, deadline_of_one_that_was_stopped)
{
	struct connection connection = describe();
	struct order_target target;
	struct order_change change = {.drain = POLICY_DRAIN_SESSION, .set_deadline = true};

	start(&connection);
	target = target_of(SCOPE_CONNECTION);
	peer_stop(&peer);
	change.deadline_ns = 1;
	cr_assert_eq(table_order(&table, &target, &change), 0);
	cr_assert_eq(kill(peer.pid, SIGTERM), 0);
	peer_continue(&peer);
	expect_end(true);
}

Test(drain_order, reopen)
{
	struct connection connection = describe();
	struct order_target target;
	struct peer_handle handle;

	start(&connection);
	handle = open_handle(1, "f");
	order(SCOPE_USER, POLICY_DRAIN_TRANSFER, NULL);
	peer_request(&peer, SFTP_OPENDIR, 2, "s", ".");
	cr_expect(replied_draining(2, "server is draining"));
	target = target_of(SCOPE_USER);
	cr_assert_eq(table_reopen(&table, &target), 0);
	peer_request(&peer, SFTP_OPENDIR, 3, "s", ".");
	(void)peer_take_handle(&peer, 3);
	peer_request(&peer, SFTP_CLOSE, 4, "x", PEER_HANDLE(handle));
	cr_expect(peer_replied_code(&peer, 4, SFTP_OK));
	(void)open_handle(5, "g");
	peer_close_to(&peer);
	expect_end(false);
}

Test(drain_order, a_newcomer_is_told_and_sent_away)
{
	static const enum policy_drain drains[] = {
	    POLICY_DRAIN_SESSION, POLICY_DRAIN_TRANSFER, POLICY_DRAIN_NOW};
	struct connection connection = describe();

	for (size_t i = 0; i < 3; i++) {
		struct peer_result result;

		order(SCOPE_HOST, drains[i], "come back");
		start(&connection);
		peer_request(&peer, SFTP_MKDIR, 1, "su", "d", 0u);
		cr_expect(replied_draining(1, "server is draining: come back"));
		cr_expect(peer_ended(&peer));
		result = peer_finish(&peer);
		cr_expect(result.refused);
		cr_expect_eq(result.engine.status, 0);
		cr_expect_not(result.engine.forced);
		cr_expect_not(scratch_exists("d"));
	}
}

Test(drain_order, a_policy_may_admit_newcomers)
{
	struct connection connection = describe();

	connection.policy.while_draining = POLICY_ADMIT;
	order(SCOPE_HOST, POLICY_DRAIN_TRANSFER, NULL);
	connection.opened_ns = clock_now_ns();
	start(&connection);
	(void)open_handle(1, "f");
	/* An order on the connection itself is for it all the same. */
	order(SCOPE_CONNECTION, POLICY_DRAIN_NOW, NULL);
	wake();
	expect_end(true);
}

/* Newcomers only: an order that finds the session there is for it. */
Test(drain_order, a_policy_that_admits_newcomers_keeps_nobody)
{
	struct connection connection = describe();

	connection.policy.while_draining = POLICY_ADMIT;
	start(&connection);
	order(SCOPE_HOST, POLICY_DRAIN_TRANSFER, NULL);
	wake();
	expect_end(false);
}

/* Newcomers are connections: a session that comes to one which the order found there is refused. */
Test(drain_order, a_policy_that_admits_newcomers_admits_none_to_an_old_connection)
{
	struct connection connection = describe();

	connection.policy.while_draining = POLICY_ADMIT;
	enter(&connection);
	order(SCOPE_HOST, POLICY_DRAIN_TRANSFER, "come back");
	peer_start(&peer, PEER_PIPES, &options);
	peer_init(&peer);
	peer_request(&peer, SFTP_MKDIR, 1, "su", "d", 0u);
	cr_expect(replied_draining(1, "server is draining: come back"));
	cr_expect(peer_ended(&peer));
	cr_expect(peer_finish(&peer).refused);
}

/* Another session of the connection, which comes and goes. */
static void visit(enum member_end end)
{
	struct membership other;

	cr_assert_eq(members_open(scratch_shmdir, ref, &other), 0);
	cr_assert_eq(members_join(&other), 0);
	cr_expect_eq(members_leave(&other, end), LEFT_OTHERS);
	members_close(&other);
}

/* close = "first": the end of the first session drains the others, as the policy says. */
Test(drain_order, the_first_session_ends)
{
	struct connection connection = describe();
	struct peer_handle handle;

	connection.policy.close = POLICY_CLOSE_FIRST;
	start(&connection);
	handle = open_handle(1, "f");
	visit(END_REFUSED);
	wake();
	peer_request(&peer, SFTP_OPENDIR, 2, "s", ".");
	(void)peer_take_handle(&peer, 2);
	visit(END_CLEAN);
	wake();
	peer_request(&peer, SFTP_OPENDIR, 3, "s", ".");
	cr_expect(replied_draining(
	    3, "server is draining: this connection closes after its first session"));
	peer_request(&peer, SFTP_WRITE, 4, "xqs", PEER_HANDLE(handle), UINT64_C(0), "content");
	cr_expect(peer_replied_code(&peer, 4, SFTP_OK));
	peer_close_to(&peer);
	expect_end(false);
}

Test(drain_order, the_first_session_ends_and_the_deadline_passes)
{
	struct connection connection = describe();

	connection.policy.close = POLICY_CLOSE_FIRST;
	connection.policy.deadline_ns = 50 * NS_PER_MS;
	start(&connection);
	(void)open_handle(1, "f");
	visit(END_CLEAN);
	wake();
	expect_end(true);
}

/* With another policy an end is nothing to the others. */
Test(drain_order, a_session_ends)
{
	struct connection connection = describe();

	start(&connection);
	visit(END_CLEAN);
	wake();
	(void)open_handle(1, "f");
	peer_close_to(&peer);
	expect_end(false);
}

Test(drain_order, sshd_closes_the_connection)
{
	struct connection connection = describe();

	start(&connection);
	(void)open_handle(1, "f");
	cr_assert_eq(table_begin_closing(&table, ref), 0);
	wake();
	expect_end(false);
}

/* What the table shows of the session, as root reads it. */
static struct member read_member(void)
{
	struct connection connection;
	struct members_reader reader;
	struct member member;

	cr_assert_eq(table_find_connection(&table, ref, &connection), 0);
	cr_assert_eq(members_reader_open(scratch_shmdir, &connection, &reader), 0);
	cr_assert_eq(members_next(&reader, &member), 1);
	members_reader_close(&reader);
	return member;
}

Test(drain_order, what_moves_is_shown)
{
	struct connection connection = describe();
	char path[PATH_MAX];
	struct peer_handle handle;
	struct member member;

	start(&connection);
	handle = open_handle(1, "f");
	snprintf(path, sizeof(path), "%s/f", scratch_path);
	peer_request(&peer, SFTP_WRITE, 2, "xqs", PEER_HANDLE(handle), UINT64_C(100), "content");
	cr_expect(peer_replied_code(&peer, 2, SFTP_OK));
	/* A WRITE that fails moves nothing. */
	peer_request(&peer, SFTP_WRITE, 3, "xqs", PEER_HANDLE(handle), UINT64_MAX - 1, "x");
	cr_expect(peer_replied_code(&peer, 3, SFTP_BAD_MESSAGE));
	peer_request(&peer, SFTP_READ, 4, "xqu", PEER_HANDLE(handle), UINT64_C(0), 50u);
	(void)peer_replied_code(&peer, 4, SFTP_OK);
	member = read_member();
	cr_expect_eq(member.id.pid, peer.pid);
	cr_expect_eq(member.state, MEMBER_ACTIVE);
	cr_expect_eq(member.written_bytes, 7);
	cr_expect_eq(member.read_bytes, 50);
	cr_assert_eq(member.file_count, 1);
	cr_expect_eq(member.files[0].direction, FILE_BOTH);
	cr_expect_eq(member.files[0].offset, 107);
	cr_expect_eq(member.files[0].size, 107);
	cr_expect_str_eq(member.files[0].path, path);
	peer_request(&peer, SFTP_CLOSE, 5, "x", PEER_HANDLE(handle));
	cr_expect(peer_replied_code(&peer, 5, SFTP_OK));
	cr_expect_eq(read_member().file_count, 0);
	peer_close_to(&peer);
	expect_end(false);
}

/* The size of a file that one request moves is not asked for. */
Test(drain_order, sizes_are_shown_once_there_is_more_to_move)
{
	struct connection connection = describe();
	struct peer_handle one, two;
	struct member member;

	start(&connection);
	scratch_write("one", "0123456789");
	scratch_write("two", "0123456789abcdef");
	one = open_handle(1, "one");
	two = open_handle(2, "two");
	peer_request(&peer, SFTP_READ, 3, "xqu", PEER_HANDLE(one), UINT64_C(0), 4u);
	cr_expect(peer_replied(&peer, SFTP_DATA, 3, "s", "0123"));
	peer_request(&peer, SFTP_READ, 4, "xqu", PEER_HANDLE(two), UINT64_C(4), 4u);
	cr_expect(peer_replied(&peer, SFTP_DATA, 4, "s", "4567"));
	member = read_member();
	cr_assert_eq(member.file_count, 2);
	cr_expect_eq(member.files[0].offset, 4);
	cr_expect_eq(member.files[0].size, 0);
	cr_expect_eq(member.files[1].offset, 8);
	cr_expect_eq(member.files[1].size, 16);
	peer_request(&peer, SFTP_READ, 5, "xqu", PEER_HANDLE(one), UINT64_C(4), 4u);
	cr_expect(peer_replied(&peer, SFTP_DATA, 5, "s", "4567"));
	cr_expect_eq(read_member().files[0].size, 10);
	/* A place in the row that is used again knows nothing of the file before. */
	peer_request(&peer, SFTP_CLOSE, 6, "x", PEER_HANDLE(one));
	cr_expect(peer_replied_code(&peer, 6, SFTP_OK));
	scratch_write("three", "0");
	one = open_handle(7, "three");
	cr_expect_eq(read_member().files[0].size, 0);
	peer_request(&peer, SFTP_WRITE, 8, "xqs", PEER_HANDLE(one), UINT64_C(1), "1");
	cr_expect(peer_replied_code(&peer, 8, SFTP_OK));
	cr_expect_eq(read_member().files[0].size, 2);
	peer_close_to(&peer);
	expect_end(false);
}
