/* bench: medians and ranges.  No I/O. */
#ifndef SD_BENCH_STATS_H
#define SD_BENCH_STATS_H

#include <stddef.h>

#define ROUNDS_MAX 99

struct series {
	double values[ROUNDS_MAX];
	size_t count;
};

struct spread {
	double median, least, most;
};

void series_add(struct series *series, double value);

/* All zero for an empty series. */
struct spread series_spread(const struct series *series);

/* a's values by b's, round by round. */
struct series series_ratio(const struct series *a, const struct series *b);

#endif
