/* policy: what a parsed configuration file says for one subject; every setting in it is checked on
 * the way.  No I/O; never logs or exits. */
#include "policy/policy_rules.h"

#include "policy/policy_match.h"
#include "policy/policy_text.h"
#include "util/escape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* As much of a bad word as a message shows. */
#define SHOWN_MAX 64
/* A place in the file: "default" or "rules[4294967295]". */
#define PLACE_MAX 24

static unsigned int line_of(const config_setting_t *setting)
{
	return (unsigned int)config_setting_source_line(setting);
}

/* Returns out: what a message may quote of the file. */
static const char *shown(const char *text, char out[SHOWN_MAX])
{
	return escape_text(text, strlen(text), out, SHOWN_MAX);
}

static int refuse_unknown(const struct policy_loading *loading, const config_setting_t *setting,
    const char *place, const char *known)
{
	char name[SHOWN_MAX];

	return policy_error_set(loading->error, -EINVAL, loading->path, line_of(setting),
	    "unknown setting \"%s\" in %s; there are %s", shown(config_setting_name(setting), name),
	    place, known);
}

/* What may stand in default or in a rule: "match, close, drain, ...". */
static char *list_settings(bool in_rule, char *out, size_t out_len)
{
	size_t used = (size_t)snprintf(out, out_len, "%s", in_rule ? "match" : "");

	for (int i = 0; i < POLICY_SETTINGS && used < out_len; i++)
		used += (size_t)snprintf(out + used, out_len - used, "%s%s", used > 0 ? ", " : "",
		    policy_setting_name((enum policy_setting)i));
	return out;
}

/* Checks one setting of default or of a rule, and takes it when it applies and is the first. */
static int load_setting(
    struct policy_loading *loading, const config_setting_t *from, const char *place, bool applies)
{
	const char *value = loading->lib->config_setting_get_string(from);
	int found = policy_setting_find(config_setting_name(from));
	enum policy_setting setting = (enum policy_setting)found;
	char text[SHOWN_MAX];
	bool takes = applies && !loading->given[setting];
	struct policy unused;

	if (config_setting_type(from) != CONFIG_TYPE_STRING || value == NULL)
		return policy_error_set(loading->error, -EINVAL, loading->path, line_of(from),
		    "%s in %s: must be a string in double quotes: %s", policy_setting_name(setting),
		    place, policy_setting_values(setting));
	if (policy_setting_parse(setting, value, takes ? loading->policy : &unused) != 0)
		return policy_error_set(loading->error, -EINVAL, loading->path, line_of(from),
		    "%s = \"%s\" in %s: must be %s", policy_setting_name(setting),
		    shown(value, text), place, policy_setting_values(setting));
	if (!takes)
		return 0;
	loading->given[setting] = true;
	if (loading->origins != NULL)
		snprintf(loading->origins->of[setting], POLICY_ORIGIN_MAX, "%s, line %u", place,
		    line_of(from));
	return 0;
}

