/* control: the command line as a plain struct.  Knows no verb; never acts on what it reads. */
#include "control/options.h"

#include "policy/policy_address.h"
#include "table/order.h"
#include "util/duration.h"
#include "util/escape.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#define WORD_SHOWN_MAX 256
#define LONG_BASE 1000 /* getopt_long's value of a long option, less its id */

/* The one table of options. */
static const struct option_row {
	const char *name;
	char letter;          /* 0: none */
	const char *argument; /* NULL: takes none */
	const char *help;
} rows[OPTION_IDS] = {
    [OPTION_JSON] = {"json", 0, NULL, "print one JSON object"},
    [OPTION_OUTPUT] = {"output", 'o', "COL,COL", "print these columns, in this order"},
    [OPTION_DRAIN] = {"drain", 0, "session|transfer|now", "what may go on (as each policy says)"},
    [OPTION_DEADLINE] = {"deadline", 0, "DURATION", "from now to the forced end (likewise)"},
    [OPTION_MESSAGE] = {"message", 0, "TEXT", "what clients that are refused are told"},
    [OPTION_WAIT] = {"wait", 0, NULL, "wait until nothing is live any more"},
    [OPTION_TIMEOUT] = {"timeout", 0, "DURATION", "wait at most so long"},
    [OPTION_QUIET] = {"quiet", 'q', NULL, "do not say what was done"},
    [OPTION_ADDRESS] = {"address", 0, "ADDRESS", "log in from there"},
    [OPTION_KEY] = {"key", 0, "FINGERPRINT", "with that key, SHA256:...; may be given again"},
    [OPTION_CONFIG] = {"config", 0, "FILE", "the configuration file (" SD_CONFIG ")"},
    [OPTION_RUNDIR] = {"rundir", 0, "DIR", "where the session table is (" SD_RUNDIR ")"},
    [OPTION_SHMDIR] = {"shmdir", 0, "DIR", "where members files are (" SD_SHMDIR ")"},
    [OPTION_HELP] = {"help", 'h', NULL, "print this help"},
    [OPTION_VERSION] = {"version", 'V', NULL, "print the version"},
};

const char *option_name(enum option_id id)
{
	return rows[id].name;
}

