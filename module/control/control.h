/* control: the command sftp-drain.  This header is its front door; it must never be included from
 * another room. */
#ifndef SD_CONTROL_CONTROL_H
#define SD_CONTROL_CONTROL_H

#include "control/options.h"
#include "control/target.h"

#include <stdint.h>
#include <stdio.h>

/* sftp-drain(8), EXIT STATUS. */
enum control_status {
	STATUS_DONE = 0,
	STATUS_ERROR = 1,
	STATUS_USAGE = 2,
	STATUS_FORCED = 3,    /* ended, but some by force */
	STATUS_TIMED_OUT = 4, /* some still live */
};

/* What a word after the command means. */
enum operand {
	OPERAND_NONE,
	OPERAND_TARGET, /* may be missing: the host */
	OPERAND_USER,
};

/* One run of the command.  The streams are borrowed. */
struct control {
	FILE *out;
	FILE *err;
	struct options options;
	struct target target; /* with OPERAND_TARGET */
	const char *user;     /* with OPERAND_USER */
};

/* A row of the one table of sub-commands, which drives dispatch, usage and help. */
struct command {
	const char *name;
	const char *synopsis; /* what follows the name */
	const char *help;     /* one line */
	uint32_t options;     /* OPTION_BIT()s that it takes, besides OPTIONS_ALWAYS */
	enum operand operand;
	enum control_status (*run)(struct control *control);
};

/* The sub-command of that name, or NULL. */
const struct command *command_find(const char *name);

/* The command as a whole: everything of it but the process.  Results go to out, complaints to err.
 */
enum control_status control_main(int argc, char **argv, FILE *out, FILE *err);

/* Writes "sftp-drain: " and the line.  Names of others go through escape_text first. */
void control_error(const struct control *control, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Why the session table could not be used, for a negative errno of table_open and the like; a
 * string that is good until the next call. */
const char *control_table_reason(int rc);

/* Complains that the session table cannot be used, and returns STATUS_ERROR. */
enum control_status control_table_error(const struct control *control, const char *what, int rc);

/* The verbs, each in its own file. */
enum control_status cmd_list(struct control *control);
enum control_status cmd_close(struct control *control);
enum control_status cmd_abort(struct control *control);
enum control_status cmd_wait(struct control *control);
enum control_status cmd_reopen(struct control *control);
enum control_status cmd_check(struct control *control);
enum control_status cmd_policy(struct control *control);

#endif
