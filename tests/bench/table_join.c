/* bench: what joining and leaving a connection costs a session, as session.c does it: the table mapped, the
 * connection found, the members file opened and joined, the orders read; and all of it undone. */
#include "table.h"

#include "table/members.h"
#include "util/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 100
#define CYCLES 2000
#define CYCLES_CROWD 200
#define OTHERS 4000
#define SIBLINGS (MEMBERS_ROWS - 1)
#define USERS 255

static int read_orders(const struct table *table, struct connection_ref ref, uid_t uid)
{
	struct order_target target = {.scope = SCOPE_HOST, .uid = uid, .connection = ref};
	struct order order;
	int rc = table_read_order(table, &target, &order, NULL);

	target.scope = SCOPE_USER;
	if (rc == 0)
		rc = table_read_order(table, &target, &order, NULL);
	target.scope = SCOPE_CONNECTION;
	return rc == 0 ? table_read_order(table, &target, &order, NULL) : rc;
}

static int join_and_leave(const struct table_bench *bench, struct connection_ref ref)
{
	struct membership membership;
	struct connection connection;
	struct table table;
	int rc = table_open(bench->rundir, false, &table);

	if (rc != 0)
		return rc;
	rc = table_find_connection(&table, ref, &connection);
	if (rc == 0)
		rc = members_open(bench->shmdir, ref, &membership);
	if (rc == 0) {
		rc = members_join(&membership);
		if (rc == 0)
			rc = read_orders(&table, ref, connection.uid);
		if (rc == 0)
			(void)members_leave(&membership, END_CLEAN);
		members_close(&membership);
	}
	table_close(&table);
	return rc;
}

/* Fills took with the microseconds of each of count cycles. */
static int cycle(
    const struct table_bench *bench, struct connection_ref ref, double *took, size_t count)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++) {
		uint64_t started = clock_now_ns();

		rc = join_and_leave(bench, ref);
		took[i] = (double)(clock_now_ns() - started) / 1e3;
	}
	return rc;
}

static void add(struct table_bench *bench, enum figure_id id, double value)
{
	series_add(&bench->figures[id].series, value);
}

static int measure_alone(struct table_bench *bench, enum figure_id id, bool with_rate)
{
	static double took[CYCLES];
	size_t count = bench->quick ? CYCLES / 20 : CYCLES;
	struct connection_ref ref;
	uint64_t started;
	int rc = connection_open(bench, &ref);

	if (rc != 0)
		return rc;
	started = clock_now_ns();
	rc = cycle(bench, ref, took, count);
	if (rc == 0 && with_rate)
		add(bench, id + 1, (double)count * 1e9 / (double)(clock_now_ns() - started));
	if (rc == 0)
		add(bench, id, median_of(took, count));
	connection_close(bench, ref);
	return rc == 0 ? 0 : table_bench_fail(bench, rc, "join: %s", strerror(-rc));
}

/* Shared by the crowd. */
struct crowd {
	_Atomic int go, failed;
	size_t cycles;
	double took[PROCESSES * CYCLES_CROWD];
};

static void be_one_of_a_crowd(
    const struct table_bench *bench, struct crowd *crowd, int number, struct connection_ref ref)
{
	while (crowd->go == 0)
		clock_sleep_ns(NS_PER_MS / 10);
	if (cycle(bench, ref, crowd->took + (size_t)number * crowd->cycles, crowd->cycles) != 0)
		crowd->failed = 1;
	_exit(0);
}

static int run_crowd(struct table_bench *bench, struct crowd *crowd,
    const struct connection_ref *refs, bool share, enum figure_id id)
{
	uint64_t started;
	int count = 0;

	for (; count < PROCESSES; count++) {
		pid_t child = fork();

		if (child == 0)
			be_one_of_a_crowd(bench, crowd, count, refs[share ? 0 : count]);
		if (child < 0)
			crowd->failed = 1;
	}
	started = clock_now_ns();
	crowd->go = 1;
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	if (crowd->failed)
		return table_bench_fail(bench, -EIO, "join: a process of the crowd failed");
	add(bench, id + 1,
	    PROCESSES * (double)crowd->cycles * 1e9 / (double)(clock_now_ns() - started));
	add(bench, id, median_of(crowd->took, PROCESSES * crowd->cycles));
	return 0;
}

