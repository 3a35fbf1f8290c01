#!/bin/bash
# tests: asyncssh.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"
# shellcheck source=tests/support/scenario_program.sh
. "$top_srcdir/tests/support/scenario_program.sh"

needs_python asyncssh
scenario_begin asyncssh
# shellcheck disable=SC2086 # words
program_can $VERBS

program_start "$python" "$top_srcdir/tests/e2e/clients/asyncssh_client.py"
scenario_run
check 'G10: asyncssh: copy' program_ask copy whole 'the copy'
same_file 'the copy is right' "$home/the copy" "$home/whole"
check 'G10: asyncssh: rename over a file that is there' program_ask posix_rename old whole
same_file 'the file has taken the place' "$home/whole" "$local_dir/old"
check 'G10: asyncssh: hard link' program_ask link whole hard
check 'G10: asyncssh: the hard link is one' test "$home/hard" -ef "$home/whole"
is 'G10: asyncssh: readlink' "$(program_ask readlink 'the link')" empty
is 'G10: asyncssh: the capacity' "$(program_ask capacity .)" "$(stat -f -c %b:%S "$home")"
program_end
scenario_end
