#!/bin/bash
# tests: libssh.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"
# shellcheck source=tests/support/scenario_program.sh
. "$top_srcdir/tests/support/scenario_program.sh"

scenario_begin libssh
lacks=glob
program_can put get put_times get_times reput reget list rename remove mkdir rmdir chmod symlink
can_put_tree() { tree_put "$@"; }
can_get_tree() { tree_get "$@"; }

program_start "$top_builddir/tests/e2e/clients/libssh_client"
scenario_run
program_end
scenario_end
