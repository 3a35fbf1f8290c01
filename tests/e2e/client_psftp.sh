#!/bin/bash
# tests: PuTTY's psftp.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"

needs psftp putty-tools
needs puttygen putty-tools
scenario_begin psftp
lacks='put_times get_times symlink'
need puttygen "$place/userkey" -O private -o "$place/userkey.ppk"
hostkey=$(ssh-keygen -l -f "$place/hostkey.pub" | cut -d ' ' -f 2)

# batch LINE: one run, which ends with the first command that fails.
batch() {
	printf '%s\n' "$1" > "$place/psftp.batch"
	bounded psftp -batch -i "$place/userkey.ppk" -hostkey "$hostkey" -P "$sshd_port" \
		-b "$place/psftp.batch" "$user@127.0.0.1"
}

# A word; a double quote is doubled.
q() {
	printf '"%s"' "${1//\"/\"\"}"
}

can_put() { batch "put $(q "$1") $(q "$2")"; }
can_get() { batch "get $(q "$1") $(q "$2")"; }
can_reput() { batch "reput $(q "$1") $(q "$2")"; }
can_reget() { batch "reget $(q "$1") $(q "$2")"; }
can_put_tree() { batch "put -r -- $(q "$1") $(q "$2")"; }
can_get_tree() { batch "get -r -- $(q "$1") $(q "$2")"; }
can_rename() { batch "mv $(q "$1") $(q "$2")"; }
can_remove() { batch "rm $(q "$1")"; }
can_mkdir() { batch "mkdir $(q "$1")"; }
can_rmdir() { batch "rmdir $(q "$1")"; }
can_chmod() { batch "chmod $1 $(q "$2")"; }

# psftp shows the server's own long names: mode, links, owner, group, size, month, day, time or year,
# name.
can_list() {
	batch "ls $(q "$1")" |
		sed -nE 's/^[-dl][^ ]+ +[0-9]+ +[^ ]+ +[^ ]+ +[0-9]+ +[A-Z][a-z]{2} +[0-9]+ +[0-9:]+ //p'
}

can_glob() {
	batch "lcd $(q "$2")
mget $(q "$1")"
}

scenario_run
scenario_end
