/* policy: names against patterns, as sshd does it.  No I/O; knows nothing of libconfig. */
#include "policy/policy_match.h"

bool policy_match_text(const char *pattern, const char *text)
{
	const char *star = NULL, *retry = NULL;

	/* Only the last star is ever tried again, so a pattern of many stars cannot take for ever.
	 */
	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			retry = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

enum policy_match policy_match_names(const char *pattern, const char *const *names, size_t count)
{
	bool negated = *pattern == '!';

	for (size_t i = 0; i < count; i++) {
		if (policy_match_text(pattern + negated, names[i]))
			return negated ? POLICY_MATCH_NEGATED : POLICY_MATCH_YES;
	}
	return POLICY_MATCH_NONE;
}