/* The settings of default or of a rule; match, which is not one, is NULL where there is none. */
static int load_settings(struct policy_loading *loading, const config_setting_t *group,
    const char *place, const config_setting_t *match, bool applies)
{
	int count = loading->lib->config_setting_length(group);

	for (int i = 0; i < count; i++) {
		const config_setting_t *from =
		    loading->lib->config_setting_get_elem(group, (unsigned int)i);
		char known[256];
		int rc;

		if (from == match)
			continue;
		if (policy_setting_find(config_setting_name(from)) < 0)
			/* An element of the list of rules has no name, default has. */
			return refuse_unknown(loading, from, place,
			    list_settings(
				config_setting_name(group) == NULL, known, sizeof(known)));
		rc = load_setting(loading, from, place, applies);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int refuse_patterns(const struct policy_loading *loading, const config_setting_t *key,
    const char *place, const char *what)
{
	/* The key's line, not the element's: libconfig has read ahead when it notes the latter. */
	return policy_error_set(loading->error, -EINVAL, loading->path, line_of(key),
	    "%s in the match of %s: %s", config_setting_name(key), place, what);
}

/* Reads one pattern list ("bob" or ["bob", "!backup-*"]) against names.  A negated match ends it as
 * sshd_config(5) has it: the list does not match, whatever else does. */
static int match_list(const struct policy_loading *loading, const config_setting_t *key,
    const char *place, const char *const *names, size_t count, bool *matches)
{
	bool single = config_setting_type(key) == CONFIG_TYPE_STRING;
	int length = single ? 1 : loading->lib->config_setting_length(key);
	bool positive = false, matched = false, negated = false;

	if (!single && config_setting_type(key) != CONFIG_TYPE_ARRAY &&
	    config_setting_type(key) != CONFIG_TYPE_LIST)
		return refuse_patterns(
		    loading, key, place, "must be a pattern or a list of patterns, in quotes");
	for (int i = 0; i < length; i++) {
		const config_setting_t *item =
		    single ? key : loading->lib->config_setting_get_elem(key, (unsigned int)i);
		const char *pattern = loading->lib->config_setting_get_string(item);
		enum policy_match match;

		if (config_setting_type(item) != CONFIG_TYPE_STRING || pattern == NULL)
			return refuse_patterns(
			    loading, key, place, "each pattern must be a string in quotes");
		if (pattern[pattern[0] == '!'] == '\0')
			return refuse_patterns(loading, key, place, "a pattern is empty");
		positive |= pattern[0] != '!';
		match = policy_match_names(pattern, names, count);
		matched |= match == POLICY_MATCH_YES;
		negated |= match == POLICY_MATCH_NEGATED;
	}
	if (!positive)
		return refuse_patterns(loading, key, place,
		    "can never match: it needs a pattern without '!', such as \"*\"");
	*matches = matched && !negated;
	return 0;
}

/* Checks a rule's match; *matches says whether all its keys match the subject. */
static int load_match(const struct policy_loading *loading, const config_setting_t *match,
    const char *place, bool *matches)
{
	const struct policy_subject nobody = {.user = NULL};
	const struct policy_subject *subject =
	    loading->subject != NULL ? loading->subject : &nobody;
	int count = loading->lib->config_setting_length(match);

	if (config_setting_type(match) != CONFIG_TYPE_GROUP || count == 0)
		return policy_error_set(loading->error, -EINVAL, loading->path, line_of(match),
		    "match in %s: must be a group of user, group or both; a rule for everybody "
		    "has no match",
		    place);
	*matches = true;
	for (int i = 0; i < count; i++) {
		const config_setting_t *key =
		    loading->lib->config_setting_get_elem(match, (unsigned int)i);
		const char *name = config_setting_name(key);
		bool this_one = false;
		int rc;

		if (strcmp(name, "user") == 0)
			rc = match_list(
			    loading, key, place, &subject->user, subject->user != NULL, &this_one);
		else if (strcmp(name, "group") == 0)
			rc = match_list(
			    loading, key, place, subject->groups, subject->group_count, &this_one);
		else
			rc = refuse_unknown(loading, key, "match", "user, group");
		if (rc != 0)
			return rc;
		*matches = *matches && this_one;
	}
	return 0;
}

static int load_rules(struct policy_loading *loading, const config_setting_t *rules)
{
	int count = loading->lib->config_setting_length(rules);

	if (config_setting_type(rules) != CONFIG_TYPE_LIST)
		return policy_error_set(loading->error, -EINVAL, loading->path, line_of(rules),
		    "rules: must be a list of groups: rules = ( { ... }, { ... } );");
	for (int i = 0; i < count; i++) {
		const config_setting_t *rule =
		    loading->lib->config_setting_get_elem(rules, (unsigned int)i);
		const config_setting_t *match;
		char place[PLACE_MAX];
		bool matches = true;
		int rc = 0;

		snprintf(place, sizeof(place), "rules[%d]", i);
		if (config_setting_type(rule) != CONFIG_TYPE_GROUP)
			return policy_error_set(loading->error, -EINVAL, loading->path,
			    line_of(rules), "%s: must be a group in braces", place);
		match = loading->lib->config_setting_get_member(rule, "match");
		if (match != NULL)
			rc = load_match(loading, match, place, &matches);
		if (rc == 0)
			rc = load_settings(loading, rule, place, match, matches);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int policy_rules_load(struct policy_loading *loading, const config_setting_t *root)
{
	const config_setting_t *rules = loading->lib->config_setting_get_member(root, "rules");
	const config_setting_t *fallback = loading->lib->config_setting_get_member(root, "default");
	int count = loading->lib->config_setting_length(root);
	int rc = 0;

	for (int i = 0; i < count; i++) {
		const config_setting_t *from =
		    loading->lib->config_setting_get_elem(root, (unsigned int)i);

		if (from != rules && from != fallback &&
		    strcmp(config_setting_name(from), POLICY_TEXT_END) != 0)
			return refuse_unknown(loading, from, "the file", "default, rules");
	}
	/* Rules before default, wherever they stand: the first to give a setting wins. */
	if (rules != NULL)
		rc = load_rules(loading, rules);
	if (rc != 0 || fallback == NULL)
		return rc;
	if (config_setting_type(fallback) != CONFIG_TYPE_GROUP)
		return policy_error_set(loading->error, -EINVAL, loading->path, line_of(fallback),
		    "default: must be a group of settings in braces");
	return load_settings(loading, fallback, "default", NULL, true);
}
