/* policy: whether a rule of the configuration file is for a subject.  No I/O; never logs or exits. */
#include "policy/policy_rule_match.h"

#include "policy/policy_address.h"
#include "policy/policy_key.h"
#include "policy/policy_match.h"
#include "policy/policy_text.h"

#include <errno.h>
#include <string.h>

/* What a list of patterns has said so far. */
struct list_match {
	bool positive; /* it has a pattern that is not negated */
	bool negative; /* it has one that is */
	bool matched, negated;
};

/* What one pattern says of the subject.  Returns 0, or -EINVAL when it is none. */
typedef int (*pattern_match)(
    const struct policy_subject *subject, const char *pattern, enum policy_match *match);

static int match_user(
    const struct policy_subject *subject, const char *pattern, enum policy_match *match)
{
	*match = policy_match_names(pattern, &subject->user, subject->user != NULL);
	return 0;
}

static int match_group(
    const struct policy_subject *subject, const char *pattern, enum policy_match *match)
{
	*match = policy_match_names(pattern, subject->groups, subject->group_count);
	return 0;
}

static int match_address(
    const struct policy_subject *subject, const char *pattern, enum policy_match *match)
{
	struct policy_address address;
	bool known =
	    subject->address != NULL && policy_address_parse(subject->address, &address) == 0;

	return policy_address_match(pattern, known ? &address : NULL, match);
}

static int match_key(
    const struct policy_subject *subject, const char *pattern, enum policy_match *match)
{
	const char *wanted = pattern + (*pattern == '!');

	if (strcmp(wanted, "*") != 0 && !policy_key_is_fingerprint(wanted))
		return -EINVAL;
	*match = policy_match_names(pattern, subject->keys, subject->key_count);
	return 0;
}

static const struct match_row {
	const char *name;
	pattern_match match;
	const char *must_be; /* NULL: any text is a pattern */
} rows[] = {
    {"user", match_user, NULL},
    {"group", match_group, NULL},
    {"address", match_address,
	"must be an address, a network as ADDRESS/LENGTH with no bit set behind LENGTH, or an "
	"address with * or ?"},
    {"key", match_key, "must be a fingerprint as ssh-keygen -l prints it, SHA256:..., or *"},
};

static int refuse(const struct policy_loading *loading, const config_setting_t *key,
    const char *place, const char *what)
{
	/* The key's line, not the element's: libconfig has read ahead when it notes the latter. */
	return policy_error_set(loading->error, -EINVAL, loading->path, policy_rules_line(key),
	    "%s in the match of %s: %s", config_setting_name(key), place, what);
}

static int refuse_pattern(const struct policy_loading *loading, const config_setting_t *key,
    const char *place, const char *pattern, const char *must_be)
{
	char text[POLICY_SHOWN_MAX];

	return policy_error_set(loading->error, -EINVAL, loading->path, policy_rules_line(key),
	    "%s = \"%s\" in the match of %s: %s", config_setting_name(key),
	    policy_rules_shown(pattern, text), place, must_be);
}

/* Reads one pattern list ("bob" or ["bob", "!backup-*"]). */
static int match_list(const struct policy_loading *loading, const config_setting_t *key,
    const char *place, const struct match_row *row, struct list_match *list)
{
	bool single = config_setting_type(key) == CONFIG_TYPE_STRING;
	int length = single ? 1 : loading->lib->config_setting_length(key);

	if (!single && config_setting_type(key) != CONFIG_TYPE_ARRAY &&
	    config_setting_type(key) != CONFIG_TYPE_LIST)
		return refuse(
		    loading, key, place, "must be a pattern or a list of patterns, in quotes");
	for (int i = 0; i < length; i++) {
		const config_setting_t *item =
		    single ? key : loading->lib->config_setting_get_elem(key, (unsigned int)i);
		const char *pattern = loading->lib->config_setting_get_string(item);
		enum policy_match match;

		if (config_setting_type(item) != CONFIG_TYPE_STRING || pattern == NULL)
			return refuse(
			    loading, key, place, "each pattern must be a string in quotes");
		if (pattern[pattern[0] == '!'] == '\0')
			return refuse(loading, key, place, "a pattern is empty");
		if (row->match(loading->subject, pattern, &match) != 0)
			return refuse_pattern(loading, key, place, pattern, row->must_be);
		list->positive |= pattern[0] != '!';
		list->negative |= pattern[0] == '!';
		list->matched |= match == POLICY_MATCH_YES;
		list->negated |= match == POLICY_MATCH_NEGATED;
	}
	if (!list->positive)
		return refuse(loading, key, place,
		    "can never match: it needs a pattern without '!', such as \"*\"");
	return 0;
}

/* A negated match ends a list as sshd_config(5) has it: it does not match, whatever else does. */
static enum policy_rule_match judge(const struct policy_subject *subject,
    const struct match_row *row, const struct list_match *list)
{
	bool open = row->match == match_key && subject->keys_open;

	if (list->negated)
		return POLICY_RULE_NO;
	if (open && (!list->matched || list->negative))
		return POLICY_RULE_MAYBE;
	return list->matched ? POLICY_RULE_YES : POLICY_RULE_NO;
}

static const struct match_row *find_row(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

int policy_rule_match(const struct policy_loading *loading, const config_setting_t *match,
    const char *place, enum policy_rule_match *out)
{
	int count = loading->lib->config_setting_length(match);

	if (config_setting_type(match) != CONFIG_TYPE_GROUP || count == 0)
		return policy_error_set(loading->error, -EINVAL, loading->path,
		    policy_rules_line(match),
		    "match in %s: must be a group of user, group, address, key or several of them; "
		    "a rule for everybody has no match",
		    place);
	*out = POLICY_RULE_YES;
	for (int i = 0; i < count; i++) {
		const config_setting_t *key =
		    loading->lib->config_setting_get_elem(match, (unsigned int)i);
		const struct match_row *row = find_row(config_setting_name(key));
		struct list_match list = {.positive = false};
		enum policy_rule_match this_one;
		int rc;

		if (row == NULL)
			return policy_rules_refuse_unknown(
			    loading, key, "match", "user, group, address, key");
		rc = match_list(loading, key, place, row, &list);
		if (rc != 0)
			return rc;
		this_one = judge(loading->subject, row, &list);
		if (this_one < *out)
			*out = this_one;
	}
	return 0;
}
