/* policy: names against patterns, as sshd does it.  No I/O; knows nothing of libconfig. */
#ifndef SD_POLICY_POLICY_MATCH_H
#define SD_POLICY_POLICY_MATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Whether text as a whole is of the pattern's form: '*' stands for any bytes or none, '?' for one
 * byte, everything else for itself (PATTERNS in ssh_config(5)).  There are no bracket expressions
 * and no escapes, and case counts. */
bool policy_match_text(const char *pattern, const char *text);

/* What one pattern says of a user's names (his name, or the names of his groups). */
enum policy_match {
	POLICY_MATCH_NONE,
	POLICY_MATCH_YES,
	POLICY_MATCH_NEGATED, /* the pattern begins with '!' and one of the names is of its form */
};
enum policy_match policy_match_names(const char *pattern, const char *const *names, size_t count);

#endif
