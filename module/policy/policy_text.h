/* policy: the configuration file as text, and the texts that say what is wrong with it.  Knows
 * nothing of settings; gives out nothing of a file that others could have written. */
#ifndef SD_POLICY_POLICY_TEXT_H
#define SD_POLICY_POLICY_TEXT_H

#include "policy/policy_load.h"

/* Largest configuration file, in bytes. */
#define POLICY_FILE_MAX (1 << 20)

/* The name of a setting that policy_text_read puts behind the file's text.  Where it is missing
 * from the parsed text the file's end was swallowed, by a comment that is not closed. */
#define POLICY_TEXT_END "end_of_file"

/* Writes "PATH:LINE: what", or "PATH: what" when line is 0, into *error, the path escaped; what the
 * arguments quote must be escaped already.  Returns rc, for the caller to pass on. */
int policy_error_set(struct policy_error *error, int rc, const char *path, unsigned int line,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Reads the file at path, once its descriptor has passed the check of owner and mode, into *text:
 * NUL-terminated, ending in the setting POLICY_TEXT_END, the caller's to free.  A NUL byte and an
 * @include directive are refused.
 * Returns 0; -ENOENT when there is no such file; -EPERM, -EFBIG, -EINVAL or another negative errno,
 * with *error filled (-ENOENT fills it too). */
int policy_text_read(const char *path, char **text, struct policy_error *error);

#endif
