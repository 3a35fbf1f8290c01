/* Membership under fire: processes that join, leave and are killed at random, for ten seconds.  What may
 * never happen: two last ones out, a last one with a member inside, a member that comes in while the
 * connection is closing, an emptying that nobody notices (where members are killed: that the guard does
 * not notice), a row that stays claimed. */
#include "table/lock.h"
#include "table/members.h"
#include "table/members_read.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 64

static const uint64_t run_ns = 10 * NS_PER_S;
static const struct connection_ref the_ref = {.slot = 1, .generation = 1};

/* Seen by all.  A pid stands for what its process is doing; the parent knows whom it has killed. */
struct board {
	_Atomic int inside[WORKERS]; /* pid of the member at that place */
	_Atomic int closing;         /* pid of the last one out while it closes */
	_Atomic int emptied;         /* set by a last one out, cleared by each that joins */
	_Atomic int dead[WORKERS];   /* set by the parent before it kills */
	_Atomic int ready;           /* members that are about to leave together */
	_Atomic unsigned long joins, lasts, refusals, violations;
	char what[256];
};

static struct board *board;
static char shmdir[64];

static bool was_killed(int pid)
{
	struct proc_stat stat;

	for (int i = 0; i < WORKERS; i++) {
		if (atomic_load(&board->dead[i]) == pid)
			return true;
	}
	return proc_read_stat(pid, &stat) != 0 || stat.state == 'Z' || stat.state == 'X';
}

static void violation(const char *what, int pid)
{
	atomic_fetch_add(&board->violations, 1);
	snprintf(
	    board->what, sizeof(board->what), "%s (pid %d and pid %d)", what, (int)getpid(), pid);
}

static void pause_at_random(unsigned int *seed, int most_us)
{
	clock_sleep_ns((uint64_t)(rand_r(seed) % most_us) * 1000);
}

/* With the write lock held: nobody else is a member, nobody becomes one. */
static void act_as_last(struct membership *membership, int place, unsigned int *seed)
{
	int other = atomic_exchange(&board->closing, (int)getpid());

	if (other != 0 && !was_killed(other))
		violation("two last ones out", other);
	atomic_fetch_add(&board->lasts, 1);
	atomic_store(&board->emptied, 1);
	if (rand_r(seed) % 2 == 0)
		members_begin_closing(membership);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < WORKERS; i++) {
			int pid = atomic_load(&board->inside[i]);

			if (i != place && pid != 0 && !was_killed(pid))
				violation("a last one out with a member inside", pid);
		}
		pause_at_random(seed, 1500);
	}
	atomic_store(&board->closing, 0);
	if (rand_r(seed) % 2 == 0)
		members_resume(membership);
}

static void one_visit(int place, unsigned int *seed)
{
	struct membership membership;
	int rc = members_open(shmdir, the_ref, &membership);

	if (rc != 0) {
		violation("cannot open the members file", -rc);
		return;
	}
	rc = members_join(&membership);
	if (rc == 0) {
		int closing;

		atomic_store(&board->inside[place], (int)getpid());
		closing = atomic_load(&board->closing);
		if (closing != 0 && !was_killed(closing))
			violation("joined a connection that is closing", closing);
		atomic_store(&board->emptied, 0);
		atomic_fetch_add(&board->joins, 1);
		pause_at_random(seed, 500);
		atomic_store(&board->inside[place], 0);
		if (members_leave(&membership, END_CLEAN) == LEFT_LAST)
			act_as_last(&membership, place, seed);
	} else if (rc == -ESHUTDOWN) {
		atomic_fetch_add(&board->refusals, 1);
		pause_at_random(seed, 300);
	} else {
		violation("cannot join", -rc);
	}
	members_close(&membership);
}

/* The last visit of a round: all are members, and leave at the same moment. */
static void leave_together(int place, unsigned int *seed)
{
	struct membership membership;
	int rc = members_open(shmdir, the_ref, &membership);

	while (rc == 0 && (rc = members_join(&membership)) == -ESHUTDOWN)
		rc = 0;
	if (rc != 0)
		violation("cannot join to leave together", -rc);
	atomic_store(&board->emptied, 0);
	atomic_fetch_add(&board->ready, 1);
	while (atomic_load(&board->ready) < WORKERS)
		clock_sleep_ns(NS_PER_MS / 20);
	if (members_leave(&membership, END_CLEAN) == LEFT_LAST)
		act_as_last(&membership, place, seed);
	members_close(&membership);
}

