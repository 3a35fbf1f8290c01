/* unit tests: a configuration file in a fresh directory.  Nothing of the host's configuration is read. */
#ifndef SD_TESTS_POLICY_SCRATCH_H
#define SD_TESTS_POLICY_SCRATCH_H

#include <stddef.h>

/* The directory and the file's path, from begin to end. */
extern char policy_scratch_dir[64], policy_scratch_config[80];

/* Makes the directory; removes it and the file. */
void policy_scratch_begin(void);
void policy_scratch_end(void);

/* Writes the file anew; a failure fails the test. */
void policy_scratch_write(const char *text);
void policy_scratch_write_bytes(const char *bytes, size_t len);

#endif
