#!/bin/bash
# tests: curl, which is libssh2.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"

needs curl curl
curl --version | grep -qw sftp || skip_all 'this curl knows no sftp'
scenario_begin curl
lacks='put_times glob'

# url REMOTE: every byte in hexadecimal, so that none means anything.
url() {
	printf 'sftp://127.0.0.1:%s/~/' "$sshd_port"
	printf %s "$1" | od -An -v -tx1 | tr -d '\n' | tr ' ' %
}

# The host's key is looked for in ~/.ssh/known_hosts, and the home is the scenario's.
login=(-sS -g --user "$user:" --key "$place/userkey" --pubkey "$place/userkey.pub")
run() {
	bounded curl -q "${login[@]}" "$@"
}

# A word of a command.
q() {
	local word=${1//\\/\\\\}
	printf '"%s"' "${word//\"/\\\"}"
}

# command_run VERB WORD...: before a transfer, which is then that of a listing.
command_run() {
	run -Q "$*" -l -o /dev/null "$(url '')"
}

can_put() { run -T "$1" "$(url "$2")"; }
can_get() { run -o "$2" "$(url "$1")"; }
can_get_times() { run -R -o "$2" "$(url "$1")"; }
can_reput() { run -C - -T "$1" "$(url "$2")"; }
can_reget() { run -C - -o "$2" "$(url "$1")"; }
can_list() { run -l "$(url "$1/")"; }
can_rename() { command_run rename "$(q "$home/$1")" "$(q "$home/$2")"; }
can_remove() { command_run rm "$(q "$home/$1")"; }
can_mkdir() { command_run mkdir "$(q "$home/$1")"; }
can_rmdir() { command_run rmdir "$(q "$home/$1")"; }
can_chmod() { command_run chmod "$1" "$(q "$home/$2")"; }
# *: whatever the answer.  With libssh2 1.10 curl calls a link that was made a failure, with any server.
can_symlink() { command_run '*symlink' "$(q "$1")" "$(q "$home/$2")"; }

# All on one connection: commands make the directories, then the files follow.
can_put_tree() {
	local path arguments=(-Q "mkdir $(q "$home/$2")")
	while IFS= read -r -d '' path; do
		arguments+=(-Q "mkdir $(q "$home/$2/$path")")
	done < <(cd "$1" && find . -mindepth 1 -type d -printf '%P\0')
	arguments+=(-l -o /dev/null "$(url '')")
	while IFS= read -r -d '' path; do
		arguments+=(--next "${login[@]}" -T "$1/$path" "$(url "$2/$path")")
	done < <(cd "$1" && find . -type f -printf '%P\0')
	run "${arguments[@]}"
}

can_get_tree() {
	local path arguments=()
	mkdir "$2"
	while IFS= read -r -d '' path; do
		mkdir "$2/$path"
	done < <(cd "$home/$1" && find . -mindepth 1 -type d -printf '%P\0')
	while IFS= read -r -d '' path; do
		arguments+=(-o "$2/$path" "$(url "$1/$path")")
	done < <(cd "$home/$1" && find . -type f -printf '%P\0')
	run "${arguments[@]}"
}

scenario_run
scenario_end
