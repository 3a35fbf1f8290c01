/* control: quantities as people read them.  No I/O. */
#include "control/human.h"

#include "util/clock.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

char *human_size(uint64_t bytes, char out[HUMAN_TEXT_MAX])
{
	static const char units[] = "BKMGTPE";
	unsigned int unit = 0;
	uint64_t whole = bytes, rest = 0;

	while (whole >= 1024) {
		rest = whole % 1024;
		whole /= 1024;
		unit++;
	}
	if (unit > 0 && whole < 10)
		snprintf(out, HUMAN_TEXT_MAX, "%" PRIu64 ".%" PRIu64 "%c", whole, rest * 10 / 1024,
		    units[unit]);
	else
		snprintf(out, HUMAN_TEXT_MAX, "%" PRIu64 "%c", whole, units[unit]);
	return out;
}

char *human_span(uint64_t ns, char out[HUMAN_TEXT_MAX])
{
	static const struct {
		uint64_t seconds;
		char suffix;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	const size_t last = sizeof(units) / sizeof(units[0]) - 1;
	uint64_t seconds = ns / NS_PER_S, first, second;
	size_t i = 0;

	while (i < last && seconds < units[i].seconds)
		i++;
	first = seconds / units[i].seconds;
	second = i < last ? seconds % units[i].seconds / units[i + 1].seconds : 0;
	if (second > 0)
		snprintf(out, HUMAN_TEXT_MAX, "%" PRIu64 "%c %" PRIu64 "%c", first, units[i].suffix,
		    second, units[i + 1].suffix);
	else
		snprintf(out, HUMAN_TEXT_MAX, "%" PRIu64 "%c", first, units[i].suffix);
	return out;
}

uint64_t human_since(uint64_t then_ns, uint64_t now_ns)
{
	return then_ns < now_ns ? now_ns - then_ns : 0;
}
