/* fuzzing: where hostile requests may be carried out for real, by root too. */
#ifndef SD_TESTS_CAGE_H
#define SD_TESTS_CAGE_H

#include <stdbool.h>

/* Makes a file system of its own for the calling process, in memory: it has no name anywhere, ends with
 * the process, holds 16 MiB and no devices, and nothing in it runs.  For a process of one thread only.
 * Takes root or user namespaces.  Returns whether it is there. */
bool cage_make(void);

/* Makes it the root and the current directory of the calling thread, for good, and makes sure that it
 * is.  Returns whether it did; if not, no hostile request may be carried out. */
bool cage_enter(void);

#endif
