/* util: durations as people write them.  No I/O. */
#include "util/duration.h"

#include "util/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct unit {
	const char *suffix;
	uint64_t ns;
} units[] = {
    /* Largest first, so that duration_format takes the first that divides. */
    {"d", 86400 * NS_PER_S},
    {"h", 3600 * NS_PER_S},
    {"m", 60 * NS_PER_S},
    {"s", NS_PER_S},
    {"ms", NS_PER_MS},
};
static const size_t unit_count = sizeof(units) / sizeof(units[0]);
static const uint64_t longest_ns = UINT64_C(10000) * 86400 * NS_PER_S;

int duration_parse(const char *text, uint64_t *ns)
{
	uint64_t number = 0;
	const char *at = text;

	while (*at >= '0' && *at <= '9') {
		number = number * 10 + (uint64_t)(*at - '0');
		if (number > longest_ns)
			return -ERANGE;
		at++;
	}
	if (at == text)
		return -EINVAL;
	for (size_t i = 0; i < unit_count; i++) {
		if (strcmp(at, units[i].suffix) != 0)
			continue;
		if (number > longest_ns / units[i].ns)
			return -ERANGE;
		*ns = number * units[i].ns;
		return 0;
	}
	return -EINVAL;
}

char *duration_format(uint64_t ns, char out[DURATION_TEXT_MAX])
{
	const struct unit *unit = &units[unit_count - 1];
	uint64_t whole = ns - ns % unit->ns;

	if (whole == 0) {
		snprintf(out, DURATION_TEXT_MAX, "0s");
		return out;
	}
	for (size_t i = 0; i < unit_count; i++) {
		if (whole % units[i].ns == 0) {
			unit = &units[i];
			break;
		}
	}
	snprintf(out, DURATION_TEXT_MAX, "%" PRIu64 "%s", whole / unit->ns, unit->suffix);
	return out;
}
