/* unit tests: rules that match by address and by key, and what a rule means whose key is not known yet.
 * Hostile patterns are refused, with file and line. */
#include "policy/policy_address.h"
#include "policy/policy_key.h"
#include "policy/policy_load.h"
#include "policy_scratch.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY_A "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_B "SHA256:+/0123456789abcdefghijklmnopqrstuvwxyzABCDQ"

TestSuite(policy_match);

Test(policy_match, addresses)
{
	static const struct {
		const char *pattern, *address;
		enum policy_match match;
	} cases[] = {
	    {"192.0.2.7", "192.0.2.7", POLICY_MATCH_YES},
	    {"192.0.2.7", "192.0.2.8", POLICY_MATCH_NONE},
	    {"192.0.2.0/24", "192.0.2.255", POLICY_MATCH_YES},
	    {"192.0.2.0/24", "192.0.3.0", POLICY_MATCH_NONE},
	    {"192.0.2.128/25", "192.0.2.127", POLICY_MATCH_NONE},
	    {"192.0.2.128/25", "192.0.2.128", POLICY_MATCH_YES},
	    {"192.0.2.7/32", "192.0.2.7", POLICY_MATCH_YES},
	    {"192.0.2.6/31", "192.0.2.7", POLICY_MATCH_YES},
	    {"192.0.2.6/31", "192.0.2.8", POLICY_MATCH_NONE},
	    {"0.0.0.0/0", "255.255.255.255", POLICY_MATCH_YES},
	    {"128.0.0.0/1", "127.0.0.1", POLICY_MATCH_NONE},
	    {"128.0.0.0/1", "128.0.0.1", POLICY_MATCH_YES},
	    {"!192.0.2.0/24", "192.0.2.1", POLICY_MATCH_NEGATED},
	    {"!192.0.2.0/24", "192.0.3.1", POLICY_MATCH_NONE},
	    {"2001:db8::/32", "2001:db8:ffff::1", POLICY_MATCH_YES},
	    {"2001:db8::/32", "2001:db9::1", POLICY_MATCH_NONE},
	    {"2001:DB8:0:0::1", "2001:db8::1", POLICY_MATCH_YES},
	    {"2001:db8::/33", "2001:db8:7fff::", POLICY_MATCH_YES},
	    {"2001:db8::/33", "2001:db8:8000::", POLICY_MATCH_NONE},
	    {"fe80::/10", "fe80::1%eth0", POLICY_MATCH_YES},
	    {"::1", "::1", POLICY_MATCH_YES},
	    {"::/0", "2001:db8::1", POLICY_MATCH_YES},
	    /* IPv4 is IPv4, however it is written, and no part of IPv6. */
	    {"::/0", "192.0.2.7", POLICY_MATCH_NONE},
	    {"0.0.0.0/0", "::1", POLICY_MATCH_NONE},
	    {"192.0.2.0/24", "::ffff:192.0.2.7", POLICY_MATCH_YES},
	    {"::ffff:192.0.2.7", "192.0.2.7", POLICY_MATCH_YES},
	    {"::ffff:192.0.2.0/120", "192.0.2.7", POLICY_MATCH_YES},
	    {"::ffff:192.0.2.0/120", "192.0.3.7", POLICY_MATCH_NONE},
	    {"::ffff:0:0/96", "10.1.2.3", POLICY_MATCH_YES},
	    {"::192.0.2.7", "192.0.2.7", POLICY_MATCH_NONE},
	    {"*", "192.0.2.7", POLICY_MATCH_YES},
	    {"!*", "192.0.2.7", POLICY_MATCH_NEGATED},
	    {"192.0.2.*", "192.0.2.7", POLICY_MATCH_YES},
	    {"192.0.?.7", "192.0.25.7", POLICY_MATCH_NONE},
	    {"192.0.2.*", "::ffff:192.0.2.7", POLICY_MATCH_YES},
	    {"2001:db8:*", "2001:0DB8::7", POLICY_MATCH_YES},
	    /* Nothing is known of who comes from nowhere, or from a name. */
	    {"*", "", POLICY_MATCH_NONE},
	    {"!*", "host.example", POLICY_MATCH_NONE},
	    {"0.0.0.0/0", "192.0.2.7.example", POLICY_MATCH_NONE},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct policy_address address;
		bool known = policy_address_parse(cases[i].address, &address) == 0;
		enum policy_match match;

		cr_expect_eq(
		    policy_address_match(cases[i].pattern, known ? &address : NULL, &match), 0,
		    "%s", cases[i].pattern);
		cr_expect_eq(match, cases[i].match, "%s on %s", cases[i].pattern, cases[i].address);
	}
}

