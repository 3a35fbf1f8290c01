/* util: opening and reading files that others may have prepared.  What was opened is checked, never
 * the path that led there. */
#ifndef SD_UTIL_SAFE_OPEN_H
#define SD_UTIL_SAFE_OPEN_H

#include <stddef.h>
#include <sys/types.h>

/* Opens a regular file without following a link in the last component, close-on-exec, and without
 * blocking on a fifo.  dir_fd and flags as openat(2) (O_CREAT is not for this).  The file must have
 * one link, belong to owner or to root, and have none of the mode bits in forbidden.
 * Returns a descriptor that is the caller's to close, or a negative errno: -ELOOP a link, -EINVAL
 * not a regular file, -EPERM wrong owner, mode or link count. */
int safe_open_file(int dir_fd, const char *path, int flags, uid_t owner, mode_t forbidden);

/* Opens a directory, likewise checked.  Returns as safe_open_file (-ENOTDIR: not a directory). */
int safe_open_dir(const char *path, uid_t owner, mode_t forbidden);

/* The same for a name in a directory (dir_fd may be O_PATH) that its owner may have mounted a file
 * system of his own over (fuse(4)).  What is mounted there is refused, -EXDEV, and is asked nothing: it
 * need never answer.  Root opens by these what belongs to users.  -ENOSYS: a file needs /proc. */
int safe_open_unmounted_file(
    int dir_fd, const char *name, int flags, uid_t owner, mode_t forbidden);
int safe_open_unmounted_dir(int dir_fd, const char *name, uid_t owner, mode_t forbidden);

/* read(2) and pread(2) until len bytes are there or the file ends, EINTR retried.  Return the bytes
 * read or a negative errno. */
ssize_t safe_read(int fd, void *out, size_t len);
ssize_t safe_pread(int fd, void *out, size_t len, off_t offset);

/* pwrite(2) of all len bytes, EINTR retried.  Returns 0 or a negative errno. */
int safe_pwrite(int fd, const void *in, size_t len, off_t offset);

#endif
