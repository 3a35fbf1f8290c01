/* server: how long a full pipe is left alone.  Pure: no I/O, no clock.
 *
 * sshd takes what is in its pipe a packet at a time, and a writer who waits for room is woken after each, when
 * there is room for that much and no more: a system call and two switches of the processor for each packet,
 * and sshd pays for the waking.  While the pipe holds enough to keep sshd busy nobody needs to be woken. */
#ifndef SD_SERVER_NAP_H
#define SD_SERVER_NAP_H

#include <stdint.h>

struct nap {
	uint64_t full_ns,
	    full_bytes;    /* when the pipe was last full, and what had been sent by then */
	uint64_t until_ns; /* 0: there is no nap */
	unsigned int more; /* naps to take before it is seen again how it goes without */
};

/* Notes that a pipe for size bytes is full at now_ns, after sent bytes in all.  A nap begins when its writer has
 * been woken for little, and the reader will take long enough for a quarter of the pipe for it to be worth it,
 * at his rate since the pipe was last full; but not so long that a change of that rate could matter. */
void nap_begin(struct nap *nap, uint64_t now_ns, uint64_t sent, uint32_t size);

#endif