/* A hundred processes at once, on one connection or each on its own. */
static int measure_crowd(struct table_bench *bench, bool share, enum figure_id id)
{
	int flags = MAP_SHARED | MAP_ANONYMOUS, opened = 0, rc = 0;
	struct crowd *crowd = mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE, flags, -1, 0);
	struct connection_ref refs[PROCESSES];

	if (crowd == MAP_FAILED)
		return table_bench_fail(bench, -ENOMEM, "join: no memory");
	crowd->cycles = bench->quick ? CYCLES_CROWD / 20 : CYCLES_CROWD;
	while (rc == 0 && opened < (share ? 1 : PROCESSES)) {
		rc = connection_open(bench, &refs[opened]);
		opened += rc == 0;
	}
	if (rc == 0)
		rc = run_crowd(bench, crowd, refs, share, id);
	while (opened > 0)
		connection_close(bench, refs[--opened]);
	munmap(crowd, sizeof(*crowd));
	return rc;
}

/* What a session does when anything has changed in the table, with orders on as many users as there may
 * be. */
static int measure_orders(struct table_bench *bench)
{
	struct order_target target = {.scope = SCOPE_USER, .user = "somebody"};
	const struct order_change change = {.drain = POLICY_DRAIN_SESSION};
	static double took[CYCLES];
	struct connection_ref ref;
	int rc = connection_open(bench, &ref);

	if (rc != 0)
		return rc;
	for (uid_t i = 0; rc == 0 && i < USERS; i++) {
		target.uid = 4000000000u + i;
		rc = table_order(&bench->table, &target, &change);
	}
	for (size_t i = 0; rc == 0 && i < CYCLES; i++) {
		uint64_t started = clock_now_ns();

		rc = read_orders(&bench->table, ref, geteuid());
		took[i] = (double)(clock_now_ns() - started) / 1e3;
	}
	if (rc == 0)
		add(bench, FIGURE_ORDERS, median_of(took, CYCLES));
	for (uid_t i = 0; i < USERS; i++) {
		target.uid = 4000000000u + i;
		(void)table_reopen(&bench->table, &target);
	}
	connection_close(bench, ref);
	return rc == 0 ? 0 : table_bench_fail(bench, rc, "orders: %s", strerror(-rc));
}

/* The same as alone beside many other connections. */
static int measure_full(struct table_bench *bench)
{
	struct connection_ref *refs = calloc(OTHERS, sizeof(*refs));
	int opened = 0, rc = refs == NULL ? -ENOMEM : 0;

	while (rc == 0 && opened < OTHERS) {
		rc = connection_open(bench, &refs[opened]);
		opened += rc == 0;
	}
	if (rc == 0)
		rc = measure_alone(bench, FIGURE_JOIN_FULL, false);
	while (opened > 0)
		connection_close(bench, refs[--opened]);
	free(refs);
	return rc;
}

/* On a connection that has room for one more session. */
static int measure_siblings(struct table_bench *bench)
{
	static struct membership siblings[SIBLINGS];
	static double took[CYCLES];
	size_t count = bench->quick ? CYCLES / 20 : CYCLES;
	struct connection_ref ref;
	int joined = 0, rc = connection_open(bench, &ref);

	if (rc != 0)
		return rc;
	while (rc == 0 && joined < SIBLINGS) {
		rc = members_open(bench->shmdir, ref, &siblings[joined]);
		if (rc == 0)
			rc = members_join(&siblings[joined++]);
	}
	if (rc == 0)
		rc = cycle(bench, ref, took, count);
	if (rc == 0)
		add(bench, FIGURE_JOIN_ROWS, median_of(took, count));
	while (joined > 0)
		members_close(&siblings[--joined]);
	connection_close(bench, ref);
	return rc == 0 ? 0 : table_bench_fail(bench, rc, "siblings: %s", strerror(-rc));
}

int join_measure(struct table_bench *bench)
{
	int rc = measure_alone(bench, FIGURE_JOIN, true);

	if (rc == 0)
		rc = measure_crowd(bench, false, FIGURE_JOIN_100);
	if (rc == 0)
		rc = measure_crowd(bench, true, FIGURE_JOIN_100_ONE);
	if (rc == 0)
		rc = measure_siblings(bench);
	if (rc == 0)
		rc = measure_full(bench);
	return rc == 0 ? measure_orders(bench) : rc;
}
