/* unit tests: a fresh directory below /tmp to work in, and its removal. */
#ifndef SD_TESTS_SCRATCH_H
#define SD_TESTS_SCRATCH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Makes the directory and goes there; scratch_path is its absolute path, without links. */
void scratch_enter(void);
extern char scratch_path[64];

/* Removes it with all that is in it, and goes back. */
void scratch_leave(void);

/* For the end of a test that cannot be made here: Criterion leaves .fini out then. */
void scratch_skip(const char *why);

/* A file with that content. */
void scratch_write(const char *name, const char *content);

/* A file's content, in a buffer that the next call overwrites; NULL when it cannot be read. */
const char *scratch_read(const char *name);

bool scratch_exists(const char *name);
struct stat scratch_lstat(const char *name);

/* How many entries the directory has, "." and ".." not counted. */
size_t scratch_count(const char *directory);

#endif
