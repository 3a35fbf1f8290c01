#!/bin/bash
# tests: a close that is taken back in time has changed nothing; a close given twice is one close.
# G3, G5; with the PAM module and without.
# shellcheck source=tests/support/e2e.sh
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=1048576

e2e_begin
test_user a bash
home=$place/home/$user

no_guard() {
	[ -z "$(user_pids "$user" sftp-closer)" ]
}

# reopen PAM
reopen() {
	label=$([ "$1" = yes ] && echo PAM || echo 'no PAM')
	policy 'default = { drain = "transfer"; linger = "1s"; deadline = "5m"; };'
	need sshd_start "$1"
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	first=$session first_pid=$session_pid
	session_open c "$user"
	second=$session
	must c put "$first" up $SIZE 1
	must c step "$first" $STEP

	control close
	is "$label: G5: close succeeds" "$status" 0
	control close
	is "$label: G5: close of what is closing already succeeds" "$status" 0
	refused "$label: G3: no session joins" 'drain' c session
	control reopen
	is "$label: G5: reopen succeeds" "$status" 0
	control reopen
	is "$label: G5: reopen of what is open succeeds" "$status" 0
	check "$label: G5: no process of the close is left" poll "$PATIENCE" no_guard

	asks "$label: G5: the transfer that was open goes on" c step "$first" $STEP
	session_open c "$user"
	third=$session
	pass "$label: G5: a new session joins"
	asks "$label: G5: an old session opens a file" c open "$first" up
	asks "$label: G5: a new session opens a directory" c opendir "$third" .
	asks "$label: G5: the transfer is completed" c finish "$first"
	file_is 'G5: its file is whole' "$home/up" $SIZE 1

	# Had the order stayed in force anywhere, linger would end the sessions now: thrice its length.
	sleep 3
	check "$label: G5: no session is ended after its last transfer" kill -0 "$first_pid"
	for s in "$first" "$third"; do
		asks "$label: G5: session $s goes on" c stat "$s" up
	done
	# The second had nothing open while the close was in force: it may have ended.
	ask c end "$second" || true

	control wait --timeout 300ms
	is "$label: G5: wait on a host that is open waits for the sessions" "$status" 4
	control close
	is "$label: G5: a new close succeeds" "$status" 0
	control wait
	is "$label: G5: and ends cleanly" "$status" 0
	asks "$label: G1: the connection is gone" c gone $((PATIENCE * 1000))
	client_close c

	# In time means within linger of the refused session, the only one: long enough for a loaded machine.
	policy 'default = { linger = "10s"; };'
	client_open c "$user" || die "no connection: $answer"
	refused "$label: G3: the host stays closed for a new connection" 'drain' c session
	control reopen
	asks "$label: G5: and after reopen it is admitted" c session
	client_close c
	leaves_nothing "$label"
	sshd_stop
	rm -rf "${home:?}"/* "$rundir" "$shmdir" "$shmdir"-*
}

reopen yes
reopen no
e2e_end
