/* Tests of the room table: orders: combining, giving, taking back, and writers that die. */
#include "table/lock.h"
#include "table/table.h"
#include "table_scratch.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(orders, .init = scratch_begin, .fini = scratch_end, .timeout = 60);

static const struct order_target host = {.scope = SCOPE_HOST};
static const struct policy policy = {
    .drain = POLICY_DRAIN_TRANSFER, .deadline_ns = 300, .linger_ns = 2};

static struct drain_plan combine(const struct order *orders, size_t count)
{
	struct drain_plan plan = {.drain = POLICY_DRAIN_UNSET};

	for (size_t i = 0; i < count; i++)
		order_add_to_plan(&orders[i], (enum order_scope)i, &policy, &plan);
	return plan;
}

Test(orders, none_is_no_plan)
{
	const struct order orders[] = {
	    {.drain = POLICY_DRAIN_NOW, .deadline_ns = 1}, {.active = 0}};

	cr_expect_eq(combine(orders, 2).drain, POLICY_DRAIN_UNSET);
}

Test(orders, what_an_order_leaves_open_is_the_policys)
{
	const struct order order = {.active = 1, .issued_ns = 1000};
	struct drain_plan plan = combine(&order, 1);

	cr_expect_eq(plan.drain, POLICY_DRAIN_TRANSFER);
	cr_expect_eq(plan.deadline_ns, 1300);
	cr_expect_eq(plan.issued_ns[SCOPE_HOST], 1000);
	cr_expect_eq(plan.issued_ns[SCOPE_USER], 0);
}

Test(orders, strongest_drain_and_earliest_deadline_win)
{
	const struct order orders[] = {
	    {.active = 1, .drain = POLICY_DRAIN_NOW, .issued_ns = 1, .deadline_ns = 900},
	    {.active = 1,
		.drain = POLICY_DRAIN_SESSION,
		.issued_ns = 2,
		.deadline_ns = 500,
		.message = "second"},
	    {.active = 1, .issued_ns = 400, .message = "third"},
	};

	for (int turn = 0; turn < 2; turn++) {
		struct order order[3] = {
		    orders[turn == 0 ? 0 : 2], orders[1], orders[turn == 0 ? 2 : 0]};
		struct drain_plan plan = combine(order, 3);

		cr_expect_eq(plan.drain, POLICY_DRAIN_NOW);
		cr_expect_eq(plan.deadline_ns, 500);
		cr_expect_str_eq(plan.message, turn == 0 ? "second" : "third");
	}
}

Test(orders, nonsense_is_made_harmless)
{
	struct order order = {.active = 1, .drain = 77};

	memset(order.message, 'x', sizeof(order.message));
	order_sanitize(&order);
	cr_expect_eq(order.drain, POLICY_DRAIN_NOW);
	cr_expect_eq(strlen(order.message), ORDER_MESSAGE_MAX - 1);
}

Test(orders, given_changed_and_taken_back)
{
	struct order_change change = {.drain = POLICY_DRAIN_SESSION, .message = "reboot at noon"};
	struct order first, second;
	struct table table;
	uint64_t epoch;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	epoch = table_order_epoch(&table);
	cr_assert_eq(table_read_order(&table, &host, &first, NULL), 0);
	cr_expect(!first.active);
	cr_assert_eq(table_order(&table, &host, &change), 0);
	cr_expect_neq(table_order_epoch(&table), epoch);
	cr_expect_eq(table_order_epoch(&table) & ORDER_EPOCH_MARK, 0);
	cr_assert_eq(table_read_order(&table, &host, &first, NULL), 0);
	cr_expect(first.active);
	cr_expect_eq(first.drain, POLICY_DRAIN_SESSION);
	cr_expect_eq(first.deadline_ns, 0);
	cr_expect_str_eq(first.message, "reboot at noon");
	/* Once more with nothing new: the same order. */
	change = (struct order_change){.drain = POLICY_DRAIN_UNSET};
	cr_assert_eq(table_order(&table, &host, &change), 0);
	cr_assert_eq(table_read_order(&table, &host, &second, NULL), 0);
	cr_expect_eq(memcmp(&first, &second, sizeof(first)), 0);
	change = (struct order_change){
	    .drain = POLICY_DRAIN_NOW, .set_deadline = true, .deadline_ns = NS_PER_S};
	cr_assert_eq(table_order(&table, &host, &change), 0);
	cr_assert_eq(table_read_order(&table, &host, &second, NULL), 0);
	cr_expect_eq(second.issued_ns, first.issued_ns);
	cr_expect_gt(second.deadline_ns, first.issued_ns);
	cr_expect_eq(second.drain, POLICY_DRAIN_NOW);
	cr_expect_str_eq(second.message, "reboot at noon");
	cr_assert_eq(table_reopen(&table, &host), 0);
	cr_assert_eq(table_reopen(&table, &host), 0);
	cr_assert_eq(table_read_order(&table, &host, &second, NULL), 0);
	cr_expect(!second.active);
	table_close(&table);
}

