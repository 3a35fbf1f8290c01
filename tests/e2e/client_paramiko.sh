#!/bin/bash
# tests: paramiko.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"
# shellcheck source=tests/support/scenario_program.sh
. "$top_srcdir/tests/support/scenario_program.sh"

needs_python paramiko
scenario_begin paramiko
lacks=glob
program_can put get put_times get_times reput reget list rename remove mkdir rmdir chmod symlink
can_put_tree() { tree_put "$@"; }
can_get_tree() { tree_get "$@"; }

program_start "$python" "$top_srcdir/tests/e2e/clients/paramiko_client.py"
scenario_run
check 'G10: paramiko: truncate' program_ask truncate 1000001 part
is 'G10: paramiko: the size' "$(stat -c %s "$home/part")" 1000001
check 'G10: paramiko: rename over a file that is there' program_ask posix_rename part whole
is 'G10: paramiko: the file has taken the place' "$(stat -c %s "$home/whole")" 1000001
is 'G10: paramiko: readlink' "$(program_ask readlink 'the link')" empty
program_end
scenario_end
