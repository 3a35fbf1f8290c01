/* unit tests: claiming entries of the table: how many a user may have, in a race too, and for whom an
 * entry is claimed. */
#include "table/lock.h"
#include "table/table.h"
#include "table_scratch.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RACERS 100
#define LIMIT 10

static struct connection limited(uint32_t max)
{
	struct connection connection = scratch_connection();

	connection.policy.max_connections = max;
	return connection;
}

/* What a monitor has been told, in memory that is shared; NOT_YET at first. */
#define NOT_YET 1
static _Atomic int *results, *shot;

static void begin(void)
{
	scratch_begin();
	results = mmap(NULL, sizeof(int) * (RACERS + 1), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(results, MAP_FAILED);
	shot = results + RACERS;
}

TestSuite(claim, .init = begin, .fini = scratch_end, .timeout = 120);

static int claim_and_publish(const struct connection *description, struct connection_ref *ref)
{
	struct table table;
	int rc = table_open_or_create(scratch_rundir, &table);

	if (rc != 0)
		return rc;
	rc = table_claim(&table, scratch_shmdir, description, ref);
	if (rc == 0)
		rc = table_publish(&table, *ref);
	table_close(&table);
	return rc;
}

/* A monitor: waits for the starting shot, claims, says how that went, and lives on. */
static pid_t start_monitor(int index, const struct connection *description)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		struct connection_ref ref;

		while (*shot == 0)
			sched_yield();
		results[index] = claim_and_publish(description, &ref);
		for (;;)
			pause();
	}
	return pid;
}

/* Lets count monitors claim at the same moment.  Returns how many were admitted; the others must have
 * been told that there are too many. */
static int race(pid_t *pids, int count, const struct connection *description)
{
	int admitted = 0;

	*shot = 0;
	for (int i = 0; i < count; i++) {
		results[i] = NOT_YET;
		pids[i] = start_monitor(i, description);
	}
	*shot = 1;
	for (int i = 0; i < count; i++) {
		while (results[i] == NOT_YET)
			clock_sleep_ns(NS_PER_MS);
		cr_expect(results[i] == 0 || results[i] == -EDQUOT, "%s", strerror(-results[i]));
		admitted += results[i] == 0;
	}
	return admitted;
}

static void end_monitor(pid_t pid)
{
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(claim, exactly_as_many_as_allowed_in_a_race)
{
	struct connection description = limited(LIMIT);
	pid_t pids[RACERS], more[RACERS];
	int killed = 0;

	cr_expect_eq(race(pids, RACERS, &description), LIMIT);
	/* Those that are killed leave their place to others, and no more than that. */
	for (int i = 0; i < RACERS; i++) {
		if (results[i] == 0 && killed == 4)
			continue;
		killed += results[i] == 0;
		end_monitor(pids[i]);
		pids[i] = 0;
	}
	cr_expect_eq(killed, 4);
	cr_expect_eq(race(more, RACERS, &description), 4);
	for (int i = 0; i < RACERS; i++) {
		end_monitor(more[i]);
		if (pids[i] != 0)
			end_monitor(pids[i]);
	}
}

Test(claim, each_user_is_counted_for_himself)
{
	struct connection one = limited(1), other = limited(1);
	pid_t pids[2];

	other.uid = one.uid + 1;
	cr_expect_eq(race(&pids[0], 1, &one), 1);
	cr_expect_eq(race(&pids[1], 1, &other), 1);
	end_monitor(pids[0]);
	end_monitor(pids[1]);
}

/* An entry that was given back is free for others, though it still has the user's number in it. */
Test(claim, what_has_been_released_is_not_counted)
{
	struct connection description = limited(1);
	struct connection_ref ref;
	struct table table;
	pid_t pid;

	cr_assert_eq(claim_and_publish(&description, &ref), 0);
	cr_expect_eq(race(&pid, 1, &description), 0);
	end_monitor(pid);
	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	cr_assert_eq(table_release(&table, ref), 0);
	table_close(&table);
	cr_expect_eq(race(&pid, 1, &description), 1);
	end_monitor(pid);
}

Test(claim, a_monitor_claims_once_however_often_it_asks)
{
	struct connection description = limited(1), found;
	struct connection_ref first, second;
	struct table table;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	cr_assert_eq(table_claim(&table, scratch_shmdir, &description, &first), 0);
	description.policy.max_connections = 7;
	cr_assert_eq(table_claim(&table, scratch_shmdir, &description, &second), 0);
	cr_expect_eq(second.slot, first.slot);
	cr_expect_eq(second.generation, first.generation);
	cr_assert_eq(table_publish(&table, first), 0);
	cr_assert_eq(table_find_connection(&table, first, &found), 0);
	cr_expect_eq(found.policy.max_connections, 7);
	table_close(&table);
}

/* As sshd's keyboard-interactive logins have it: the child asks, the parent is the monitor. */
Test(claim, a_child_claims_for_its_parent)
{
	struct connection description = limited(1), found;
	struct connection_ref ref;
	struct table table;
	pid_t pid, rival;
	int status;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	cr_assert_eq(proc_self(&description.monitor), 0);
	pid = fork();
	if (pid == 0)
		_exit(table_claim(&table, scratch_shmdir, &description, &ref) != 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	/* The claim has outlived the child, and counts. */
	description.monitor = (struct proc_id){.pid = 0};
	cr_expect_eq(race(&rival, 1, &description), 0);
	end_monitor(rival);
	cr_assert_eq(table_claim(&table, scratch_shmdir, &description, &ref), 0);
	cr_assert_eq(table_publish(&table, ref), 0);
	cr_assert_eq(table_find_connection(&table, ref, &found), 0);
	cr_expect_eq(found.monitor.pid, getpid());
	table_close(&table);
}

/* G9 */
Test(claim, a_claimer_that_is_stopped_is_not_waited_for_for_ever)
{
	struct connection description = limited(1);
	struct connection_ref ref;
	struct table table, other;
	uint64_t began;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	cr_assert_eq(table_open(scratch_rundir, true, &other), 0);
	cr_assert_eq(lock_try(other.lock_fd, LOCK_CLAIMERS, LOCK_EXCLUSIVE), 0);
	began = clock_now_ns();
	cr_expect_eq(table_claim(&table, scratch_shmdir, &description, &ref), -EBUSY);
	cr_expect_lt(clock_now_ns() - began, 10 * NS_PER_S);
	table_close(&other);
	cr_expect_eq(table_claim(&table, scratch_shmdir, &description, &ref), 0);
	table_close(&table);
}
