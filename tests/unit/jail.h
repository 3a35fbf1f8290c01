/* tests: a directory that the caller cannot leave, for servers that are sent hostile requests. */
#ifndef SD_TESTS_JAIL_H
#define SD_TESTS_JAIL_H

#include <stdbool.h>

/* What chroot(2) needs: root, or else a user namespace of our own, in which we are root.  A process
 * of one thread only.  Returns whether it is there. */
bool jail_prepare(void);

/* Makes the directory the root and the current directory of the calling process (or of the thread,
 * when it has unshared CLONE_FS), and makes sure that it is.  Returns whether it did; if not, no
 * hostile request may be carried out. */
bool jail_enter(const char *directory);

#endif
