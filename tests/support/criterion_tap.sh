#!/bin/sh
# Runs a Criterion program so that the test driver gets each of its cases as a TAP line.
# "-" is the standard error output to Criterion.
LSAN_OPTIONS="suppressions=$top_srcdir/tests/support/lsan.supp:print_suppressions=0:$LSAN_OPTIONS"
export LSAN_OPTIONS
exec "$1" --tap=- --quiet --jobs 2 2>&1
