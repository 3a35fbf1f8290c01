/* util: the one clock.  Never wall-clock time: it jumps, and it stops making sense in a suspend. */
#ifndef SD_UTIL_CLOCK_H
#define SD_UTIL_CLOCK_H

#include <stdint.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* Nanoseconds of CLOCK_BOOTTIME, the unit and the origin of every time in the session table.
 * Cannot fail on the kernels that we support (clock_gettime(2)). */
uint64_t clock_now_ns(void);

/* Sleeps for ns nanoseconds; a signal ends the sleep early. */
void clock_sleep_ns(uint64_t ns);

#endif
