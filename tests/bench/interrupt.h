/* bench: the user's wish to stop, so that what was made is removed. */
#ifndef SD_BENCH_INTERRUPT_H
#define SD_BENCH_INTERRUPT_H

#include <stdbool.h>

/* From here on SIGINT, SIGTERM and SIGHUP are noted and interrupt system calls; SIGPIPE is ignored. */
void interrupt_init(void);

bool interrupt_seen(void);

#endif
