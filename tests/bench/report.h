/* bench: the results as a table for people and as JSON for programs. */
#ifndef SD_BENCH_REPORT_H
#define SD_BENCH_REPORT_H

#include "run.h"

void report_begin(FILE *out, const struct bench *bench);
void report_row(FILE *out, const struct outcome *outcome);
void report_end(FILE *out, const struct outcome *outcomes, size_t count);

/* Returns 0 or a negative errno. */
int report_json(
    const char *path, const struct bench *bench, const struct outcome *outcomes, size_t count);

#endif
