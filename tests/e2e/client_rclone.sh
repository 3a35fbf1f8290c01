#!/bin/bash
# tests: rclone.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"

needs rclone rclone
scenario_begin rclone
lacks='reput reget chmod symlink'
# The remote x:.  shell_type: no commands beside SFTP.
export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_X_TYPE=sftp RCLONE_CONFIG_X_HOST=127.0.0.1 \
	RCLONE_CONFIG_X_PORT=$sshd_port RCLONE_CONFIG_X_USER=$user RCLONE_CONFIG_X_KEY_FILE=$place/userkey \
	RCLONE_CONFIG_X_KNOWN_HOSTS_FILE=$known_hosts RCLONE_CONFIG_X_SHELL_TYPE=none

run() {
	bounded rclone --retries 1 --low-level-retries 1 -q "$@"
}

can_put() { run copyto --ignore-times "$1" "x:$2"; }
can_get() { run copyto --ignore-times "x:$1" "$2"; }
can_put_times() { run copyto "$1" "x:$2"; }
can_get_times() { run copyto "x:$1" "$2"; }
can_put_tree() { run copy --create-empty-src-dirs "$1" "x:$2"; }
can_get_tree() { run copy --create-empty-src-dirs "x:$1" "$2"; }
can_list() { run lsf --dir-slash=false "x:$1"; }
can_glob() { run copy --include "/${1##*/}" "x:${1%/*}" "$2"; }
can_rename() { run moveto "x:$1" "x:$2"; }
can_remove() { run deletefile "x:$1"; }
can_mkdir() { run mkdir "x:$1"; }
can_rmdir() { run rmdir "x:$1"; }

scenario_run
check 'G10: rclone: finds nothing to do after a copy' run check --download "$local_dir/tree" x:ours
scenario_end
