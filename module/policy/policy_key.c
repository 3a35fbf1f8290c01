/* policy: fingerprints of public keys, as texts.  No I/O. */
#include "policy/policy_key.h"

#include <string.h>

bool policy_key_is_fingerprint(const char *text)
{
	static const char prefix[] = "SHA256:";
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const size_t prefix_len = sizeof(prefix) - 1;
	const char *last;

	if (strlen(text) != POLICY_KEY_MAX - 1 || strncmp(text, prefix, prefix_len) != 0 ||
	    text[prefix_len + strspn(text + prefix_len, digits)] != '\0')
		return false;
	/* 256 bits: the last digit has two bits too many, which are zero. */
	last = strchr(digits, text[POLICY_KEY_MAX - 2]);
	return (last - digits) % 4 == 0;
}
