/* bench: the figures of the session table, for people and as JSON. */
#include "table.h"

#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *verdict_of(const struct figure *figure, const struct spread *spread)
{
	if (figure->target <= 0)
		return "-";
	return spread->median <= figure->target ? "yes" : "NO";
}

void figures_print(FILE *out, const struct table_bench *bench)
{
	struct utsname name = {.release = ""};

	(void)uname(&name);
	fprintf(out, "Linux %s, %ld processors, %u rounds\nMedians, in brackets the range.\n\n",
	    name.release, sysconf(_SC_NPROCESSORS_ONLN), bench->rounds);
	fprintf(
	    out, "%-58s %-5s %10s %22s %8s %s\n", "figure", "unit", "median", "", "target", "met");
	for (int i = 0; i < FIGURE_IDS; i++) {
		const struct figure *figure = &bench->figures[i];
		const struct spread spread = series_spread(&figure->series);
		char range[64], target[32] = "-";

		if (figure->series.count == 0)
			continue;
		snprintf(range, sizeof(range), "(%.1f-%.1f)", spread.least, spread.most);
		if (figure->target > 0)
			snprintf(target, sizeof(target), "%.0f", figure->target);
		fprintf(out, "%-58s %-5s %10.1f %22s %8s %s\n", figure->title, figure->unit,
		    spread.median, range, target, verdict_of(figure, &spread));
	}
}

int figures_write_json(const char *path, const struct table_bench *bench)
{
	FILE *out = fopen(path, "we");
	struct utsname name = {.release = ""};
	const char *separator = "";

	if (out == NULL)
		return -errno;
	(void)uname(&name);
	fprintf(out,
	    "{\"schema\": 1, \"rounds\": %u, \"quick\": %s, \"processors\": %ld, \"kernel\": "
	    "\"%s\",\n"
	    " \"figures\": [",
	    bench->rounds, bench->quick ? "true" : "false", sysconf(_SC_NPROCESSORS_ONLN),
	    name.release);
	for (int i = 0; i < FIGURE_IDS; i++) {
		const struct figure *figure = &bench->figures[i];
		const struct spread spread = series_spread(&figure->series);

		if (figure->series.count == 0)
			continue;
		fprintf(out,
		    "%s\n  {\"name\": \"%s\", \"title\": \"%s\", \"unit\": \"%s\", \"median\": "
		    "%.6g, "
		    "\"least\": %.6g, \"most\": %.6g",
		    separator, figure->name, figure->title, figure->unit, spread.median,
		    spread.least, spread.most);
		if (figure->target > 0)
			fprintf(out, ", \"target\": %.6g, \"met\": %s", figure->target,
			    spread.median <= figure->target ? "true" : "false");
		fputc('}', out);
		separator = ",";
	}
	fputs("\n ]}\n", out);
	return fclose(out) == 0 ? 0 : -errno;
}
