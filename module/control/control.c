/* control: the table of sub-commands, and what follows from it: dispatch, usage and help.  Never
 * exits; never does a verb's work itself. */
#include "control/control.h"

#include "control/columns.h"
#include "util/escape.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

static const struct command commands[] = {
    {"list", "[--json | -o COL,COL] [TARGET]", "show connections, sessions and orders",
	OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_OUTPUT), OPERAND_TARGET, cmd_list},
    {"close",
	"[--drain HOW] [--deadline DURATION] [--message TEXT] [--wait [--timeout DURATION]] [-q] "
	"[TARGET]",
	"order connections to drain and to close",
	OPTION_BIT(OPTION_DRAIN) | OPTION_BIT(OPTION_DEADLINE) | OPTION_BIT(OPTION_MESSAGE) |
	    OPTION_BIT(OPTION_WAIT) | OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_QUIET),
	OPERAND_TARGET, cmd_close},
    {"abort", "[--message TEXT] [-q] [TARGET]",
	"end sessions and connections now, by force if need be",
	OPTION_BIT(OPTION_MESSAGE) | OPTION_BIT(OPTION_QUIET), OPERAND_TARGET, cmd_abort},
    {"wait", "[--timeout DURATION] [-q] [TARGET]", "wait until no session is left",
	OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_QUIET), OPERAND_TARGET, cmd_wait},
    {"reopen", "[-q] [TARGET]", "take an order back", OPTION_BIT(OPTION_QUIET), OPERAND_TARGET,
	cmd_reopen},
    {"policy", "[--address ADDRESS] [--key FINGERPRINT]... USER",
	"show a user's settings and where each comes from",
	OPTION_BIT(OPTION_ADDRESS) | OPTION_BIT(OPTION_KEY), OPERAND_USER, cmd_policy},
    {"check", "", "check the configuration file", 0, OPERAND_NONE, cmd_check},
};
static const size_t command_count = sizeof(commands) / sizeof(commands[0]);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	}
	return NULL;
}

static void print_help(FILE *out)
{
	fputs("usage: sftp-drain [OPTION]... COMMAND [TARGET]\n\nCommands:\n", out);
	for (size_t i = 0; i < command_count; i++)
		fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].help);
	fputs("\nTargets:\n"
	      "  host                  every connection (the default)\n"
	      "  user=NAME             every connection of one user\n"
	      "  connection=ID         one connection, as list names it\n"
	      "\nOptions of every command:\n",
	    out);
	options_print_help(out, OPTIONS_ALWAYS);
	fputs("\nMore with \"sftp-drain COMMAND --help\" and in sftp-drain(8).\n", out);
}

static void print_command_help(const struct command *command, FILE *out)
{
	fprintf(out, "usage: sftp-drain %s %s\n%s\n\nOptions:\n", command->name, command->synopsis,
	    command->help);
	options_print_help(out, command->options | OPTIONS_ALWAYS);
	if ((command->options & OPTION_BIT(OPTION_OUTPUT)) == 0)
		return;
	fputs("\nColumns (* by default):\n", out);
	columns_print_help(out);
}

void control_error(const struct control *control, const char *format, ...)
{
	va_list args;

	fputs("sftp-drain: ", control->err);
	va_start(args, format);
	vfprintf(control->err, format, args);
	va_end(args);
	fputc('\n', control->err);
}

const char *control_table_reason(int rc)
{
	switch (-rc) {
	case EPROTO:
		return "made by another version of sftp-drain";
	case EINVAL:
		return "cut short";
	case EPERM:
		return "not root's alone";
	case EBUSY:
		return "another process has held its lock for two seconds";
	case EAGAIN:
		return "changed all the time";
	default:
		return strerror(-rc);
	}
}

enum control_status control_table_error(const struct control *control, const char *what, int rc)
{
	control_error(control, "%s: %s/table: %s%s", what, control->options.rundir,
	    control_table_reason(rc), rc == -EACCES ? " (this takes root)" : "");
	return STATUS_ERROR;
}