static struct order_target user_target(uid_t uid)
{
	return (struct order_target){.scope = SCOPE_USER, .uid = uid, .user = "somebody"};
}

Test(orders, of_users_keep_apart)
{
	struct order_target a = user_target(1000), b = user_target(1001);
	const struct order_change change = {.message = "a"};
	char name[USER_NAME_MAX];
	struct table table;
	struct order order;
	uid_t uid;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	cr_assert_eq(table_reopen(&table, &a), 0, "nothing to take back is no error");
	cr_assert_eq(table_order(&table, &a, &change), 0);
	cr_assert_eq(table_read_order(&table, &b, &order, NULL), 0);
	cr_expect(!order.active);
	cr_assert_eq(table_read_order(&table, &a, &order, NULL), 0);
	cr_expect(order.active);
	cr_assert_eq(table_read_user_order(&table, 0, &order, &uid, name), 0);
	cr_expect_eq(uid, 1000);
	cr_expect_str_eq(name, "somebody");
	cr_expect_eq(table_read_user_order(&table, 1, &order, &uid, name), -ENOENT);
	cr_expect_eq(table_read_user_order(&table, TABLE_USERS, &order, &uid, name), -ENOENT);
	cr_assert_eq(table_reopen(&table, &a), 0);
	cr_assert_eq(table_read_order(&table, &a, &order, NULL), 0);
	cr_expect(!order.active);
	table_close(&table);
}

Test(orders, places_for_users_run_out_and_come_back)
{
	const struct order_change change = {.drain = POLICY_DRAIN_UNSET};
	struct order_target one;
	struct table table;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	for (uid_t uid = 0; uid < TABLE_USERS; uid++) {
		one = user_target(uid);
		cr_assert_eq(table_order(&table, &one, &change), 0);
	}
	one = user_target(5000);
	cr_expect_eq(table_order(&table, &one, &change), -ENOSPC);
	one = user_target(17);
	cr_assert_eq(table_order(&table, &one, &change), 0, "a change needs no new place");
	cr_assert_eq(table_reopen(&table, &one), 0);
	one = user_target(5000);
	cr_expect_eq(table_order(&table, &one, &change), 0);
	table_close(&table);
}

Test(orders, of_a_connection_do_not_reach_its_successor)
{
	struct connection described = scratch_connection(), seen;
	struct order_target target = {.scope = SCOPE_CONNECTION};
	const struct order_change change = {.message = "go"};
	struct connection_ref next;
	struct table table;
	struct order order;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	cr_expect_eq(table_order(&table, &target, &change), -ENOENT);
	target.connection = scratch_register(&table);
	cr_assert_eq(table_order(&table, &target, &change), 0);
	cr_assert_eq(table_find_connection(&table, target.connection, &seen), 0);
	cr_expect(seen.order.active);
	cr_assert_eq(table_release(&table, target.connection), 0);
	cr_expect_eq(table_order(&table, &target, &change), -ENOENT);
	cr_expect_eq(table_reopen(&table, &target), -ENOENT);
	/* As if the order had been on its way when the entry changed hands. */
	atomic_store(&table.header->claim_hint, target.connection.slot);
	cr_assert_eq(table_claim(&table, scratch_shmdir, &described, &next), 0);
	cr_assert_eq(next.slot, target.connection.slot);
	cr_assert_eq(table_publish(&table, next), 0);
	order = (struct order){.active = 1, .generation = target.connection.generation};
	order_write(&table.entries[next.slot].order, &order);
	cr_assert_eq(table_find_connection(&table, next, &seen), 0);
	cr_expect(!seen.order.active);
	target.connection = next;
	cr_assert_eq(table_read_order(&table, &target, &order, NULL), 0);
	cr_expect(!order.active);
	table_close(&table);
}

Test(orders, tallies_start_with_the_order)
{
	struct order_target user = user_target(geteuid()), other = user_target(geteuid() + 1);
	const struct order_change change = {.drain = POLICY_DRAIN_UNSET};
	struct order_tally tally;
	struct table table;
	struct order order;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	table_count_ended(&table, &host, 7, 7);
	cr_assert_eq(table_order(&table, &host, &change), 0);
	cr_assert_eq(table_order(&table, &user, &change), 0);
	table_count_ended(&table, &host, 12, 1);
	table_count_ended(&table, &user, 2, 1);
	table_count_ended(&table, &other, 10, 0);
	cr_assert_eq(table_order(&table, &host, &change), 0, "the same order: the tally stays");
	cr_assert_eq(table_read_order(&table, &host, &order, &tally), 0);
	cr_expect_eq(tally.clean, 12);
	cr_expect_eq(tally.forced, 1);
	cr_assert_eq(table_read_order(&table, &user, &order, &tally), 0);
	cr_expect_eq(tally.clean, 2);
	cr_expect_eq(tally.forced, 1);
	table_close(&table);
}

