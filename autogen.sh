#!/bin/sh
# Makes configure from configure.ac, in a checkout.
set -e
cd "$(dirname "$0")"
mkdir -p m4
exec autoreconf --install --force "$@"
