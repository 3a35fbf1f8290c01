/* bench: the results as JSON. */
#include "report.h"

#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

static void put_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void put_spread(FILE *out, const char *name, const struct spread *spread)
{
	fprintf(out, "\"%s\": {\"median\": %.6g, \"least\": %.6g, \"most\": %.6g}", name,
	    spread->median, spread->least, spread->most);
}

static void put_series(FILE *out, const char *name, const struct series *series)
{
	const struct spread spread = series_spread(series);

	put_spread(out, name, &spread);
}

static void put_verdict(FILE *out, const struct verdict *verdict)
{
	put_spread(out, "ratio", &verdict->ratio);
	if (verdict->target > 0)
		fprintf(out, ", \"target\": %.6g, \"met\": %s", verdict->target,
		    verdict->met ? "true" : "false");
}

/* Both servers' figures and what follows from them. */
static void put_measure(
    FILE *out, const char *name, const struct series series[SIDES], const struct verdict *verdict)
{
	fprintf(out, ",\n     \"%s\": {", name);
	put_series(out, "a", &series[0]);
	fputs(", ", out);
	put_series(out, "b", &series[1]);
	fputs(", ", out);
	put_verdict(out, verdict);
	fputc('}', out);
}

static void put_outcome(FILE *out, const struct outcome *outcome)
{
	static const char *const units[] = {
	    [UNIT_MIB_S] = "MiB/s", [UNIT_PER_S] = "1/s", [UNIT_KIB] = "KiB"};
	const struct scenario *scenario = outcome->scenario;
	const struct verdict speed = outcome_speed(outcome), cpu = outcome_cpu(outcome);

	fprintf(out,
	    "    {\"name\": \"%s\", \"title\": \"%s\", \"unit\": \"%s\", \"status\": \"%s\"",
	    scenario->name, scenario->title, units[scenario->unit],
	    outcome->status == BENCH_DONE      ? "done"
	    : outcome->status == BENCH_SKIPPED ? "skipped"
					       : "failed");
	if (outcome->status == BENCH_DONE) {
		put_measure(out, "speed", outcome->speed, &speed);
		if (outcome->cpu[0].count > 0)
			put_measure(out, "cpu_ms", outcome->cpu, &cpu);
	} else {
		fputs(", \"reason\": ", out);
		put_text(out, outcome->problem);
	}
	fputc('}', out);
}

int report_json(
    const char *path, const struct bench *bench, const struct outcome *outcomes, size_t count)
{
	FILE *out = fopen(path, "we");
	struct utsname name = {.release = ""};

	if (out == NULL)
		return -errno;
	(void)uname(&name);
	fputs("{\"schema\": 1, \"a\": ", out);
	put_text(out, bench->sides[0].text);
	fputs(", \"b\": ", out);
	put_text(out, bench->sides[1].text);
	fprintf(out,
	    ",\n \"rounds\": %u, \"quick\": %s, \"processors\": %ld, \"kernel\": ", bench->rounds,
	    bench->quick ? "true" : "false", sysconf(_SC_NPROCESSORS_ONLN));
	put_text(out, name.release);
	fputs(",\n \"scenarios\": [\n", out);
	for (size_t i = 0; i < count; i++) {
		put_outcome(out, &outcomes[i]);
		fputs(i + 1 < count ? ",\n" : "\n", out);
	}
	fputs(" ]}\n", out);
	return fclose(out) == 0 ? 0 : -errno;
}
