/* policy: what a parsed configuration file says for one subject; every setting in it is checked on
 * the way.  No I/O; never logs or exits. */
#include "policy/policy_rules.h"

#include "policy/policy_rule_match.h"
#include "policy/policy_text.h"
#include "util/escape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A place in the file: "default" or "rules[4294967295]". */
#define PLACE_MAX 24

unsigned int policy_rules_line(const config_setting_t *setting)
{
	return (unsigned int)config_setting_source_line(setting);
}

const char *policy_rules_shown(const char *text, char out[POLICY_SHOWN_MAX])
{
	return escape_text(text, strlen(text), out, POLICY_SHOWN_MAX);
}

int policy_rules_refuse_unknown(const struct policy_loading *loading,
    const config_setting_t *setting, const char *place, const char *known)
{
	char name[POLICY_SHOWN_MAX];

	return policy_error_set(loading->error, -EINVAL, loading->path, policy_rules_line(setting),
	    "unknown setting \"%s\" in %s; there are %s",
	    policy_rules_shown(config_setting_name(setting), name), place, known);
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

/* The value as text, in the file's own bytes or in number, or NULL when its type is not one that the
 * setting takes.  (libconfig has a type of its own for numbers that need 64 bits: too large here.) */
static const char *value_text(const struct policy_libconfig *lib, const config_setting_t *from,
    enum policy_form form, char number[POLICY_VALUE_MAX])
{
	const char *text = lib->config_setting_get_string(from);

	switch (config_setting_type(from)) {
	case CONFIG_TYPE_STRING:
		/* A number in quotes is refused: one way to write it is enough. */
		return form == POLICY_FORM_TEXT || (form == POLICY_FORM_NUMBER && text != NULL &&
						       strcmp(text, "none") == 0)
			   ? text
			   : NULL;
	case CONFIG_TYPE_INT:
		snprintf(number, POLICY_VALUE_MAX, "%d", lib->config_setting_get_int(from));
		return form == POLICY_FORM_NUMBER ? number : NULL;
	case CONFIG_TYPE_BOOL:
		if (form != POLICY_FORM_SWITCH)
			return NULL;
		return lib->config_setting_get_bool(from) ? "true" : "false";
	default:
		return NULL;
	}
}

/* Notes where the setting's value, which has just been taken, stands. */
static void note_origin(struct policy_loading *loading, enum policy_setting setting,
    const config_setting_t *from, const char *place)
{
	loading->given[setting] = true;
	if (loading->origins != NULL)
		snprintf(loading->origins->of[setting], POLICY_ORIGIN_MAX, "%s, line %u", place,
		    policy_rules_line(from));
}

/* Checks one setting of default or of a rule, and takes it when it applies and is the first. */
static int load_setting(struct policy_loading *loading, const config_setting_t *from,
    const char *place, enum policy_rule_match applies)
{
	enum policy_setting setting =
	    (enum policy_setting)policy_setting_find(config_setting_name(from));
	enum policy_form form = policy_setting_form(setting);
	char number[POLICY_VALUE_MAX], text[POLICY_SHOWN_MAX];
	const char *value = value_text(loading->lib, from, form, number);
	bool first = !loading->given[setting], takes = first && applies == POLICY_RULE_YES;
	struct policy unused;

	if (value == NULL)
		return policy_error_set(loading->error, -EINVAL, loading->path,
		    policy_rules_line(from), "%s in %s: must be %s%s", policy_setting_name(setting),
		    place, form == POLICY_FORM_TEXT ? "a string in double quotes: " : "",
		    policy_setting_values(setting));
	if (policy_setting_parse(setting, value, takes ? loading->policy : &unused) != 0)
		return policy_error_set(loading->error, -EINVAL, loading->path,
		    policy_rules_line(from), "%s = \"%s\" in %s: must be %s",
		    policy_setting_name(setting), policy_rules_shown(value, text), place,
		    policy_setting_values(setting));
	if (takes)
		note_origin(loading, setting, from, place);
	else if (first && applies == POLICY_RULE_MAYBE && loading->origins != NULL)
		loading->origins->may_change[setting] = true;
	return 0;
}

/* The settings of default or of a rule; match, which is not one, is NULL where there is none. */
static int load_settings(struct policy_loading *loading, const config_setting_t *group,
    const char *place, const config_setting_t *match, enum policy_rule_match applies)
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
			return policy_rules_refuse_unknown(loading, from, place,
			    list_settings(
				config_setting_name(group) == NULL, known, sizeof(known)));
		rc = load_setting(loading, from, place, applies);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int load_rules(struct policy_loading *loading, const config_setting_t *rules)
{
	int count = loading->lib->config_setting_length(rules);

	if (config_setting_type(rules) != CONFIG_TYPE_LIST)
		return policy_error_set(loading->error, -EINVAL, loading->path,
		    policy_rules_line(rules),
		    "rules: must be a list of groups: rules = ( { ... }, { ... } );");
	for (int i = 0; i < count; i++) {
		const config_setting_t *rule =
		    loading->lib->config_setting_get_elem(rules, (unsigned int)i);
		const config_setting_t *match;
		char place[PLACE_MAX];
		enum policy_rule_match matches = POLICY_RULE_YES;
		int rc = 0;

		snprintf(place, sizeof(place), "rules[%d]", i);
		if (config_setting_type(rule) != CONFIG_TYPE_GROUP)
			return policy_error_set(loading->error, -EINVAL, loading->path,
			    policy_rules_line(rules), "%s: must be a group in braces", place);
		match = loading->lib->config_setting_get_member(rule, "match");
		if (match != NULL)
			rc = policy_rule_match(loading, match, place, &matches);
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
			return policy_rules_refuse_unknown(
			    loading, from, "the file", "default, rules");
	}
	/* Rules before default, wherever they stand: the first to give a setting wins. */
	if (rules != NULL)
		rc = load_rules(loading, rules);
	if (rc != 0 || fallback == NULL)
		return rc;
	if (config_setting_type(fallback) != CONFIG_TYPE_GROUP)
		return policy_error_set(loading->error, -EINVAL, loading->path,
		    policy_rules_line(fallback), "default: must be a group of settings in braces");
	return load_settings(loading, fallback, "default", NULL, POLICY_RULE_YES);
}