/* Gives orders that a reader can check: as many letters, all the same, as the drain's number says. */
static void write_for_ever(struct table *table)
{
	for (unsigned int i = 0;; i++) {
		struct order_change change = {.drain = 1 + i % 3, .set_deadline = true};
		char message[ORDER_MESSAGE_MAX];

		memset(message, (char)('a' + i % 26), sizeof(message) - 1);
		message[sizeof(message) - 1] = '\0';
		change.message = message;
		change.deadline_ns = i;
		(void)table_order(table, &host, &change);
		if (i % 5 == 0)
			(void)table_reopen(table, &host);
	}
}

static void check_whole(const struct order *order)
{
	size_t len = strlen(order->message);

	if (!order->active)
		return;
	cr_assert_eq(len, ORDER_MESSAGE_MAX - 1);
	cr_assert_eq(strspn(order->message, (char[]){order->message[0], '\0'}), len, "torn: %s",
	    order->message);
}

/* Two writers, with a table of their own each, for the lock goes with the
 * description. */
static void start_writers(pid_t pids[2])
{
	for (int i = 0; i < 2; i++) {
		struct table table;

		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		if (table_open(scratch_rundir, true, &table) == 0)
			write_for_ever(&table);
		_exit(1);
	}
}

static void kill_writers(const pid_t pids[2])
{
	for (int i = 0; i < 2; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < 2; i++)
		waitpid(pids[i], NULL, 0);
}

/* G7: a writer may die at any instruction; readers go on, and the next writer too. */
Test(orders, writers_may_die)
{
	struct table table;
	unsigned long reads = 0, active = 0;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	for (int round = 0; round < 60; round++) {
		struct order_change change = {.drain = POLICY_DRAIN_NOW};
		uint64_t start = clock_now_ns();
		struct order order;
		pid_t pids[2];

		start_writers(pids);
		while (clock_now_ns() - start < (uint64_t)(1 + round % 7) * NS_PER_MS) {
			if (table_read_order(&table, &host, &order, NULL) == 0) {
				check_whole(&order);
				active += order.active;
				reads++;
			}
		}
		kill_writers(pids);
		cr_assert_eq(table_read_order(&table, &host, &order, NULL), 0);
		check_whole(&order);
		cr_assert_eq(table_reopen(&table, &host), 0);
		cr_assert_eq(table_order(&table, &host, &change), 0);
		cr_assert_eq(table_read_order(&table, &host, &order, NULL), 0);
		cr_assert_eq(order.message[0], '\0');
		cr_assert_eq(table_reopen(&table, &host), 0);
	}
	cr_expect_gt(active, 0);
	cr_expect_gt(reads, active);
	table_close(&table);
}

Test(orders, a_stopped_writer_is_told_of)
{
	const struct order_change change = {.drain = POLICY_DRAIN_UNSET};
	struct table table, other;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	cr_assert_eq(table_open(scratch_rundir, true, &other), 0);
	cr_assert_eq(lock_try(other.lock_fd, LOCK_WRITERS, LOCK_EXCLUSIVE), 0);
	cr_expect_eq(table_order(&table, &host, &change), -EBUSY);
	table_close(&other);
	cr_expect_eq(table_order(&table, &host, &change), 0);
	table_close(&table);
}

/* Whoever may read a file may put a read lock on it: that must be no way to hold up orders. */
Test(orders, a_reader_of_the_table_blocks_nobody)
{
	const struct order_change change = {.drain = POLICY_DRAIN_UNSET};
	struct table table, reader;
	char lock[96];
	struct stat st;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	cr_assert_eq(table_open(scratch_rundir, false, &reader), 0);
	cr_expect_eq(reader.lock_fd, -1);
	for (off_t at = 0; at < 32; at++)
		cr_assert_eq(lock_try(reader.fd, at, LOCK_SHARED), 0);
	cr_expect_eq(table_order(&table, &host, &change), 0);
	snprintf(lock, sizeof(lock), "%s/lock", scratch_rundir);
	cr_assert_eq(stat(lock, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	table_close(&reader);
	table_close(&table);
}

Test(orders, tallies_do_not_wrap)
{
	struct order_tally tally;
	struct table table;
	struct order order;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	table_count_ended(&table, &host, 1, 5);
	table_count_ended(&table, &host, 1, UINT32_MAX - 2);
	cr_assert_eq(table_read_order(&table, &host, &order, &tally), 0);
	cr_expect_eq(tally.clean, 2);
	cr_expect_eq(tally.forced, UINT32_MAX);
	table_close(&table);
}
