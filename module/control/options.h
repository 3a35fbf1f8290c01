/* control: the command line as a plain struct.  Knows no verb; never acts on what it reads. */
#ifndef SD_CONTROL_OPTIONS_H
#define SD_CONTROL_OPTIONS_H

#include "policy/policy.h"
#include "policy/policy_key.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_id {
	OPTION_JSON,
	OPTION_OUTPUT,
	OPTION_DRAIN,
	OPTION_DEADLINE,
	OPTION_MESSAGE,
	OPTION_WAIT,
	OPTION_TIMEOUT,
	OPTION_QUIET,
	OPTION_ADDRESS,
	OPTION_KEY,
	OPTION_CONFIG,
	OPTION_RUNDIR,
	OPTION_SHMDIR,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_IDS,
};

#define OPTION_BIT(id) (UINT32_C(1) << (id))

/* Options of every sub-command. */
#define OPTIONS_ALWAYS                                                                             \
	(OPTION_BIT(OPTION_CONFIG) | OPTION_BIT(OPTION_RUNDIR) | OPTION_BIT(OPTION_SHMDIR) |       \
	    OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_VERSION))

#define OPTION_WORDS_MAX 2

/* Texts are borrowed from argv or constant. */
struct options {
	uint32_t given; /* OPTION_BIT()s */
	const char *config;
	const char *rundir;
	const char *shmdir;
	const char *columns;
	const char *message;
	const char *address;               /* an IPv4 or IPv6 address; NULL: not given */
	const char *keys[POLICY_KEYS_MAX]; /* fingerprints */
	size_t key_count;
	enum policy_drain drain; /* POLICY_DRAIN_UNSET: not given */
	uint64_t deadline_ns;    /* from now */
	uint64_t timeout_ns;
	const char *words[OPTION_WORDS_MAX]; /* the sub-command and its operand */
	size_t word_count;
};

/* Reads argv; options may stand before, between and after the words.  Uses getopt_long(3), so one
 * thread at a time.  Returns 0, or -EINVAL after naming the argument that is wrong on err. */
int options_parse(int argc, char **argv, FILE *err, struct options *out);

/* The option's long name, without dashes; a constant string. */
const char *option_name(enum option_id id);

/* Writes one help line for each option in the set of OPTION_BIT()s. */
void options_print_help(FILE *out, uint32_t which);

#endif