static const char *const odd_addresses[] = {"192.0.2", "10/8", "192.0.2.7/", "192.0.2.7/33",
    "192.0.2.7/-1", "192.0.2.7/+8", "192.0.2.0/024", "192.0.2.0/24 ", " 192.0.2.0/24",
    "192.0.2.0/24/24", "192.0.2.1/24", "192.0.2.0/4294967320", "192.0.2.0/0x18", "0300.0.2.1",
    "192.0.2.256", "1.2.3.4.5", "2001:db8::/129", "2001:db8::1/64", "2001:db8:::1",
    "2001:db8::1%eth0", "fe80::/10%eth0", "12345::", "::ffff:192.0.2.1/120", "::ffff:0:0/95",
    "::1/0", "localhost", "192.0.2.*/24", "192.0.2.x*", "*.example.org", "192.0.2.7,192.0.2.8",
    "192.0.2.7;", "!!192.0.2.7", "/24", "/", "-",
    "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555/8"};

Test(policy_match, odd_addresses_are_no_patterns)
{
	for (size_t i = 0; i < COUNT(odd_addresses); i++) {
		enum policy_match match;

		cr_expect_eq(policy_address_match(odd_addresses[i], NULL, &match), -EINVAL, "%s",
		    odd_addresses[i]);
	}
}

static const char *const odd_keys[] = {"SHA256:", "SHA256",
    "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
    /* Padding, a character too few, one too many, two bits that no digest has, other alphabets. */
    KEY_A "=", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", KEY_A "A",
    "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
    "SHA256:-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "SHA256:AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA", " " KEY_A, "SHA512:AAAA", "SHA256:A*",
    "?", "**", "ssh-ed25519 AAAA"};

Test(policy_match, fingerprints)
{
	cr_expect(policy_key_is_fingerprint(KEY_A));
	cr_expect(policy_key_is_fingerprint(KEY_B));
	for (size_t i = 0; i < COUNT(odd_keys); i++)
		cr_expect_not(policy_key_is_fingerprint(odd_keys[i]), "%s", odd_keys[i]);
}

/* policy_load, with rules that give the setting linger */

static void write_rule(const char *match)
{
	char text[512];

	snprintf(text, sizeof(text), "rules = (\n{ match = {\n%s }; linger = \"9s\"; } );", match);
	policy_scratch_write(text);
}

/* Returns linger in seconds. */
static uint64_t load(const struct policy_subject *subject, struct policy_origins *origins)
{
	struct policy policy;
	struct policy_error error;

	cr_assert_eq(policy_load(policy_scratch_config, subject, &policy, origins, &error), 0, "%s",
	    error.text);
	return policy.linger_ns / NS_PER_S;
}

TestSuite(policy_rule, .init = policy_scratch_begin, .fini = policy_scratch_end, .timeout = 30);

