/* unit tests: the policy's settings, their texts and what they match. */
#include "policy/policy.h"
#include "policy/policy_match.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* policy: the settings */

TestSuite(policy);

Test(policy, built_in_values)
{
	static const char *const expected[POLICY_SETTINGS][2] = {
	    {"close", "client"},
	    {"drain", "transfer"},
	    {"deadline", "5m"},
	    {"linger", "2s"},
	    {"while_draining", "refuse-session"},
	    {"max_sessions", "none"},
	    {"max_connections", "none"},
	    {"max_sessions_per_connection", "none"},
	    {"idle_timeout", "none"},
	    {"session_timeout", "none"},
	    {"required", "false"},
	};
	struct policy policy;
	char text[POLICY_VALUE_MAX];

	memset(&policy, 0xff, sizeof(policy));
	policy_set_defaults(&policy);
	for (int i = 0; i < POLICY_SETTINGS; i++) {
		enum policy_setting setting = (enum policy_setting)i;

		cr_expect_str_eq(policy_setting_name(setting), expected[i][0]);
		cr_expect_str_eq(policy_setting_format(setting, &policy, text), expected[i][1]);
		cr_expect_eq(policy_setting_find(expected[i][0]), i);
	}
	cr_expect_eq(policy.close, POLICY_CLOSE_CLIENT);
	cr_expect_eq(policy.drain, POLICY_DRAIN_TRANSFER);
	cr_expect_eq(policy.while_draining, POLICY_REFUSE_SESSION);
	cr_expect_eq(policy.deadline_ns, 300 * NS_PER_S);
	cr_expect_eq(policy.linger_ns, 2 * NS_PER_S);
	cr_expect_eq(policy.reserved, 0);
}

Test(policy, names_are_exact)
{
	static const char *const unknown[] = {"", "Close", "close ", "clos", "match", "default"};

	for (size_t i = 0; i < COUNT(unknown); i++)
		cr_expect_eq(policy_setting_find(unknown[i]), -ENOENT, "%s", unknown[i]);
}

