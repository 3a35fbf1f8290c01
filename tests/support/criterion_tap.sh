#!/bin/sh
# Runs a Criterion program so that the test driver gets each of its cases as a TAP line.
# "-" is the standard error output to Criterion.

# By hand, leaks of Criterion itself are passed over, and with them those of the tests, which it calls.
# contrib/check gives options of its own and tells the two apart.
if [ -z "$ASAN_OPTIONS" ]; then
	LSAN_OPTIONS="suppressions=${top_srcdir:?set by make check}/tests/support/lsan.supp:print_suppressions=0:$LSAN_OPTIONS"
	export LSAN_OPTIONS
fi
exec "$1" --tap=- --quiet --jobs 2 2>&1
