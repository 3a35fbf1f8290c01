#!/bin/sh
# Runs a Criterion program so that the test driver gets each of its cases as a TAP line.
# "-" is the standard error output to Criterion.
exec "$1" --tap=- --quiet --jobs 2 2>&1
