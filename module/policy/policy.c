/* policy: the settings, their values and their built-in values, in one table.  No I/O, no
 * allocation; knows nothing of the configuration file's form. */
#include "policy/policy.h"

#include "util/clock.h"
#include "util/duration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum kind {
	KIND_NAME,     /* one of a few names; the field is a uint32_t */
	KIND_DURATION, /* the field is a uint64_t of nanoseconds */
	KIND_TIMEOUT,  /* likewise; "none" is 0 */
	KIND_COUNT,    /* the field is a uint32_t; "none" is 0 */
	KIND_SWITCH,   /* the field is a uint32_t, 0 or 1 */
};

#define COUNT_MAX 1000000
#define TEXT_OF(number) #number
#define TEXT_OF_VALUE(macro) TEXT_OF(macro)

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

static const struct named_value switch_values[] = {
    {"false", 0},
    {"true", 1},
    {NULL, 0},
};

static const struct named_value while_draining_values[] = {
    {"refuse-session", POLICY_REFUSE_SESSION},
    {"refuse-login", POLICY_REFUSE_LOGIN},
    {"admit", POLICY_ADMIT},
    {NULL, 0},
};

#define DURATION_VALUES "a duration: a whole number and ms, s, m, h or d, 10000d at most"
#define TIMEOUT_VALUES DURATION_VALUES " and more than 0, or none"
#define COUNT_VALUES                                                                               \
	"a whole number from 1 to " TEXT_OF_VALUE(COUNT_MAX) ", without quotes, or \"none\""

static const struct setting {
	const char *name;
	enum kind kind;
	size_t offset; /* of the field in struct policy */
	uint64_t built_in;
	const struct named_value *values; /* KIND_NAME and KIND_SWITCH */
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
    [POLICY_SETTING_MAX_SESSIONS] = {"max_sessions", KIND_COUNT,
	offsetof(struct policy, max_sessions), 0, NULL, COUNT_VALUES},
    [POLICY_SETTING_MAX_CONNECTIONS] = {"max_connections", KIND_COUNT,
	offsetof(struct policy, max_connections), 0, NULL, COUNT_VALUES},
    [POLICY_SETTING_MAX_SESSIONS_PER_CONNECTION] = {"max_sessions_per_connection", KIND_COUNT,
	offsetof(struct policy, max_sessions_per_connection), 0, NULL, COUNT_VALUES},
    [POLICY_SETTING_IDLE_TIMEOUT] = {"idle_timeout", KIND_TIMEOUT,
	offsetof(struct policy, idle_timeout_ns), 0, NULL, TIMEOUT_VALUES},
    [POLICY_SETTING_SESSION_TIMEOUT] = {"session_timeout", KIND_TIMEOUT,
	offsetof(struct policy, session_timeout_ns), 0, NULL, TIMEOUT_VALUES},
    [POLICY_SETTING_REQUIRED] = {"required", KIND_SWITCH, offsetof(struct policy, required), 0,
	switch_values, "true or false, without quotes"},
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

static bool is_wide(const struct setting *setting)
{
	return setting->kind == KIND_DURATION || setting->kind == KIND_TIMEOUT;
}

static void set_field(const struct setting *setting, struct policy *policy, uint64_t value)
{
	char *field = (char *)policy + setting->offset;
	uint32_t narrow = (uint32_t)value;

	if (is_wide(setting))
		memcpy(field, &value, sizeof(value));
	else
		memcpy(field, &narrow, sizeof(narrow));
}

static uint64_t get_field(const struct setting *setting, const struct policy *policy)
{
	const char *field = (const char *)policy + setting->offset;
	uint64_t value;
	uint32_t narrow;

	if (is_wide(setting)) {
		memcpy(&value, field, sizeof(value));
		return value;
	}
	memcpy(&narrow, field, sizeof(narrow));
	return narrow;
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

enum policy_form policy_setting_form(enum policy_setting setting)
{
	switch (settings[setting].kind) {
	case KIND_COUNT:
		return POLICY_FORM_NUMBER;
	case KIND_SWITCH:
		return POLICY_FORM_SWITCH;
	default:
		return POLICY_FORM_TEXT;
	}
}

/* Digits alone, no leading zero. */
static int parse_count(const char *text, uint64_t *count)
{
	*count = 0;
	if (text[0] == '0' || text[0] == '\0')
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		*count = *count * 10 + (uint64_t)(*text - '0');
		if (*count > COUNT_MAX)
			return -EINVAL;
	}
	return 0;
}

static int parse_value(const struct setting *setting, const char *text, uint64_t *value)
{
	const struct named_value *found;
	int rc;

	switch (setting->kind) {
	case KIND_COUNT:
		return strcmp(text, "none") == 0 ? 0 : parse_count(text, value);
	case KIND_TIMEOUT:
		if (strcmp(text, "none") == 0)
			return 0;
		rc = duration_parse(text, value);
		return rc == 0 && *value == 0 ? -EINVAL : rc;
	case KIND_DURATION:
		return duration_parse(text, value);
	default:
		found = find_name(setting->values, text);
		*value = found != NULL ? found->value : 0;
		return found != NULL ? 0 : -EINVAL;
	}
}

int policy_setting_parse(enum policy_setting setting, const char *value, struct policy *policy)
{
	uint64_t parsed = 0;
	int rc = parse_value(&settings[setting], value, &parsed);

	if (rc == 0)
		set_field(&settings[setting], policy, parsed);
	return rc;
}

char *policy_setting_format(
    enum policy_setting setting, const struct policy *policy, char out[POLICY_VALUE_MAX])
{
	const struct setting *row = &settings[setting];
	uint64_t value = get_field(row, policy);
	char text[DURATION_TEXT_MAX];

	if (row->values != NULL)
		snprintf(out, POLICY_VALUE_MAX, "%s", name_of(row->values, (uint32_t)value));
	else if (value == 0 && row->kind != KIND_DURATION)
		snprintf(out, POLICY_VALUE_MAX, "none");
	else if (row->kind == KIND_COUNT)
		snprintf(out, POLICY_VALUE_MAX, "%" PRIu64, value);
	else
		snprintf(out, POLICY_VALUE_MAX, "%s", duration_format(value, text));
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
