#!/bin/bash
# tests: lftp, by way of ssh.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"

needs lftp lftp
scenario_begin lftp

# A word of lftp's.
q() {
	local word=${1//\\/\\\\}
	printf '"%s"' "${word//\"/\\\"}"
}

# run COMMAND: one run, which ends with the first command that fails.
run() {
	bounded lftp --norc -c "set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 30;
		set sftp:connect-program \"ssh -a -x -F $ssh_config\";
		open -u $user, sftp://127.0.0.1:$sshd_port; $1"
}

can_put() { run "put $(q "$1") -o $(q "$2")"; }
can_get() { run "get $(q "$1") -o $(q "$2")"; }
can_put_times() { can_put "$@"; }
can_get_times() { can_get "$@"; }
can_reput() { run "put -c $(q "$1") -o $(q "$2")"; }
can_reget() { run "get -c $(q "$1") -o $(q "$2")"; }
can_put_tree() { run "mirror -R $(q "$1") $(q "$2")"; }
can_get_tree() { run "mirror $(q "$1") $(q "$2")"; }
can_list() { run "cd $(q "$1"); set cmd:cls-default ''; cls -1a" | sed 's#^\./##; s#/$##'; }
can_glob() { run "mget -O $(q "$2") $1"; }
can_rename() { run "mv $(q "$1") $(q "$2")"; }
can_remove() { run "rm $(q "$1")"; }
can_mkdir() { run "mkdir $(q "$1")"; }
can_rmdir() { run "rmdir $(q "$1")"; }
can_chmod() { run "chmod $1 $(q "$2")"; }
can_symlink() { run "ln -s $(q "$1") $(q "$2")"; }

scenario_run
scenario_end
