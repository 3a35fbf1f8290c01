/* bench: what the measurements of the session table share: the private table, the figures.  Never touches
 * the host's own table, and never fails because something is slow. */
#ifndef SD_BENCH_TABLE_H
#define SD_BENCH_TABLE_H

#include "bench.h"
#include "place.h"
#include "stats.h"
#include "table/table.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum figure_id {
	FIGURE_JOIN,
	FIGURE_JOIN_RATE,
	FIGURE_JOIN_100,
	FIGURE_JOIN_100_RATE,
	FIGURE_JOIN_100_ONE,
	FIGURE_JOIN_100_ONE_RATE,
	FIGURE_JOIN_ROWS,
	FIGURE_JOIN_FULL,
	FIGURE_ORDERS,
	FIGURE_CLAIM,
	FIGURE_CLAIM_FULL,
	FIGURE_CLAIM_DEAD,
	FIGURE_LIST_JSON,
	FIGURE_LIST,
	FIGURE_TABLE_KIB,
	FIGURE_MEMBERS_KIB,
	FIGURE_DRAIN,
	FIGURE_CLOSE,
	FIGURE_GONE,
	FIGURE_IDS,
};

/* One thing that is measured, once in each round. */
struct figure {
	const char *name; /* for JSON */
	const char *title;
	const char *unit;
	double target;        /* at most; 0: none */
	struct series series; /* empty: not measured */
};

struct table_bench {
	struct place place;
	char rundir[PLACE_MAX], shmdir[PLACE_MAX], config[PLACE_MAX];
	char server[PLACE_MAX], control[PLACE_MAX]; /* the programs of this build */
	struct table table;
	unsigned rounds;
	bool quick;
	struct figure figures[FIGURE_IDS];
	char problem[PROBLEM_MAX]; /* why the last call failed */
};

/* Fills bench->problem and returns error. */
int table_bench_fail(struct table_bench *bench, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes an entry for the calling process, with a members file.  Returns 0 or a negative errno with
 * bench->problem. */
int connection_open(struct table_bench *bench, struct connection_ref *ref);

/* The other way: closing, released, the members file removed. */
void connection_close(struct table_bench *bench, struct connection_ref ref);

/* Runs the operator's command on the private table, its output to a file; returns its exit status, or a
 * negative errno. */
int control_run(struct table_bench *bench, const char *output, const char *const words[]);

/* The median of count values, which are sorted. */
double median_of(double *values, size_t count);

/* The measurements: one round of each.  They return 0 or a negative errno with bench->problem. */
int join_measure(struct table_bench *bench);
int claim_measure(struct table_bench *bench);
int list_measure(struct table_bench *bench);
int drain_measure(struct table_bench *bench);

/* The figures as a table, and as JSON in a file; the latter returns 0 or a negative errno. */
void figures_print(FILE *out, const struct table_bench *bench);
int figures_write_json(const char *path, const struct table_bench *bench);

#endif
