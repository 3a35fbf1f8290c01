/* unit tests: numbers, durations and texts, there and back. */
#include "util/clock.h"
#include "util/decimal.h"
#include "util/duration.h"
#include "util/escape.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* decimal */

TestSuite(decimal);

Test(decimal, numbers_and_back)
{
	static const struct {
		uint64_t value;
		const char *text;
	} cases[] = {{0, "0"}, {7, "7"}, {10, "10"}, {4294967295, "4294967295"},
	    {UINT64_MAX, "18446744073709551615"}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[DECIMAL_MAX];
		const char *at = text;
		uint64_t value = 1;

		cr_expect_eq(decimal_put(cases[i].value, text), text + strlen(cases[i].text));
		cr_expect_str_eq(text, cases[i].text);
		cr_expect(decimal_take(&at, UINT64_MAX, &value));
		cr_expect_eq(value, cases[i].value);
		cr_expect_eq(at, text + strlen(text));
	}
}

Test(decimal, what_is_no_number)
{
	static const char *const bad[] = {
	    "", "x", "-1", "+1", " 1", "00", "01", "18446744073709551616", "99999999999999999999"};
	static const char more[] = "12.5";
	const char *at = more;
	uint64_t value = 3;

	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *text = bad[i];

		cr_expect_not(decimal_take(&text, UINT64_MAX, &value), "%s", bad[i]);
		cr_expect_eq(text, bad[i]);
	}
	cr_expect_not(decimal_take(&at, 11, &value), "above what was allowed");
	cr_expect_eq(value, 3);
	cr_expect(decimal_take(&at, 12, &value));
	cr_expect_eq(value, 12);
	cr_expect_str_eq(at, ".5");
	at = "9";
	cr_expect_not(decimal_take(&at, 5, &value));
}

/* duration */

TestSuite(duration);

Test(duration, parse)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t ns;
	} cases[] = {
	    {"0s", 0, 0},
	    {"1ms", 0, NS_PER_MS},
	    {"90s", 0, 90 * NS_PER_S},
	    {"5m", 0, 300 * NS_PER_S},
	    {"2h", 0, 7200 * NS_PER_S},
	    {"1d", 0, 86400 * NS_PER_S},
	    {"007s", 0, 7 * NS_PER_S},
	    {"10000d", 0, UINT64_C(864000000) * NS_PER_S},
	    {"864000000s", 0, UINT64_C(864000000) * NS_PER_S},
	    {"", -EINVAL, 0},
	    {"s", -EINVAL, 0},
	    {"5", -EINVAL, 0},
	    {" 5s", -EINVAL, 0},
	    {"5 s", -EINVAL, 0},
	    {"5s ", -EINVAL, 0},
	    {"+5s", -EINVAL, 0},
	    {"-5s", -EINVAL, 0},
	    {"1.5s", -EINVAL, 0},
	    {"5S", -EINVAL, 0},
	    {"5sec", -EINVAL, 0},
	    {"5m30s", -EINVAL, 0},
	    {"0x5s", -EINVAL, 0},
	    {"10001d", -ERANGE, 0},
	    {"864000001s", -ERANGE, 0},
	    {"18446744073709551617s", -ERANGE, 0},
	    {"99999999999999999999999999999999999999s", -ERANGE, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t ns = 42;

		cr_expect_eq(duration_parse(cases[i].text, &ns), cases[i].rc, "%s", cases[i].text);
		cr_expect_eq(ns, cases[i].rc == 0 ? cases[i].ns : 42, "%s", cases[i].text);
	}
}

Test(duration, format)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
	    {0, "0s"},
	    {1, "0s"},
	    {NS_PER_MS - 1, "0s"},
	    {NS_PER_MS, "1ms"},
	    {1500 * NS_PER_MS, "1500ms"},
	    {NS_PER_S + 1, "1s"},
	    {59 * NS_PER_S, "59s"},
	    {300 * NS_PER_S, "5m"},
	    {301 * NS_PER_S, "301s"},
	    {7200 * NS_PER_S, "2h"},
	    {UINT64_C(86400) * 3 * NS_PER_S, "3d"},
	    {UINT64_MAX, "18446744073709ms"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[DURATION_TEXT_MAX];

		cr_expect_eq(duration_format(cases[i].ns, text), text);
		cr_expect_str_eq(text, cases[i].text);
	}
}

Test(duration, what_is_formatted_parses_to_the_same)
{
	for (uint64_t ms = 1; ms < UINT64_C(864000000) * 1000; ms = ms * 3 + 1) {
		char text[DURATION_TEXT_MAX];
		uint64_t ns = 0;

		cr_assert_eq(duration_parse(duration_format(ms * NS_PER_MS, text), &ns), 0);
		cr_assert_eq(ns, ms * NS_PER_MS, "%s", text);
	}
}

