/* control: whom a command is for, as the operator writes it.  Looks users up; touches no table. */
#ifndef SD_CONTROL_TARGET_H
#define SD_CONTROL_TARGET_H

#include "table/table.h"

/* An advisory connection, one that no PAM module registered, is written UID/PID.START. */
enum target_kind {
	TARGET_HOST,
	TARGET_USER,
	TARGET_CONNECTION,
	TARGET_ADVISORY,
};

struct target {
	enum target_kind kind;
	uid_t uid;                        /* TARGET_USER, TARGET_ADVISORY */
	char user[USER_NAME_MAX];         /* TARGET_USER */
	struct connection_ref connection; /* TARGET_CONNECTION */
	char
	    name[CONNECTION_REF_TEXT_MAX]; /* TARGET_ADVISORY: the members file's name, PID.START */
};

#define TARGET_TEXT_MAX 320

/* Reads "host", "user=NAME" (a uid where nobody has that name) or "connection=ID".  Returns 0,
 * -EINVAL when the text has another form, -ENOENT when there is no such user. */
int target_parse(const char *text, struct target *out);

/* Writes the target as target_parse takes it, the user's name escaped.  Returns out. */
char *target_format(const struct target *target, char out[TARGET_TEXT_MAX]);

/* The target as the session table has it, borrowing target's texts.  Not for TARGET_ADVISORY. */
struct order_target target_of_order(const struct target *target);

/* Reads a uid written as target_parse and the advisory directories' names have it: decimal digits,
 * no leading zero.  Returns 0 or -EINVAL. */
int target_parse_uid(const char *text, uid_t *uid);

/* Whether name is one that an advisory members file can have: PID.START. */
bool target_is_advisory_name(const char *name);

#endif
