/* bench: the results as a table for people. */
#include "report.h"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const char *unit_name(enum unit unit)
{
	switch (unit) {
	case UNIT_MIB_S:
		return "MiB/s";
	case UNIT_PER_S:
		return "1/s";
	default:
		return "KiB";
	}
}

void report_begin(FILE *out, const struct bench *bench)
{
	struct utsname name = {.release = ""};

	(void)uname(&name);
	fprintf(out, "A: %s\nB: %s\n", bench->sides[0].text, bench->sides[1].text);
	fprintf(out, "Linux %s, %ld processors, %u rounds, large files in %s, small ones in %s\n",
	    name.release, sysconf(_SC_NPROCESSORS_ONLN), bench->rounds, bench->large.path,
	    bench->small.path);
	fprintf(out, "Medians, in brackets the range.  CPU: the server's, user and system, in ms.  "
		     "Ratios: A to B.\n\n");
	fprintf(out, "%-31s %-5s %26s %26s %6s %6s %4s  %8s %8s %6s %6s %s\n", "scenario", "unit",
	    "A", "B", "speed", "target", "met", "CPU A", "CPU B", "CPU", "target", "met");
	fflush(out);
}

static void print_spread(FILE *out, const struct series *series)
{
	struct spread spread = series_spread(series);
	char range[64];

	snprintf(range, sizeof(range), "(%.0f-%.0f)", spread.least, spread.most);
	fprintf(out, " %9.0f %16s", spread.median, range);
}

static void print_verdict(FILE *out, const struct verdict *verdict)
{
	fprintf(out, " %6.2f", verdict->ratio.median);
	if (verdict->target > 0)
		fprintf(out, " %6.2f %4s", verdict->target, verdict->met ? "yes" : "NO");
	else
		fprintf(out, " %6s %4s", "-", "-");
}

void report_row(FILE *out, const struct outcome *outcome)
{
	const struct scenario *scenario = outcome->scenario;
	struct verdict verdict = outcome_speed(outcome);

	fprintf(out, "%-31s %-5s", scenario->title, unit_name(scenario->unit));
	if (outcome->status != BENCH_DONE) {
		fprintf(out, " %s: %s\n", outcome->status == BENCH_SKIPPED ? "skipped" : "FAILED",
		    outcome->problem);
		fflush(out);
		return;
	}
	print_spread(out, &outcome->speed[0]);
	print_spread(out, &outcome->speed[1]);
	print_verdict(out, &verdict);
	if (outcome->cpu[0].count > 0) {
		verdict = outcome_cpu(outcome);
		fprintf(out, "  %8.1f %8.1f", series_spread(&outcome->cpu[0]).median,
		    series_spread(&outcome->cpu[1]).median);
		print_verdict(out, &verdict);
	}
	fputc('\n', out);
	fflush(out);
}

static void count_target(const struct verdict *verdict, unsigned *targets, unsigned *met)
{
	*targets += verdict->target > 0 ? 1 : 0;
	*met += verdict->target > 0 && verdict->met ? 1 : 0;
}

void report_end(FILE *out, const struct outcome *outcomes, size_t count)
{
	unsigned met = 0, targets = 0;

	for (size_t i = 0; i < count; i++) {
		const struct verdict speed = outcome_speed(&outcomes[i]);
		const struct verdict cpu = outcome_cpu(&outcomes[i]);

		if (outcomes[i].status != BENCH_DONE)
			continue;
		count_target(&speed, &targets, &met);
		count_target(&cpu, &targets, &met);
	}
	fprintf(out, "\n%u of %u targets met\n", met, targets);
}
