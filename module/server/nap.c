/* server: how long a full pipe is left alone.  Pure: no I/O, no clock. */
#include "server/nap.h"

#include "util/clock.h"

/* A smaller pipe would be empty before a process on a busy machine has its turn. */
static const uint32_t least_bytes = 256u << 10;
/* The clock's precision; and the time in which slower readers take so little that it saves nothing. */
static const uint64_t least_ns = NS_PER_MS / 8, most_ns = 6 * NS_PER_MS;
static const unsigned int most_in_a_row = 16;

/* At the reader's rate since the pipe was last full, which is not known when it may have been empty meanwhile.  A
 * pipe may hold half as many bytes as it is large: a slot is a page or a part of one. */
static uint64_t quarter_ns(const struct nap *nap, uint64_t now_ns, uint64_t taken, uint32_t size)
{
	uint64_t took_ns = now_ns - nap->full_ns;

	return taken > 0 && taken < size && took_ns < NS_PER_S ? took_ns * (size / 4) / taken : 0;
}

void nap_begin(struct nap *nap, uint64_t now_ns, uint64_t sent, uint32_t size)
{
	uint64_t taken = sent - nap->full_bytes, nap_ns = quarter_ns(nap, now_ns, taken, size);

	/* On a busy machine the writer comes late enough by himself. */
	if (nap->more > 0)
		nap->more--;
	else if (size >= least_bytes && taken < size / 8)
		nap->more = most_in_a_row;
	nap->full_ns = now_ns;
	nap->full_bytes = sent;
	nap->until_ns =
	    nap->more > 0 && nap_ns >= least_ns && nap_ns <= most_ns ? now_ns + nap_ns : 0;
}
