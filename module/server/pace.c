/* server: whether the file systems that this session uses are slow. */
#include "server/pace.h"

/* One that answers within a tenth of a millisecond gains nothing by threads; one across a network, or a
 * disk that must move its head, takes more than one. */
static const uint64_t slow_ns = 1000000, fast_ns = 300000;
static const size_t usual_bytes = 32768;

void pace_note(struct pace *pace, uint64_t took_ns, size_t len)
{
	if (len > usual_bytes)
		took_ns = took_ns / (len / usual_bytes);
	/* A process that does not get its processor for a while is no slow file system. */
	if (took_ns > 2 * slow_ns)
		took_ns = 2 * slow_ns;
	pace->average_ns = pace->average_ns - pace->average_ns / 4 + took_ns / 4;
	if (pace->average_ns > slow_ns)
		pace->slow = true;
	else if (pace->average_ns < fast_ns)
		pace->slow = false;
}
