#!/bin/bash
# tests: OpenSSH's scp, which speaks SFTP since 9.0.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"

needs scp openssh-client
scenario_begin scp
lacks='reput reget list rename remove mkdir rmdir chmod symlink'

# -s: SFTP, also where the old protocol is the default.
copy() {
	bounded scp -s -F "$ssh_config" "$@"
}

remote() {
	echo "$user@127.0.0.1:$1"
}

can_put() { copy "$1" "$(remote "$2")"; }
can_get() { copy "$(remote "$1")" "$2"; }
can_put_times() { copy -p "$1" "$(remote "$2")"; }
can_get_times() { copy -p "$(remote "$1")" "$2"; }
can_put_tree() { copy -r "$1" "$(remote "$2")"; }
can_get_tree() { copy -r "$(remote "$1")" "$2"; }
can_glob() { copy "$(remote "$1")" "$2"; }

scenario_run
check 'G10: scp: between two remote places' \
	copy -3 "$(remote 'theirs/two words/-sub/\*')" "$(remote third)"
same_file 'the third copy is right' "$home/third" "$home/theirs/two words/-sub/*"
scenario_end
