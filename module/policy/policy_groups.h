/* policy: the groups of a user, from the host's user database.  Never logs or exits; knows nothing
 * of the configuration file. */
#ifndef SD_POLICY_POLICY_GROUPS_H
#define SD_POLICY_POLICY_GROUPS_H

#include <stddef.h>

/* Looks up the names of the groups of user, the primary one included (getgrouplist(3)); a gid
 * without a name is left out, and a user who does not exist has none.  On success *names is the
 * caller's, for policy_groups_free.  Returns 0 or a negative errno, -EIO and the like where the
 * database could not be asked. */
int policy_groups_find(const char *user, char ***names, size_t *count);

void policy_groups_free(char **names, size_t count);

#endif
