#!/bin/bash
# tests: SIGTERM and SIGHUP to one session: what it has received is carried out and on file, the log says that
# its upload was cut, it exits; its siblings and the connection go on.  G2, G4, G8; with the PAM module and
# without.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=1048576
FLOOD=786432

e2e_begin
policy 'default = { drain = "transfer"; linger = "500ms"; deadline = "5m"; };'

has_settled() {
	level=$("$support/pipe_level" "$1")
	sleep 0.2
	[ "$level" -gt 0 ] && [ "$level" = "$("$support/pipe_level" "$1")" ]
}

# ended SIGNAL LABEL: a session of two on the connection c, with more in its pipe than it has read.
ended() {
	local label="$2, SIG$1" first second pid length least size
	session_open c "$user"
	first=$session
	must c put "$first" "whole-$1" $SIZE 1
	must c step "$first" $STEP
	session_open c "$user"
	second=$session pid=$session_pid
	must c put "$second" "cut-$1" $SIZE 2
	must c step "$second" $STEP
	stop_session
	must c flood "$second" $FLOOD
	length=${answer#* }
	poll "$PATIENCE" has_settled "$pid" || die "the pipe of $pid does not settle: $level"
	least=$((STEP + level / length * 32768))
	watch_start "$place/watch" "$pid"
	need kill "-$1" "$pid"
	need kill -CONT "$pid"
	check "$label: G2: the session exits" has_ended "$place/watch" "$pid"
	size=$(stat -c %s "$home/cut-$1")
	between "$label: G2: all that it had received is in the file" "$size" "$least" $SIZE
	check "$label: G2: rightly" "$support/pattern" prefix "$home/cut-$1" $SIZE 2
	is "$label: G8: the log says that the upload was cut, and how much there is" \
		"$(sed -nE "s/.*forced close \"[^\"]*cut-$1\" bytes read 0 written ([0-9]+).*/\1/p" "$sessions_log")" "$size"
	like "$label: G8: and that the session is closed" "$(tail -n 3 "$sessions_log")" 'session closed for local user'
	asks "$label: G4: its sibling completes its upload" c finish "$first"
	file_is "$label: G4: which is whole" "$home/whole-$1" $SIZE 1
	asks "$label: G1: the connection takes a new session" c session
	must c end "${answer#ok }"
	must c end "$first"
}

for pam in yes no; do
	label=$([ $pam = yes ] && echo PAM || echo 'no PAM')
	test_user "${pam:0:1}" "$([ $pam = yes ] && echo bash || echo dash)"
	home=$place/home/$user
	need sshd_start $pam
	: > "$sessions_log"
	client_open c "$user" || die "no connection: $answer"
	ended TERM "$label"
	ended HUP "$label"
	client_close c
	leaves_nothing "$label"
	sshd_stop
	rm -rf "$rundir" "$shmdir" "$shmdir"-*
done
e2e_end