/* escape */

TestSuite(escape);

Test(escape, text)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"", ""},
	    {"plain ~text!", "plain ~text!"},
	    {"a\nb\tc\r", "a\\012b\\011c\\015"},
	    {"\033[31m", "\\033[31m"},
	    {"\177", "\\177"},
	    {"back\\slash", "back\\134slash"},
	    {"\"quoted\"", "\\042quoted\\042"},
	    /* UTF-8 of two, three and four bytes, and the ends of its ranges. */
	    {"D\xc3\xb6rte", "D\xc3\xb6rte"},
	    {"\xe2\x82\xac", "\xe2\x82\xac"},
	    {"\xf0\x9f\x90\x9f", "\xf0\x9f\x90\x9f"},
	    {"\xc2\xa0", "\xc2\xa0"},
	    {"\xed\x9f\xbf", "\xed\x9f\xbf"},
	    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	    /* C1 controls, as UTF-8 and alone: 0x9b is CSI to a terminal. */
	    {"\xc2\x9b"
	     "31m",
		"\\302\\23331m"},
	    {"\xc2\x80", "\\302\\200"},
	    {"\x9b"
	     "31m",
		"\\23331m"},
	    /* Latin-1, overlong forms, surrogates, beyond U+10FFFF, cut sequences. */
	    {"\xf6", "\\366"},
	    {"\xf6 ", "\\366 "},
	    {"\xc0\xaf", "\\300\\257"},
	    {"\xc1\xbf", "\\301\\277"},
	    {"\xe0\x80\xaf", "\\340\\200\\257"},
	    {"\xf0\x80\x80\xaf", "\\360\\200\\200\\257"},
	    {"\xed\xa0\x80", "\\355\\240\\200"},
	    {"\xf4\x90\x80\x80", "\\364\\220\\200\\200"},
	    {"\xf5\x80\x80\x80", "\\365\\200\\200\\200"},
	    {"\xff", "\\377"},
	    {"\xe2\x82", "\\342\\202"},
	    {"\xe2\x82z", "\\342\\202z"},
	    {"\xe2\xe2\x82\xac", "\\342\xe2\x82\xac"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[128];

		cr_expect_eq(escape_text(cases[i].in, strlen(cases[i].in), out, sizeof(out)), out);
		cr_expect_str_eq(out, cases[i].out);
	}
}

Test(escape, stops_at_the_length_and_at_a_nul)
{
	char out[32];

	cr_expect_str_eq(escape_text("abcdef", 3, out, sizeof(out)), "abc");
	cr_expect_str_eq(escape_text("ab\0cd", 5, out, sizeof(out)), "ab");
	/* The length cuts the sequence: what follows it in memory does not complete it. */
	cr_expect_str_eq(escape_text("\xe2\x82\xac", 2, out, sizeof(out)), "\\342\\202");
	cr_expect_str_eq(escape_text("x", 0, out, sizeof(out)), "");
}

Test(escape, what_does_not_fit_is_cut_whole)
{
	static const struct {
		const char *in;
		size_t out_len;
		const char *out;
	} cases[] = {
	    {"abc", 1, ""},
	    {"abc", 3, "ab"},
	    {"abc", 4, "abc"},
	    {"a\n", 5, "a"},
	    {"a\n", 6, "a\\012"},
	    {"\xe2\x82\xac", 3, ""},
	    {"\xe2\x82\xac", 4, "\xe2\x82\xac"},
	    {"a\nb", 5, "a"},
	    {"\n\n", 8, "\\012"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[16];

		memset(out, '#', sizeof(out));
		escape_text(cases[i].in, strlen(cases[i].in), out, cases[i].out_len);
		cr_expect_str_eq(out, cases[i].out);
		for (size_t at = cases[i].out_len; at < sizeof(out); at++)
			cr_expect_eq(out[at], '#', "wrote past the end, case %zu", i);
	}
}

Test(escape, every_byte_gives_printable_text)
{
	char in[256], out[256 * ESCAPE_GROWTH + 1];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(255 - i); /* NUL last */
	escape_text(in, sizeof(in), out, sizeof(out));
	for (const char *at = out; *at != '\0'; at++)
		cr_expect(*at >= 0x20 && *at < 0x7f, "byte %02x", (unsigned char)*at);
	cr_expect_not_null(strstr(out, "\\377\\376"));
	cr_expect_not_null(strstr(out, "\\002\\001"));
}
