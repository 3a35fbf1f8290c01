/* bench: a scenario's rounds, the two servers in turn. */
#ifndef SD_BENCH_RUN_H
#define SD_BENCH_RUN_H

#include "bench.h"
#include "stats.h"

struct outcome {
	const struct scenario *scenario;
	struct series speed[SIDES]; /* in the scenario's unit */
	struct series cpu[SIDES];   /* ms; empty: not measured */
	int status;                 /* BENCH_DONE, BENCH_SKIPPED or a negative errno */
	char problem[PROBLEM_MAX];
};

/* A ratio that is better the larger it is (speed) or the smaller (CPU), and whether it meets the
 * scenario's target.  The ratio of the medians, and the range of the rounds' ratios. */
struct verdict {
	struct spread ratio;
	double target; /* 0: none */
	bool met;
};

/* Runs all rounds, A B, B A and so on.  Stops at the first failure. */
void run_scenario(struct bench *bench, const struct scenario *scenario, struct outcome *out);

struct verdict outcome_speed(const struct outcome *outcome);
struct verdict outcome_cpu(const struct outcome *outcome);

#endif