Test(policy_rule, lists_of_addresses)
{
	static const struct {
		const char *match, *address;
		bool matches;
	} cases[] = {
	    {"address = \"192.0.2.0/24\";", "192.0.2.7", true},
	    {"address = [\"192.0.2.0/24\", \"2001:db8::/32\"];", "2001:db8::7", true},
	    {"address = [\"192.0.2.0/24\", \"!192.0.2.7\"];", "192.0.2.7", false},
	    {"address = [\"!192.0.2.7\", \"192.0.2.0/24\"];", "192.0.2.8", true},
	    {"address = [\"*\", \"!10.0.0.0/8\"];", "::ffff:10.1.2.3", false},
	    {"address = [\"*\", \"!10.0.0.0/8\"];", "11.1.2.3", true},
	    {"address = \"*\";", NULL, false},
	    {"address = [\"*\", \"!10.0.0.0/8\"];", "name.example", false},
	    {"user = \"bob\"; address = \"192.0.2.7\";", "192.0.2.7", true},
	    {"user = \"alice\"; address = \"192.0.2.7\";", "192.0.2.7", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct policy_subject bob = {.user = "bob", .address = cases[i].address};

		write_rule(cases[i].match);
		cr_expect_eq(load(&bob, NULL), cases[i].matches ? 9 : 2, "%s", cases[i].match);
	}
}

Test(policy_rule, several_keys)
{
	static const char *const none[] = {NULL}, *const one[] = {KEY_B},
				 *const two[] = {KEY_A, KEY_B};
	static const struct {
		const char *match;
		const char *const *keys;
		size_t count;
		bool matches;
	} cases[] = {
	    {"key = \"" KEY_A "\";", none, 0, false},
	    {"key = \"" KEY_A "\";", one, 1, false},
	    {"key = \"" KEY_B "\";", one, 1, true},
	    {"key = \"" KEY_A "\";", two, 2, true},
	    {"key = \"" KEY_B "\";", two, 2, true},
	    {"key = \"*\";", none, 0, false},
	    {"key = \"*\";", one, 1, true},
	    /* Each of his keys may spoil the list, as each of his groups. */
	    {"key = [\"*\", \"!" KEY_A "\"];", two, 2, false},
	    {"key = [\"*\", \"!" KEY_A "\"];", one, 1, true},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct policy_subject bob = {
		    .user = "bob", .keys = cases[i].keys, .key_count = cases[i].count};

		write_rule(cases[i].match);
		cr_expect_eq(
		    load(&bob, NULL), cases[i].matches ? 9 : 2, "%zu: %s", i, cases[i].match);
	}
}

Test(policy_rule, odd_patterns_are_named_with_their_line)
{
	char match[256];

	for (size_t i = 0; i < COUNT(odd_addresses) + COUNT(odd_keys); i++) {
		bool address = i < COUNT(odd_addresses);
		const char *key = address ? "address" : "key";
		const char *odd = address ? odd_addresses[i] : odd_keys[i - COUNT(odd_addresses)];
		struct policy policy;
		struct policy_error error;
		char start[128];

		snprintf(match, sizeof(match), "%s = [ \"*\", \"%s\" ];", key, odd);
		write_rule(match);
		cr_expect_eq(policy_load(policy_scratch_config, NULL, &policy, NULL, &error),
		    -EINVAL, "%s", odd);
		snprintf(start, sizeof(start), "%s:3: %s = \"", policy_scratch_config, key);
		cr_expect_eq(strncmp(error.text, start, strlen(start)), 0, "%s", error.text);
		cr_expect_not_null(strstr(error.text, "in the match of rules[0]: must be "));
	}
}

/* Before the last key is known a rule for keys may match or not: it gives nothing, and says so. */
Test(policy_rule, a_key_that_is_not_known_yet)
{
	static const char *const keys[] = {KEY_B};
	struct policy_subject bob = {
	    .user = "bob", .keys = keys, .key_count = 1, .keys_open = true};
	struct policy_origins origins;

	policy_scratch_write(
	    "rules = ( { match = { key = \"" KEY_A "\"; }; linger = \"9s\"; },"
	    " { match = { key = \"" KEY_A "\"; user = \"alice\"; }; deadline = \"9s\"; },"
	    " { linger = \"7s\"; drain = \"now\"; },"
	    " { match = { key = \"" KEY_A "\"; }; drain = \"session\"; } );");
	cr_expect_eq(load(&bob, &origins), 7);
	cr_expect(origins.may_change[POLICY_SETTING_LINGER]);
	cr_expect_not(origins.may_change[POLICY_SETTING_DEADLINE], "it is not for bob");
	cr_expect_not(origins.may_change[POLICY_SETTING_DRAIN], "it comes too late");
	bob.keys_open = false;
	cr_expect_eq(load(&bob, &origins), 7);
	cr_expect_not(origins.may_change[POLICY_SETTING_LINGER]);

	/* What is known of the keys so far may be enough. */
	bob.keys_open = true;
	write_rule("key = \"" KEY_B "\";");
	cr_expect_eq(load(&bob, &origins), 9);
	write_rule("key = [ \"*\", \"!" KEY_B "\" ];");
	cr_expect_eq(load(&bob, &origins), 2);
	cr_expect_not(origins.may_change[POLICY_SETTING_LINGER]);
	write_rule("key = [ \"*\", \"!" KEY_A "\" ];");
	cr_expect_eq(load(&bob, &origins), 2, "KEY_A may yet come and spoil it");
	cr_expect(origins.may_change[POLICY_SETTING_LINGER]);
}