static pid_t start_worker(int place, unsigned int seed, int visits, bool together)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (int i = 0; i < visits; i++)
		one_visit(place, &seed);
	if (together)
		leave_together(place, &seed);
	_exit(0);
}

/* Its place is beyond all workers'. */
static pid_t start_guard(unsigned int seed)
{
	struct membership membership;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (members_open(shmdir, the_ref, &membership) != 0 ||
	    members_become_guard(&membership) != 0)
		violation("cannot become the guard", 0);
	while (members_wait_last(&membership) == 0) {
		act_as_last(&membership, WORKERS, &seed);
		members_stop_closing(&membership);
		pause_at_random(&seed, 3000);
	}
	_exit(1);
}

/* Whoever is killed before anybody has come in shows nothing. */
static void await_join(unsigned long before)
{
	while (atomic_load(&board->joins) == before)
		clock_sleep_ns(NS_PER_MS / 20);
}

static void await_emptied(void)
{
	for (int i = 0; i < 5000 && atomic_load(&board->emptied) == 0; i++)
		clock_sleep_ns(NS_PER_MS);
	cr_assert_eq(atomic_load(&board->emptied), 1, "nobody was the last one out");
}

/* One round: every worker makes some visits; with_kills, some of them end by SIGKILL, and there is a
 * guard.  The round ends with everybody gone. */
static void run_round(unsigned int *seed, bool with_kills)
{
	unsigned long joins = atomic_load(&board->joins);
	pid_t pids[WORKERS], guard = 0;

	memset(board->dead, 0, sizeof(board->dead));
	atomic_store(&board->ready, 0);
	if (with_kills)
		guard = start_guard((unsigned int)rand_r(seed));
	for (int i = 0; i < WORKERS; i++)
		pids[i] = start_worker(i, (unsigned int)rand_r(seed),
		    1 + rand_r(seed) % (with_kills ? 24 : 3), !with_kills);
	if (with_kills)
		await_join(joins);
	for (int i = 0; with_kills && i < WORKERS / 3; i++) {
		int place = rand_r(seed) % WORKERS;

		pause_at_random(seed, 800);
		atomic_store(&board->dead[place], (int)pids[place]);
		kill(pids[place], SIGKILL);
	}
	for (int i = 0; i < WORKERS; i++)
		waitpid(pids[i], NULL, 0);
	await_emptied();
	if (with_kills) {
		kill(guard, SIGKILL);
		waitpid(guard, NULL, 0);
	}
	for (int i = 0; i < WORKERS; i++)
		atomic_store(&board->inside[i], 0);
	atomic_store(&board->closing, 0);
	cr_assert_eq(atomic_load(&board->violations), 0, "%s", board->what);
}

/* Nothing of a round is left. */
static void check_left(unsigned int *with_kills_ended)
{
	struct connection connection = {.ref = the_ref, .uid = geteuid()};
	struct members_reader reader;
	struct members_ended ended;
	struct member member;

	cr_assert_eq(members_reader_open(shmdir, &connection, &reader), 0);
	cr_assert(!members_any(&reader), "a membership is held by nobody");
	cr_assert_eq(members_next(&reader, &member), 0, "a row is claimed by nobody");
	cr_assert_eq(members_read_ended(&reader, &ended), 0);
	*with_kills_ended = ended.forced;
	members_reader_close(&reader);
}

static void clean_up(void)
{
	members_remove(shmdir, the_ref);
	cr_expect_eq(rmdir(shmdir), 0);
}

Test(members, stress, .timeout = 60, .fini = clean_up)
{
	unsigned int seed = 20261123, forced = 0;
	uint64_t start = clock_now_ns();
	unsigned long rounds = 0;

	snprintf(shmdir, sizeof(shmdir), "/dev/shm/sftp-drain-stress-%ld", (long)getpid());
	cr_assert_eq(members_create(shmdir, the_ref, geteuid(), getegid()), 0);
	board =
	    mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(board, MAP_FAILED);
	/* On a machine with much else to do few rounds pass: the limit is then the test's own. */
	while (clock_now_ns() - start < run_ns || forced == 0) {
		run_round(&seed, rounds % 2 == 1);
		check_left(&forced);
		rounds++;
	}
	cr_log_info("%lu rounds, %lu joins, %lu last ones out, %lu refusals, %u killed inside",
	    rounds, atomic_load(&board->joins), atomic_load(&board->lasts),
	    atomic_load(&board->refusals), forced);
	cr_expect_gt(atomic_load(&board->lasts), rounds / 2);
	cr_expect_gt(forced, 0, "no kill ever hit a member: the test tests nothing");
}
