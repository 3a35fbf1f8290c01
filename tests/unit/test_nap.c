/* unit tests: how long a full pipe is left alone. */
#include "server/nap.h"
#include "util/clock.h"

#include <criterion/criterion.h>

#define SIZE (1u << 20)
#define PACKET (32u << 10)
/* Of 32 KiB at 400 MiB a second, about. */
#define PACKET_NS UINT64_C(75000)

static uint64_t now_ns, sent;

/* A pipe that has been full once, at an arbitrary time. */
static struct nap full_once(void)
{
	struct nap nap = {.until_ns = 0};

	now_ns = 5 * NS_PER_S;
	sent = 3 * SIZE;
	nap_begin(&nap, now_ns, sent, SIZE);
	cr_assert_eq(nap.until_ns, 0, "the rate is not known yet");
	return nap;
}

/* It is full again, took_ns later and taken bytes further on.  Returns how long it is left alone. */
static uint64_t full_again(struct nap *nap, uint64_t took_ns, uint64_t taken, uint32_t size)
{
	now_ns += took_ns;
	sent += taken;
	nap_begin(nap, now_ns, sent, size);
	return nap->until_ns == 0 ? 0 : nap->until_ns - now_ns;
}

Test(nap, lasts_for_a_quarter_of_the_pipe)
{
	struct nap nap = full_once();

	cr_expect_eq(full_again(&nap, PACKET_NS, PACKET, SIZE), 8 * PACKET_NS);
	cr_expect_eq(full_again(&nap, 9 * PACKET_NS, 9 * PACKET, SIZE), 8 * PACKET_NS);
	cr_expect_eq(full_again(&nap, 10 * PACKET_NS, 5 * PACKET, SIZE), 16 * PACKET_NS, "slower");
}

Test(nap, is_looked_at_again_now_and_then)
{
	struct nap nap = full_once();
	unsigned int naps = 0;

	while (full_again(&nap, PACKET_NS, PACKET, SIZE) > 0) {
		naps++;
		cr_assert_lt(naps, 100);
	}
	cr_expect_gt(naps, 8);
	cr_expect_eq(full_again(&nap, PACKET_NS, SIZE / 2, SIZE), 0, "comes late enough by itself");
	cr_expect_gt(full_again(&nap, PACKET_NS, PACKET, SIZE), 0, "and does not any more");
}

Test(nap, not_where_it_is_of_no_use)
{
	struct nap nap = full_once();

	cr_expect_eq(full_again(&nap, PACKET_NS / 10, PACKET, SIZE), 0, "a reader too fast");
	nap = full_once();
	cr_expect_eq(full_again(&nap, 11 * PACKET_NS, PACKET, SIZE), 0, "a slow reader");
	nap = full_once();
	cr_expect_eq(full_again(&nap, PACKET_NS, PACKET, 64u << 10), 0, "a small pipe");
	nap = full_once();
	cr_expect_gt(full_again(&nap, PACKET_NS, PACKET, SIZE), 0);
	cr_expect_eq(full_again(&nap, 40 * PACKET_NS, SIZE, SIZE), 0, "it has been empty");
	nap = full_once();
	cr_expect_eq(full_again(&nap, 3600 * NS_PER_S, PACKET, SIZE), 0, "after a rest");
	nap = full_once();
	cr_expect_eq(full_again(&nap, PACKET_NS, 0, SIZE), 0, "nothing was taken");
	cr_expect_eq(full_again(&nap, 0, PACKET, SIZE), 0, "no time has passed");
}
