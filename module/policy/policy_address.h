/* policy: client addresses against patterns.  No I/O; knows nothing of libconfig. */
#ifndef SD_POLICY_POLICY_ADDRESS_H
#define SD_POLICY_POLICY_ADDRESS_H

#include "policy/policy_match.h"

#include <stdint.h>

/* An address in network order: an IPv4 address is the last four bytes of an IPv4-mapped one, so that
 * both ways to write it are the same. */
struct policy_address {
	uint8_t bytes[16];
};

/* Reads an IPv4 or IPv6 address as sshd gives it, with or without a zone ("fe80::1%eth0"), which is
 * dropped.  Returns 0 or -EINVAL, for a host's name too. */
int policy_address_parse(const char *text, struct policy_address *out);

/* What one pattern says of a client's address:
 *   - ADDRESS or ADDRESS/LENGTH (CIDR), IPv4 or IPv6; an IPv4-mapped one is IPv4, with 96 taken off
 *     its length;
 *   - a text with '*' or '?', compared with the address as inet_ntop(3) writes it, without a zone;
 *   - either behind a '!', which negates it.
 * address NULL: it is not known, and no pattern matches.  Returns 0 and fills *match, or -EINVAL when it
 * is no pattern: bits set behind the length (as sshd_config(5) refuses them), a length that is none, and
 * characters that no address has. */
int policy_address_match(
    const char *pattern, const struct policy_address *address, enum policy_match *match);

#endif
