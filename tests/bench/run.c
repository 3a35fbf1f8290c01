/* bench: a scenario's rounds, the two servers in turn. */
#include "run.h"

#include "interrupt.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

/* Binds us, and so the server that we start, to the first processor that we may use. */
static void bind_to_one(const cpu_set_t *all)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, all)) {
			CPU_SET(cpu, &one);
			break;
		}
	}
	(void)sched_setaffinity(0, sizeof(one), &one);
}

static double speed_of(const struct scenario *scenario, const struct sample *sample)
{
	if (scenario->unit == UNIT_KIB || sample->seconds <= 0)
		return sample->amount;
	if (scenario->unit == UNIT_MIB_S)
		return sample->amount / sample->seconds / (1024 * 1024);
	return sample->amount / sample->seconds;
}

static int measure(
    struct bench *bench, const struct scenario *scenario, int side, struct outcome *out)
{
	struct sample sample = {.amount = 0};
	int rc = scenario->run(bench, scenario, &bench->sides[side], &sample);

	if (rc == 0 && interrupt_seen())
		rc = bench_fail(bench, -EINTR, "interrupted");
	if (rc != 0)
		return rc;
	series_add(&out->speed[side], speed_of(scenario, &sample));
	if (sample.cpu >= 0)
		series_add(&out->cpu[side], sample.cpu * 1000);
	return 0;
}

void run_scenario(struct bench *bench, const struct scenario *scenario, struct outcome *out)
{
	cpu_set_t all;
	int rc = 0;

	*out = (struct outcome){.scenario = scenario};
	bench->problem[0] = '\0';
	CPU_ZERO(&all);
	(void)sched_getaffinity(0, sizeof(all), &all);
	if (scenario->one_cpu)
		bind_to_one(&all);
	for (unsigned round = 0; rc == 0 && round < bench->rounds; round++) {
		int first = (int)(round % 2);

		rc = measure(bench, scenario, first, out);
		if (rc == 0)
			rc = measure(bench, scenario, 1 - first, out);
	}
	(void)sched_setaffinity(0, sizeof(all), &all);
	out->status = rc;
	memcpy(out->problem, bench->problem, sizeof(out->problem));
}

static struct verdict judge(
    const struct series *better, const struct series *worse, double target, bool at_least)
{
	const struct series ratio = series_ratio(better, worse);
	const double base = series_spread(worse).median;
	struct verdict verdict = {.ratio = series_spread(&ratio), .target = target};

	verdict.ratio.median = base > 0 ? series_spread(better).median / base : 0;
	verdict.met = target <= 0 ||
		      (at_least ? verdict.ratio.median >= target : verdict.ratio.median <= target);
	return verdict;
}

struct verdict outcome_speed(const struct outcome *outcome)
{
	/* Where less is better, the other way round. */
	int above = outcome->scenario->unit == UNIT_KIB ? 1 : 0;

	return judge(&outcome->speed[above], &outcome->speed[1 - above],
	    outcome->scenario->speed_target, true);
}

struct verdict outcome_cpu(const struct outcome *outcome)
{
	return judge(&outcome->cpu[0], &outcome->cpu[1], outcome->scenario->cpu_target, false);
}
