/* server: paths as the protocol wants them resolved. */
#ifndef SD_SERVER_PATH_H
#define SD_SERVER_PATH_H

#include <limits.h>
#include <pwd.h>

/* The absolute path of path without symbolic links, "." and "..", as realpath(3), except that the
 * last component need not exist (OpenSSH's answer to REALPATH, which clients use before they
 * create). An empty path is ".".  Returns 0 or a negative errno: -ENOENT, -ELOOP, -ENAMETOOLONG,
 * -EACCES. */
int path_resolve(const char *path, char out[PATH_MAX]);

/* Replaces a leading ~ or ~USER by the home directory: self's for ~, else of the password database.
 * Returns 0, -ENOENT no such user, -ENAMETOOLONG. */
int path_expand_tilde(const char *path, const struct passwd *self, char out[PATH_MAX]);

/* Replaces %d and %h by self's home directory (OpenSSH has only %d; its settings say %h), %u by the user's name, %U by the uid and %% by %.  Returns
 * 0, -EINVAL another letter, -ENAMETOOLONG. */
int path_expand_percent(const char *path, const struct passwd *self, char out[PATH_MAX]);

/* Name made absolute by putting the directory in front, without looking at the file system; what
 * does not fit is cut.  Returns out. */
char *path_absolute(const char *directory, const char *name, char out[PATH_MAX]);

#endif
