/* tests: a file system that a user has mounted over what is his, and whose server never answers. */
#ifndef SD_TESTS_SILENT_MOUNT_H
#define SD_TESTS_SILENT_MOUNT_H

#include <stdbool.h>
#include <sys/types.h>

/* Gives the calling process mounts of its own, which nobody else sees and which end with it, and mounts
 * a fuse(4) file system of uid over path, a directory or a file, for other users to use too if
 * others_too.  Descriptors of directories opened before do not see it.  Whoever asks it anything waits for ever.  Returns whether it could: takes root and
 * /dev/fuse. */
bool silent_mount(const char *path, uid_t uid, bool others_too);

/* Unmounts it. */
void silent_unmount(const char *path);

#endif
