/* policy: client addresses against patterns.  No I/O; knows nothing of libconfig. */
#include "policy/policy_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#define BITS 128
/* Where the IPv4 address stands in an IPv4-mapped one. */
#define MAPPED_BITS 96

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_ipv4(const struct policy_address *address)
{
	return memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

/* Reads what inet_pton(3) takes.  *width is the number of bits of the form that was used. */
static int parse_plain(const char *text, struct policy_address *out, unsigned int *width)
{
	memcpy(out->bytes, mapped_prefix, sizeof(mapped_prefix));
	*width = BITS - MAPPED_BITS;
	if (inet_pton(AF_INET, text, out->bytes + sizeof(mapped_prefix)) == 1)
		return 0;
	*width = BITS;
	return inet_pton(AF_INET6, text, out->bytes) == 1 ? 0 : -EINVAL;
}

/* Copies text up to its first `end`.  Returns what follows that, or NULL when there is none. */
static const char *cut_at(const char *text, char end, char out[INET6_ADDRSTRLEN])
{
	size_t len = strcspn(text, (char[]){end, '\0'});

	out[0] = '\0'; /* no address is so long */
	if (len < INET6_ADDRSTRLEN) {
		memcpy(out, text, len);
		out[len] = '\0';
	}
	return text[len] == '\0' ? NULL : text + len + 1;
}

int policy_address_parse(const char *text, struct policy_address *out)
{
	char plain[INET6_ADDRSTRLEN];
	unsigned int width;

	(void)cut_at(text, '%', plain);
	return parse_plain(plain, out, &width);
}

/* One to three digits, no leading zero, at most max. */
static int parse_length(const char *text, unsigned int max, unsigned int *length)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
		return -EINVAL;
	*length = 0;
	for (; *text != '\0'; text++)
		*length = *length * 10 + (unsigned int)(*text - '0');
	return *length <= max ? 0 : -EINVAL;
}

static bool same_prefix(
    const struct policy_address *a, const struct policy_address *b, unsigned int length)
{
	unsigned int whole = length / 8, rest = length % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	return memcmp(a->bytes, b->bytes, whole) == 0 &&
	       (rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0);
}

static bool has_bits_behind(const struct policy_address *address, unsigned int length)
{
	for (unsigned int i = length; i < BITS; i++) {
		if ((address->bytes[i / 8] & (0x80u >> i % 8)) != 0)
			return true;
	}
	return false;
}

static int match_network(const char *pattern, const struct policy_address *address, bool *matches)
{
	struct policy_address network;
	char plain[INET6_ADDRSTRLEN];
	const char *after = cut_at(pattern, '/', plain);
	unsigned int width, length;
	int rc = parse_plain(plain, &network, &width);

	if (rc != 0)
		return rc;
	length = width;
	if (after != NULL && parse_length(after, width, &length) != 0)
		return -EINVAL;
	length += BITS - width;
	if (has_bits_behind(&network, length))
		return -EINVAL;
	/* ::/0 is about IPv6: the IPv4-mapped addresses in it are IPv4 to everybody else. */
	*matches = address != NULL && is_ipv4(&network) == is_ipv4(address) &&
		   same_prefix(&network, address, length);
	return 0;
}

static int match_wildcards(const char *pattern, const struct policy_address *address, bool *matches)
{
	char text[INET6_ADDRSTRLEN] = "";
	bool v4;

	if (pattern[strspn(pattern, "0123456789abcdef.:*?")] != '\0')
		return -EINVAL;
	*matches = false;
	if (address == NULL)
		return 0;
	v4 = is_ipv4(address);
	(void)inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? sizeof(mapped_prefix) : 0),
	    text, sizeof(text));
	*matches = policy_match_text(pattern, text);
	return 0;
}

int policy_address_match(
    const char *pattern, const struct policy_address *address, enum policy_match *match)
{
	bool negated = *pattern == '!', matches = false;
	int rc;

	pattern += negated;
	if (strpbrk(pattern, "*?") != NULL)
		rc = match_wildcards(pattern, address, &matches);
	else
		rc = match_network(pattern, address, &matches);
	*match = !matches ? POLICY_MATCH_NONE : negated ? POLICY_MATCH_NEGATED : POLICY_MATCH_YES;
	return rc;
}
