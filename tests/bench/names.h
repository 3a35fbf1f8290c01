/* bench: requests about the names of a directory that holds name-000000 and on, each as long as its
 * number says. */
#ifndef SD_BENCH_NAMES_H
#define SD_BENCH_NAMES_H

#include "bench.h"

#define NAMES_COUNT 1000

/* A whole session that asks for the names one after the other, measured.  Returns as a scenario's
 * run. */
int names_session(struct bench *bench, const struct scenario *scenario, const struct side *side,
    const char *directory, struct sample *out);

#endif
