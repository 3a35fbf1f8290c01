/* Scratch directories for tests of the session table. */
#ifndef SD_TESTS_TABLE_SCRATCH_H
#define SD_TESTS_TABLE_SCRATCH_H

#include "table/table.h"

/* Set by scratch_begin: a directory of the test's own, and in it the names of a run directory and of a
 * members directory, neither of which exists yet. */
extern char scratch_dir[64], scratch_rundir[80], scratch_shmdir[80];

void scratch_begin(void);
void scratch_end(void);

/* A connection of the effective user, with the built-in policy. */
struct connection scratch_connection(void);

/* Claims and publishes one, and makes its members file. */
struct connection_ref scratch_register(struct table *table);

#endif
