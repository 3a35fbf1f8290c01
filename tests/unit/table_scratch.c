/* Scratch directories for tests of the session table. */
#include "table_scratch.h"

#include "table/members_file.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char scratch_dir[64], scratch_rundir[80], scratch_shmdir[80];

void scratch_begin(void)
{
	snprintf(scratch_dir, sizeof(scratch_dir), "/tmp/sftp-drain-unit.XXXXXX");
	cr_assert_not_null(mkdtemp(scratch_dir));
	snprintf(scratch_rundir, sizeof(scratch_rundir), "%s/run", scratch_dir);
	snprintf(scratch_shmdir, sizeof(scratch_shmdir), "%s/shm", scratch_dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void scratch_end(void)
{
	nftw(scratch_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct connection scratch_connection(void)
{
	struct connection connection = {
	    .uid = geteuid(), .gid = getegid(), .opened_ns = clock_now_ns()};

	connection.policy = (struct policy){.drain = POLICY_DRAIN_TRANSFER,
	    .deadline_ns = 300 * NS_PER_S,
	    .linger_ns = 2 * NS_PER_S};
	snprintf(connection.user, sizeof(connection.user), "tester");
	snprintf(connection.address, sizeof(connection.address), "192.0.2.1");
	return connection;
}

struct connection_ref scratch_register(struct table *table)
{
	struct connection connection = scratch_connection();
	struct connection_ref ref;

	cr_assert_eq(table_claim(table, scratch_shmdir, &connection, &ref), 0);
	cr_assert_eq(members_create(scratch_shmdir, ref, geteuid(), getegid()), 0);
	cr_assert_eq(table_publish(table, ref), 0);
	return ref;
}
