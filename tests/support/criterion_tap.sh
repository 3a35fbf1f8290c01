#!/bin/sh
# Runs a Criterion program so that the test driver gets each of its cases as a TAP line.
exec "$1" --tap=- --quiet --jobs 2
