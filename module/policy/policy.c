/* policy: the settings, their values and their built-in values, in one table.  No I/O, no
 * allocation; knows nothing of the configuration file's form. */
#include "policy/policy.h"

#include "util/clock.h"
#include "util/duration.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum kind {
	KIND_NAME,     /* one of a few names; the field is a uint32_t */
	KIND_DURATION, /* the field is a uint64_t of nanoseconds */
};

struct named_value {
	const char *name; /* NULL ends the list */
	uint32_t value;
};

static const struct named_value close_values[] = {
    {"client", POLICY_CLOSE_CLIENT},
    {"first", POLICY_CLOSE_FIRST},
    {"last", POLICY_CLOSE_LAST},
    {NULL, 0},
};

static const struct named_value drain_values[] = {
    {"session", POLICY_DRAIN_SESSION},
    {"transfer", POLICY_DRAIN_TRANSFER},
    {"now", POLICY_DRAIN_NOW},
    {NULL, 0},
};

static const struct named_value while_draining_values[] = {
    {"refuse-session", POLICY_REFUSE_SESSION},
    {"refuse-login", POLICY_REFUSE_LOGIN},
    {"admit", POLICY_ADMIT},
    {NULL, 0},
};

#define DURATION_VALUES "a duration: a whole number and ms, s, m, h or d, 10000d at most"

static const struct setting {
	const char *name;
	enum kind kind;
	size_t offset; /* of the field in struct policy */
	uint64_t built_in;
	const struct named_value *values; /* KIND_NAME only */
	const char *values_text;
} settings[POLICY_SETTINGS] = {
    [POLICY_SETTING_CLOSE] = {"close", KIND_NAME, offsetof(struct policy, close),
	POLICY_CLOSE_CLIENT, close_values, "client, first or last"},
    [POLICY_SETTING_DRAIN] = {"drain", KIND_NAME, offsetof(struct policy, drain),
	POLICY_DRAIN_TRANSFER, drain_values, "session, transfer or now"},
    [POLICY_SETTING_DEADLINE] = {"deadline", KIND_DURATION, offsetof(struct policy, deadline_ns),
	300 * NS_PER_S, NULL, DURATION_VALUES},
    [POLICY_SETTING_LINGER] = {"linger", KIND_DURATION, offsetof(struct policy, linger_ns),
	2 * NS_PER_S, NULL, DURATION_VALUES},
    [POLICY_SETTING_WHILE_DRAINING] = {"while_draining", KIND_NAME,
	offsetof(struct policy, while_draining), POLICY_REFUSE_SESSION, while_draining_values,
	"refuse-session, refuse-login or admit"},
};

static const struct named_value *find_name(const struct named_value *values, const char *name)
{
	for (; values->name != NULL; values++) {
		if (strcmp(values->name, name) == 0)
			return values;
	}
	return NULL;
}

static const char *name_of(const struct named_value *values, uint32_t value)
{
	for (; values->name != NULL; values++) {
		if (values->value == value)
			return values->name;
	}
	/* The struct may come from the session table of a broken build: never NULL. */
	return "?";
}

static void set_field(const struct setting *setting, struct policy *policy, uint64_t value)
{
	char *field = (char *)policy + setting->offset;
	uint32_t narrow = (uint32_t)value;

	if (setting->kind == KIND_NAME)
		memcpy(field, &narrow, sizeof(narrow));
	else
		memcpy(field, &value, sizeof(value));
}

void policy_set_defaults(struct policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	for (size_t i = 0; i < POLICY_SETTINGS; i++)
		set_field(&settings[i], policy, settings[i].built_in);
}

const char *policy_setting_name(enum policy_setting setting)
{
	return settings[setting].name;
}

const char *policy_setting_values(enum policy_setting setting)
{
	return settings[setting].values_text;
}

int policy_setting_find(const char *name)
{
	for (int i = 0; i < POLICY_SETTINGS; i++) {
		if (strcmp(settings[i].name, name) == 0)
			return i;
	}
	return -ENOENT;
}

int policy_setting_parse(enum policy_setting setting, const char *value, struct policy *policy)
{
	const struct setting *row = &settings[setting];
	uint64_t parsed = 0;

	if (row->kind == KIND_NAME) {
		const struct named_value *found = find_name(row->values, value);

		if (found == NULL)
			return -EINVAL;
		parsed = found->value;
	} else {
		int rc = duration_parse(value, &parsed);

		if (rc != 0)
			return rc;
	}
	set_field(row, policy, parsed);
	return 0;
}

char *policy_setting_format(
    enum policy_setting setting, const struct policy *policy, char out[POLICY_VALUE_MAX])
{
	const struct setting *row = &settings[setting];
	const char *field = (const char *)policy + row->offset;

	if (row->kind == KIND_NAME) {
		uint32_t value;

		memcpy(&value, field, sizeof(value));
		snprintf(out, POLICY_VALUE_MAX, "%s", name_of(row->values, value));
	} else {
		char text[DURATION_TEXT_MAX];
		uint64_t ns;

		memcpy(&ns, field, sizeof(ns));
		snprintf(out, POLICY_VALUE_MAX, "%s", duration_format(ns, text));
	}
	return out;
}

const char *policy_drain_name(enum policy_drain drain)
{
	return drain == POLICY_DRAIN_UNSET ? "policy" : name_of(drain_values, (uint32_t)drain);
}

int policy_drain_parse(const char *name, enum policy_drain *drain)
{
	const struct named_value *found = find_name(drain_values, name);

	if (found == NULL)
		return -EINVAL;
	*drain = (enum policy_drain)found->value;
	return 0;
}
