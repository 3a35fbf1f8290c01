/* bench: medians and ranges.  No I/O. */
#include "stats.h"

#include <stdlib.h>

void series_add(struct series *series, double value)
{
	if (series->count < ROUNDS_MAX)
		series->values[series->count++] = value;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

struct spread series_spread(const struct series *series)
{
	struct series sorted = *series;
	size_t count = sorted.count;

	if (count == 0)
		return (struct spread){0, 0, 0};
	qsort(sorted.values, count, sizeof(sorted.values[0]), compare);
	return (struct spread){
	    .median = (sorted.values[(count - 1) / 2] + sorted.values[count / 2]) / 2,
	    .least = sorted.values[0],
	    .most = sorted.values[count - 1],
	};
}

struct series series_ratio(const struct series *a, const struct series *b)
{
	struct series ratio = {.count = 0};

	for (size_t i = 0; i < a->count && i < b->count; i++)
		series_add(&ratio, b->values[i] > 0 ? a->values[i] / b->values[i] : 0);
	return ratio;
}
