/* server: the user who runs this, as the user database has it. */
#ifndef SD_SERVER_SELF_H
#define SD_SERVER_SELF_H

#include <pwd.h>

/* The entry of the real uid.  The database, which may be a network away, is asked at the first call,
 * and not at all by a session that has no use for it: its name stands in the session table.  Returns
 * NULL when there is no such user; the entry is never freed. */
const struct passwd *self_find(void);

#endif