Test(policy, good_values_are_read_and_written_back)
{
	static const struct {
		enum policy_setting setting;
		const char *value;
		uint64_t number;
		const char *written; /* NULL: as value */
	} cases[] = {
	    {POLICY_SETTING_CLOSE, "client", POLICY_CLOSE_CLIENT, NULL},
	    {POLICY_SETTING_CLOSE, "first", POLICY_CLOSE_FIRST, NULL},
	    {POLICY_SETTING_CLOSE, "last", POLICY_CLOSE_LAST, NULL},
	    {POLICY_SETTING_DRAIN, "session", POLICY_DRAIN_SESSION, NULL},
	    {POLICY_SETTING_DRAIN, "transfer", POLICY_DRAIN_TRANSFER, NULL},
	    {POLICY_SETTING_DRAIN, "now", POLICY_DRAIN_NOW, NULL},
	    {POLICY_SETTING_WHILE_DRAINING, "refuse-session", POLICY_REFUSE_SESSION, NULL},
	    {POLICY_SETTING_WHILE_DRAINING, "refuse-login", POLICY_REFUSE_LOGIN, NULL},
	    {POLICY_SETTING_WHILE_DRAINING, "admit", POLICY_ADMIT, NULL},
	    {POLICY_SETTING_DEADLINE, "0s", 0, NULL},
	    {POLICY_SETTING_DEADLINE, "250ms", 250 * NS_PER_MS, NULL},
	    {POLICY_SETTING_DEADLINE, "90s", 90 * NS_PER_S, NULL},
	    {POLICY_SETTING_DEADLINE, "60m", 3600 * NS_PER_S, "1h"},
	    {POLICY_SETTING_LINGER, "1500ms", 1500 * NS_PER_MS, NULL},
	    {POLICY_SETTING_LINGER, "10000d", UINT64_C(864000000) * NS_PER_S, NULL},
	    {POLICY_SETTING_MAX_SESSIONS, "1", 1, NULL},
	    {POLICY_SETTING_MAX_CONNECTIONS, "1000000", 1000000, NULL},
	    {POLICY_SETTING_MAX_SESSIONS_PER_CONNECTION, "none", 0, NULL},
	    {POLICY_SETTING_IDLE_TIMEOUT, "none", 0, NULL},
	    {POLICY_SETTING_IDLE_TIMEOUT, "1ms", NS_PER_MS, NULL},
	    {POLICY_SETTING_SESSION_TIMEOUT, "24h", 86400 * NS_PER_S, "1d"},
	    {POLICY_SETTING_REQUIRED, "true", 1, NULL},
	    {POLICY_SETTING_REQUIRED, "false", 0, NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *value = cases[i].value;
		struct policy policy;
		uint64_t number = 0;
		char text[POLICY_VALUE_MAX];

		memset(&policy, 0xff, sizeof(policy));
		cr_assert_eq(policy_setting_parse(cases[i].setting, value, &policy), 0);
		switch (cases[i].setting) {
		case POLICY_SETTING_CLOSE:
			number = policy.close;
			break;
		case POLICY_SETTING_DRAIN:
			number = policy.drain;
			break;
		case POLICY_SETTING_WHILE_DRAINING:
			number = policy.while_draining;
			break;
		case POLICY_SETTING_DEADLINE:
			number = policy.deadline_ns;
			break;
		case POLICY_SETTING_LINGER:
			number = policy.linger_ns;
			break;
		case POLICY_SETTING_MAX_SESSIONS:
			number = policy.max_sessions;
			break;
		case POLICY_SETTING_MAX_CONNECTIONS:
			number = policy.max_connections;
			break;
		case POLICY_SETTING_MAX_SESSIONS_PER_CONNECTION:
			number = policy.max_sessions_per_connection;
			break;
		case POLICY_SETTING_IDLE_TIMEOUT:
			number = policy.idle_timeout_ns;
			break;
		case POLICY_SETTING_SESSION_TIMEOUT:
			number = policy.session_timeout_ns;
			break;
		case POLICY_SETTING_REQUIRED:
			number = policy.required;
			break;
		case POLICY_SETTINGS:
			break;
		}
		cr_expect_eq(number, cases[i].number, "%s", value);
		cr_expect_str_eq(policy_setting_format(cases[i].setting, &policy, text),
		    cases[i].written != NULL ? cases[i].written : value);
	}
}

Test(policy, bad_values_change_nothing)
{
	static const struct {
		enum policy_setting setting;
		const char *value;
		int rc;
	} cases[] = {
	    {POLICY_SETTING_CLOSE, "", -EINVAL},
	    {POLICY_SETTING_CLOSE, "Client", -EINVAL},
	    {POLICY_SETTING_CLOSE, "lastly", -EINVAL},
	    {POLICY_SETTING_CLOSE, "now", -EINVAL},
	    {POLICY_SETTING_DRAIN, "policy", -EINVAL},
	    {POLICY_SETTING_DRAIN, "client", -EINVAL},
	    {POLICY_SETTING_WHILE_DRAINING, "refuse", -EINVAL},
	    {POLICY_SETTING_DEADLINE, "", -EINVAL},
	    {POLICY_SETTING_DEADLINE, "5", -EINVAL},
	    {POLICY_SETTING_DEADLINE, "-5m", -EINVAL},
	    {POLICY_SETTING_DEADLINE, "5 m", -EINVAL},
	    {POLICY_SETTING_LINGER, "never", -EINVAL},
	    {POLICY_SETTING_LINGER, "10001d", -ERANGE},
	    {POLICY_SETTING_LINGER, "none", -EINVAL},
	    {POLICY_SETTING_MAX_SESSIONS, "", -EINVAL},
	    {POLICY_SETTING_MAX_SESSIONS, "0", -EINVAL},
	    {POLICY_SETTING_MAX_SESSIONS, "-1", -EINVAL},
	    {POLICY_SETTING_MAX_SESSIONS, "+1", -EINVAL},
	    {POLICY_SETTING_MAX_SESSIONS, "01", -EINVAL},
	    {POLICY_SETTING_MAX_SESSIONS, "1 ", -EINVAL},
	    {POLICY_SETTING_MAX_CONNECTIONS, "1000001", -EINVAL},
	    {POLICY_SETTING_MAX_CONNECTIONS, "18446744073709551617", -EINVAL},
	    {POLICY_SETTING_IDLE_TIMEOUT, "0s", -EINVAL},
	    {POLICY_SETTING_IDLE_TIMEOUT, "10", -EINVAL},
	    {POLICY_SETTING_SESSION_TIMEOUT, "None", -EINVAL},
	    {POLICY_SETTING_REQUIRED, "yes", -EINVAL},
	    {POLICY_SETTING_REQUIRED, "1", -EINVAL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct policy policy, before;

		policy_set_defaults(&policy);
		before = policy;
		cr_expect_eq(policy_setting_parse(cases[i].setting, cases[i].value, &policy),
		    cases[i].rc, "%s", cases[i].value);
		cr_expect_arr_eq(&policy, &before, sizeof(policy));
	}
}

Test(policy, values_text_names_every_value)
{
	static const char *const drains[] = {"session", "transfer", "now"};

	for (size_t i = 0; i < COUNT(drains); i++)
		cr_expect_not_null(strstr(policy_setting_values(POLICY_SETTING_DRAIN), drains[i]));
	for (int i = 0; i < POLICY_SETTINGS; i++)
		cr_expect_gt(strlen(policy_setting_values((enum policy_setting)i)), 0);
}

Test(policy, format_survives_a_value_that_is_none)
{
	struct policy policy;
	char text[POLICY_VALUE_MAX];

	memset(&policy, 0xff, sizeof(policy));
	cr_expect_str_eq(policy_setting_format(POLICY_SETTING_CLOSE, &policy, text), "?");
	cr_expect_lt(strlen(policy_setting_format(POLICY_SETTING_LINGER, &policy, text)),
	    (size_t)POLICY_VALUE_MAX);
}

Test(policy, drain_names)
{
	enum policy_drain drain = POLICY_DRAIN_UNSET;

	cr_expect_str_eq(policy_drain_name(POLICY_DRAIN_UNSET), "policy");
	cr_expect_str_eq(policy_drain_name(POLICY_DRAIN_SESSION), "session");
	cr_expect_str_eq(policy_drain_name(POLICY_DRAIN_TRANSFER), "transfer");
	cr_expect_str_eq(policy_drain_name(POLICY_DRAIN_NOW), "now");
	cr_expect_eq(policy_drain_parse("now", &drain), 0);
	cr_expect_eq(drain, POLICY_DRAIN_NOW);
	cr_expect_eq(policy_drain_parse("policy", &drain), -EINVAL);
	cr_expect_eq(policy_drain_parse("", &drain), -EINVAL);
	cr_expect_eq(drain, POLICY_DRAIN_NOW);
}

Test(policy, patterns)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
	    {"bob", "bob", true},
	    {"bob", "bobby", false},
	    {"bob", "Bob", false},
	    {"", "", true},
	    {"", "a", false},
	    {"*", "", true},
	    {"*", "anything", true},
	    {"?", "", false},
	    {"?", "a", true},
	    {"backup-*", "backup-", true},
	    {"backup-*", "backup-7", true},
	    {"backup-*", "backup", false},
	    {"*a*b*c", "xxaxxbxxc", true},
	    {"*a*b*c", "xxaxxcxxb", false},
	    {"a?c", "abc", true},
	    {"a?c", "ac", false},
	    {"*?b", "b", false},
	    {"*?b", "abb", true},
	    /* Not fnmatch(3): brackets and backslashes stand for themselves. */
	    {"[ab]", "a", false},
	    {"[ab]", "[ab]", true},
	    {"\\*", "*", false},
	    {"\\*", "\\x", true},
	    {"a*", "*", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_expect_eq(policy_match_text(cases[i].pattern, cases[i].text), cases[i].matches,
		    "%s on %s", cases[i].pattern, cases[i].text);
}

Test(policy, many_stars_take_no_time, .timeout = 5)
{
	char pattern[202], text[4001];

	for (size_t i = 0; i < sizeof(pattern) - 2; i += 2)
		memcpy(pattern + i, "*a", 2);
	memcpy(pattern + sizeof(pattern) - 2, "b", 2);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cr_expect_not(policy_match_text(pattern, text));
}