static enum control_status complain(
    const struct control *control, const char *what, const char *word, enum control_status status)
{
	char shown[256];

	control_error(
	    control, "%s: %s", what, escape_text(word, strlen(word), shown, sizeof(shown)));
	return status;
}

/* Options that the sub-command does not take, or that need another one. */
static enum control_status check_options(
    const struct control *control, const struct command *command)
{
	uint32_t given = control->options.given;

	for (int i = 0; i < OPTION_IDS; i++) {
		if ((given & ~(command->options | OPTIONS_ALWAYS) & OPTION_BIT(i)) == 0)
			continue;
		control_error(control, "%s does not take --%s", command->name,
		    option_name((enum option_id)i));
		return STATUS_USAGE;
	}
	if ((given & OPTION_BIT(OPTION_TIMEOUT)) != 0 && command->run == cmd_close &&
	    (given & OPTION_BIT(OPTION_WAIT)) == 0) {
		control_error(control, "close: --timeout needs --wait");
		return STATUS_USAGE;
	}
	if ((given & OPTION_BIT(OPTION_JSON)) != 0 && (given & OPTION_BIT(OPTION_OUTPUT)) != 0) {
		control_error(control, "list: --json and --output exclude each other");
		return STATUS_USAGE;
	}
	return STATUS_DONE;
}

static enum control_status take_operand(struct control *control, const struct command *command)
{
	const char *word = control->options.word_count > 1 ? control->options.words[1] : NULL;
	int rc;

	if (command->operand == OPERAND_NONE && word != NULL)
		return complain(control, "one word too many", word, STATUS_USAGE);
	if (command->operand == OPERAND_USER) {
		control->user = word;
		return word != NULL ? STATUS_DONE
				    : complain(control, command->name, "whose?", STATUS_USAGE);
	}
	rc = target_parse(word != NULL ? word : "host", &control->target);
	if (rc == -ENOENT)
		return complain(control, "no such user", word, STATUS_ERROR);
	return rc == 0 ? STATUS_DONE : complain(control, "not a target", word, STATUS_USAGE);
}

static enum control_status run_command(struct control *control, const struct command *command)
{
	enum control_status status = check_options(control, command);

	if (status == STATUS_DONE)
		status = take_operand(control, command);
	if (status == STATUS_USAGE)
		fprintf(
		    control->err, "usage: sftp-drain %s %s\n", command->name, command->synopsis);
	return status == STATUS_DONE ? command->run(control) : status;
}

static enum control_status dispatch(struct control *control)
{
	const struct options *options = &control->options;
	const struct command *command =
	    options->word_count > 0 ? command_find(options->words[0]) : NULL;

	if ((options->given & OPTION_BIT(OPTION_VERSION)) != 0) {
		fputs("sftp-drain " PACKAGE_VERSION "\n", control->out);
		return STATUS_DONE;
	}
	if (command == NULL && options->word_count > 0)
		return complain(control, "unknown command", options->words[0], STATUS_USAGE);
	if ((options->given & OPTION_BIT(OPTION_HELP)) != 0) {
		if (command != NULL)
			print_command_help(command, control->out);
		else
			print_help(control->out);
		return STATUS_DONE;
	}
	if (command == NULL) {
		print_help(control->err);
		return STATUS_USAGE;
	}
	return run_command(control, command);
}

enum control_status control_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct control control = {.out = out, .err = err};
	enum control_status status;

	if (options_parse(argc, argv, err, &control.options) != 0) {
		fputs("Try \"sftp-drain --help\".\n", err);
		return STATUS_USAGE;
	}
	status = dispatch(&control);
	/* A listing that did not reach its reader is no success. */
	if (fflush(out) != 0 || ferror(out) != 0) {
		control_error(&control, "standard output: %s", strerror(errno));
		return STATUS_ERROR;
	}
	return status;
}