static int complain(FILE *err, const char *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "sftp-drain: WHAT: WORD". */
static int complain(FILE *err, const char *word, const char *format, ...)
{
	char shown[WORD_SHOWN_MAX];
	va_list args;

	fputs("sftp-drain: ", err);
	va_start(args, format);
	vfprintf(err, format, args);
	va_end(args);
	fprintf(err, ": %s\n", escape_text(word, strlen(word), shown, sizeof(shown)));
	return -EINVAL;
}

static int take_text(
    enum option_id id, const char *argument, size_t max, const char **to, FILE *err)
{
	if (argument[0] == '\0')
		return complain(err, "empty", "--%s", rows[id].name);
	if (strlen(argument) > max)
		return complain(err, argument, "--%s: longer than %zu bytes", rows[id].name, max);
	*to = argument;
	return 0;
}

static int take_duration(enum option_id id, const char *argument, uint64_t *to, FILE *err)
{
	if (duration_parse(argument, to) != 0)
		return complain(err, argument,
		    "--%s: not a duration, a whole number with ms, s, m, h or d", rows[id].name);
	return 0;
}

static int take_address(struct options *options, const char *argument, FILE *err)
{
	struct policy_address address;

	if (policy_address_parse(argument, &address) != 0)
		return complain(err, argument, "--address: not an IPv4 or IPv6 address");
	options->address = argument;
	return 0;
}

static int take_key(struct options *options, const char *argument, FILE *err)
{
	if (!policy_key_is_fingerprint(argument))
		return complain(err, argument,
		    "--key: not a fingerprint as ssh-keygen -l prints it, SHA256:...");
	if (options->key_count == POLICY_KEYS_MAX)
		return complain(err, argument, "--key: more than %d", POLICY_KEYS_MAX);
	options->keys[options->key_count++] = argument;
	return 0;
}

static int take(struct options *options, enum option_id id, const char *argument, FILE *err)
{
	options->given |= OPTION_BIT(id);
	switch (id) {
	case OPTION_CONFIG:
		return take_text(id, argument, SIZE_MAX, &options->config, err);
	case OPTION_RUNDIR:
		return take_text(id, argument, SIZE_MAX, &options->rundir, err);
	case OPTION_SHMDIR:
		return take_text(id, argument, SIZE_MAX, &options->shmdir, err);
	case OPTION_OUTPUT:
		return take_text(id, argument, SIZE_MAX, &options->columns, err);
	case OPTION_MESSAGE:
		return take_text(id, argument, ORDER_MESSAGE_MAX - 1, &options->message, err);
	case OPTION_ADDRESS:
		return take_address(options, argument, err);
	case OPTION_KEY:
		return take_key(options, argument, err);
	case OPTION_DEADLINE:
		return take_duration(id, argument, &options->deadline_ns, err);
	case OPTION_TIMEOUT:
		return take_duration(id, argument, &options->timeout_ns, err);
	case OPTION_DRAIN:
		if (policy_drain_parse(argument, &options->drain) == 0)
			return 0;
		return complain(err, argument, "--drain: not one of session, transfer, now");
	default:
		return 0;
	}
}

/* getopt_long(3)'s two views of the table. */
static void make_getopt_tables(struct option longs[OPTION_IDS + 1], char shorts[3 * OPTION_IDS])
{
	size_t used = 0;

	/* '-': words come in their order, as argument of option 1, POSIXLY_CORRECT or not. */
	shorts[used++] = '-';
	shorts[used++] = ':';
	for (int i = 0; i < OPTION_IDS; i++) {
		int has_argument = rows[i].argument != NULL ? required_argument : no_argument;

		longs[i] = (struct option){rows[i].name, has_argument, NULL, LONG_BASE + i};
		if (rows[i].letter == 0)
			continue;
		shorts[used++] = rows[i].letter;
		if (rows[i].argument != NULL)
			shorts[used++] = ':';
	}
	shorts[used] = '\0';
	longs[OPTION_IDS] = (struct option){NULL, 0, NULL, 0};
}

static enum option_id find_option(int value)
{
	if (value >= LONG_BASE)
		return (enum option_id)(value - LONG_BASE);
	for (int i = 0; i < OPTION_IDS; i++) {
		if (rows[i].letter == value)
			return (enum option_id)i;
	}
	return OPTION_IDS;
}

/* What getopt_long(3) found wrong: optopt is the option's value, 0 for an unknown long one. */
static int complain_option(FILE *err, int found, const char *last_word)
{
	char letter[] = {'-', (char)optopt, '\0'};
	const char *word = optopt > 0 && optopt < LONG_BASE ? letter : last_word;

	if (found == ':')
		return complain(err, word, "argument missing");
	if (optopt >= LONG_BASE)
		return complain(err, word, "takes no argument");
	return complain(err, word, "unknown option");
}

static int take_word(struct options *options, const char *word, FILE *err)
{
	if (options->word_count == OPTION_WORDS_MAX)
		return complain(err, word, "one word too many");
	options->words[options->word_count++] = word;
	return 0;
}

int options_parse(int argc, char **argv, FILE *err, struct options *out)
{
	struct option longs[OPTION_IDS + 1];
	char shorts[3 * OPTION_IDS];
	int found, rc = 0;

	*out = (struct options){.config = SD_CONFIG, .rundir = SD_RUNDIR, .shmdir = SD_SHMDIR};
	make_getopt_tables(longs, shorts);
	optind = 0; /* start anew, also where an earlier run stopped half-way */
	opterr = 0;
	while (rc == 0 && (found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (found == '?' || found == ':')
			rc = complain_option(err, found, argv[optind - 1]);
		else if (found == 1)
			rc = take_word(out, optarg, err);
		else
			rc = take(out, find_option(found), optarg, err);
	}
	/* What follows "--". */
	while (rc == 0 && optind < argc)
		rc = take_word(out, argv[optind++], err);
	return rc;
}

void options_print_help(FILE *out, uint32_t which)
{
	for (int i = 0; i < OPTION_IDS; i++) {
		char text[64], letter[8] = "    ";

		if ((which & OPTION_BIT(i)) == 0)
			continue;
		if (rows[i].letter != 0)
			snprintf(letter, sizeof(letter), "-%c, ", rows[i].letter);
		snprintf(text, sizeof(text), "%s--%s%s%s", letter, rows[i].name,
		    rows[i].argument != NULL ? " " : "",
		    rows[i].argument != NULL ? rows[i].argument : "");
		fprintf(out, "  %-34s  %s\n", text, rows[i].help);
	}
}
