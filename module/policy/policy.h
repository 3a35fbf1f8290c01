/* policy: what the operator decided for one connection, as a plain struct.  No I/O; how the values
 * are read from the configuration file is policy_load's business. */
#ifndef SD_POLICY_POLICY_H
#define SD_POLICY_POLICY_H

#include <stdint.h>

/* When the server ends a connection by itself. */
enum policy_close {
	POLICY_CLOSE_CLIENT, /* never: the client does */
	POLICY_CLOSE_FIRST,  /* when the first session ends: one-session-per-connection users */
	POLICY_CLOSE_LAST,   /* when the last sibling has ended and linger has passed */
};

/* What a drain lets go on.  In the order of strength: a stronger order wins. */
enum policy_drain {
	POLICY_DRAIN_UNSET,    /* in an order: as the policy says.  Never in a policy */
	POLICY_DRAIN_SESSION,  /* the session, until the client ends it */
	POLICY_DRAIN_TRANSFER, /* what is open; nothing new is opened */
	POLICY_DRAIN_NOW,      /* requests already received */
};

/* What a newcomer gets while the host or the user drains. */
enum policy_while_draining {
	POLICY_REFUSE_SESSION, /* logins pass, SFTP sessions are refused */
	POLICY_REFUSE_LOGIN,
	POLICY_ADMIT,
};

/* Stands in the session table as it is: a change here is a change of the table's layout
 * (table/table_format.h).  Times are nanoseconds. */
struct policy {
	uint32_t close;          /* enum policy_close */
	uint32_t drain;          /* enum policy_drain */
	uint32_t while_draining; /* enum policy_while_draining */
	uint32_t required;       /* not 0: refuse what cannot be registered, or would be alone */
	/* Of one user; 0: no limit. */
	uint32_t max_sessions;
	uint32_t max_connections;
	uint32_t max_sessions_per_connection;
	uint32_t reserved;
	uint64_t deadline_ns;        /* from an order to the forced end */
	uint64_t linger_ns;          /* after the last handle or session, for what may still come */
	uint64_t idle_timeout_ns;    /* of a session that does nothing; 0: none */
	uint64_t session_timeout_ns; /* of any session; 0: none */
};

/* The settings, in the order in which they are printed. */
enum policy_setting {
	POLICY_SETTING_CLOSE,
	POLICY_SETTING_DRAIN,
	POLICY_SETTING_DEADLINE,
	POLICY_SETTING_LINGER,
	POLICY_SETTING_WHILE_DRAINING,
	POLICY_SETTING_MAX_SESSIONS,
	POLICY_SETTING_MAX_CONNECTIONS,
	POLICY_SETTING_MAX_SESSIONS_PER_CONNECTION,
	POLICY_SETTING_IDLE_TIMEOUT,
	POLICY_SETTING_SESSION_TIMEOUT,
	POLICY_SETTING_REQUIRED,
	POLICY_SETTINGS,
};

/* How a setting's value stands in the configuration file. */
enum policy_form {
	POLICY_FORM_TEXT,   /* in quotes */
	POLICY_FORM_NUMBER, /* a whole number, or "none" in quotes */
	POLICY_FORM_SWITCH, /* true or false */
};

/* Longest text that policy_setting_format writes, its NUL included. */
#define POLICY_VALUE_MAX 64

/* Fills *policy with the built-in values (sftp-drain.conf(5)). */
void policy_set_defaults(struct policy *policy);

/* A setting's name in the configuration file; a constant string. */
const char *policy_setting_name(enum policy_setting setting);

/* The setting that has this name, or -ENOENT. */
int policy_setting_find(const char *name);

enum policy_form policy_setting_form(enum policy_setting setting);

/* Reads value, as the configuration file has it but for quotes, into the setting's field of *policy.
 * Returns 0, -EINVAL when it is none of the setting's values, -ERANGE for a duration that is too
 * long.  *policy is changed only on success. */
int policy_setting_parse(enum policy_setting setting, const char *value, struct policy *policy);

/* Writes the setting's value as the configuration file would have it, without quotes.  Returns out. */
char *policy_setting_format(
    enum policy_setting setting, const struct policy *policy, char out[POLICY_VALUE_MAX]);

/* What values the setting takes, for messages ("client, first or last"); a constant string. */
const char *policy_setting_values(enum policy_setting setting);

/* The name of a drain ("session", "transfer", "now"; "policy" for unset), and back.  The latter
 * returns 0 or -EINVAL, and does not take "policy". */
const char *policy_drain_name(enum policy_drain drain);
int policy_drain_parse(const char *name, enum policy_drain *drain);

#endif
