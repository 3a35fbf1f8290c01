#!/bin/bash
# tests: OpenSSH's sftp.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"

needs sftp openssh-client
scenario_begin sftp

# batch LINE...: one run.
batch() {
	timeout -k 5 "$PATIENCE" sftp -q -F "$ssh_config" -b - "$user@127.0.0.1" <<< "$(printf '%s\n' "$@")"
}

# A word; between its double quotes a pattern is none.
q() {
	local word=${1//\\/\\\\}
	printf '"%s"' "${word//\"/\\\"}"
}

can_put() { batch "put $(q "$1") $(q "$2")"; }
can_get() { batch "get $(q "$1") $(q "$2")"; }
can_put_times() { batch "put -p $(q "$1") $(q "$2")"; }
can_get_times() { batch "get -p $(q "$1") $(q "$2")"; }
can_reput() { batch "reput $(q "$1") $(q "$2")"; }
can_reget() { batch "reget $(q "$1") $(q "$2")"; }
can_put_tree() { batch "put -r $(q "$1") $(q "$2")"; }
can_get_tree() { batch "get -r $(q "$1") $(q "$2")"; }
can_list() { batch "cd $(q "$1")" 'ls -1a' | grep -v '^sftp> '; }
can_glob() { batch "get $1 $(q "$2")"; }
can_rename() { batch "rename $(q "$1") $(q "$2")"; }
can_remove() { batch "rm $(q "$1")"; }
can_mkdir() { batch "mkdir $(q "$1")"; }
can_rmdir() { batch "rmdir $(q "$1")"; }
can_chmod() { batch "chmod $1 $(q "$2")"; }
can_symlink() { batch "ln -s $(q "$1") $(q "$2")"; }

# announces NAME: whether the server tells the client that it has that extension.
announces() {
	grep -qF "Server supports extension \"$1\"" <<< "$announced"
}

# A copy that the server makes by itself.
copy_on_the_server() {
	announced=$(bounded sftp -vv -F "$ssh_config" -b /dev/null "$user@127.0.0.1" 2>&1)
	check 'G10: sftp: extensions are announced' announces posix-rename@openssh.com
	if ! announces copy-data; then
		skip 'G10: sftp: cp' 'the server does not announce copy-data'
		return
	fi
	check 'G10: sftp: cp' batch 'cp whole "the copy"'
	same_file 'the copy is right' "$home/the copy" "$home/whole"
	check 'G10: sftp: cp of an empty file' batch 'cp empty empty.copy'
	same_file 'the copy of nothing is right' "$home/empty.copy" "$home/empty"
}

scenario_run
copy_on_the_server
check 'G10: sftp: ln' batch 'ln whole hard'
check 'G10: sftp: the hard link' test "$home/hard" -ef "$home/whole"
like 'G10: sftp: df' "$(batch df)" '%'
scenario_end
