#!/bin/bash
# tests: abort, the operator's hard end: what can end by itself does so at once and loses nothing that it has
# received, what cannot is killed; it leaves alone whom it is not for, and it may be interrupted and given
# again.  G1, G2, G5, G6, G8, G9, G10; with the PAM module, and the killing without.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=1048576
SOON_MS=5000
# The grace and the time between the signals (force.h), and what a loaded machine needs.
KILL_MS=8000
LATE_MS=8000

e2e_begin
policy 'default = { drain = "transfer"; linger = "2s"; deadline = "5m"; };'
test_user a bash
alice=$user
test_user b dash
bob=$user

as() {
	setpriv --reuid "$1" --regid "$1" --clear-groups "$control" --config "$config" \
		--rundir "$rundir" --shmdir "$shmdir" "${@:2}" 2>&1
}

# One user's connections, with an upload and without; the other's.
of_a_user() {
	local label='PAM, user=' began bob_session
	client_open idle "$alice" || die "no connection: $answer"
	client_open busy "$alice" || die "no connection: $answer"
	client_open other "$bob" || die "no connection: $answer"
	session_open idle "$alice"
	session_open busy "$alice"
	must busy put "$session" cut $SIZE 1
	must busy step "$session" $STEP
	session_open other "$bob"
	bob_session=$session
	must other put "$session" whole $SIZE 2
	must other step "$session" $STEP
	output=$(as "$alice" abort "user=$alice")
	is "$label: G6: a user is refused it, for himself too" $? 1
	like "$label: G6: and told why" "$output" '^sftp-drain: abort: .*takes root'
	output=$(as "$bob" abort)
	is "$label: G6: and for the host" $? 1
	check "$label: G6: which has changed nothing" cannot_see_order

	began=$(now_ns)
	control abort --message 'The disk is failing.' "user=$alice"
	is "$label: G5: it says that an upload was cut" "$status" 3
	like "$label: G5: it says how they ended" "$output" '1 clean, 1 by force'
	between "$label: G9: soon (ms)" "$(ms_between "$began" "$(now_ns)")" 0 $SOON_MS
	for name in idle busy; do
		asks "$label: G1: the $name connection is gone" $name gone $((PATIENCE * 1000))
		client_close $name
	done
	is "$label: G2: what was received is in the file" "$(stat -c %s "$place/home/$alice/cut")" $STEP
	check "$label: G2: rightly" "$support/pattern" prefix "$place/home/$alice/cut" $SIZE 1
	like "$label: G8: the log says that the upload did not end" "$(grep 'close "cut"' "$sessions_log" | tail -n 1)" 'forced close'
	client_open late "$alice" || die "no connection: $answer"
	refused "$label: G3: nobody comes in after it" 'disk is failing' late session
	client_close late
	asks "$label: G6: the other user completes his upload" other finish "$bob_session"
	file_is "$label: G6: it is whole" "$place/home/$bob/whole" $SIZE 2
	client_close other
	control reopen "user=$alice"
	is "$label: G5: reopen takes it back" "$status" 0
}

cannot_see_order() {
	control list --json
	tr -d ' \t\n' <<< "$output" | grep -q '"host":null,"users":\[\]'
}

# A connection that serves something else too, by name.
beside_a_command() {
	local label='PAM, connection=' id command
	client_open c "$alice" || die "no connection: $answer"
	session_open c "$alice"
	must c exec sleep 1000
	command=$answer
	poll "$PATIENCE" runs_command || die 'the command does not run'
	control list -o CONNECTION
	id=$(grep -oE '[0-9]+\.[0-9]+' <<< "$output" | head -n 1)
	control abort "connection=$id"
	is "$label: G5: a session without anything open ends cleanly" "$status" 0
	check "$label: G1: it is gone" poll "$PATIENCE" no_session_process
	check "$label: G10: the command goes on" runs_command
	asks "$label: G10: the connection" c alive
	is "$label: G10: stays with it" "$answer" 'ok yes'
	must c end "$command"
	pkill -KILL -u "$alice" -x sleep
	client_close c
}

runs_command() {
	[ -n "$(user_pids "$alice" sleep)" ]
}

no_session_process() {
	[ -z "$(session_pids "$alice")" ]
}

has_guard() {
	[ -n "$(user_pids "$alice" sftp-closer)" ]
}

# A session that nothing but SIGKILL moves, on a connection that has a guard; and an abort that is killed.
stuck() {
	local label='no PAM, stuck' began
	client_open c "$alice" || die "no connection: $answer"
	session_open c "$alice"
	must c put "$session" stuck $SIZE 3
	must c step "$session" $STEP
	control close --drain session --deadline 1h
	need poll "$PATIENCE" has_guard
	"$support/hold" "$session_pid" > "$place/held" 2>&1 &
	poll "$PATIENCE" grep -q . "$place/held"
	if ! grep -q '^held$' "$place/held"; then
		skip "$label: G9: it is killed" "needs ptrace(2): $(cat "$place/held")"
		client_close c
		return
	fi
	watch_start "$place/watch" "$session_pid"
	began=$(now_ns)
	control_in_background abort abort
	poll "$PATIENCE" grep -q 'drain now, deadline passed' "$place/abort.output" ||
		die "abort says nothing: $(cat "$place/abort.output")"
	kill -KILL "$control_pid"
	wait "$control_pid" 2> /dev/null
	check "$label: G5: an abort that is killed has killed nobody yet" kill -0 "$session_pid"
	control abort
	is "$label: G9: the next one goes on to the end, by force" "$status" 3
	check "$label: G9: by SIGKILL" poll "$PATIENCE" grep -q '^killed 9$' "$place/held"
	between "$label: G9: in its time (ms)" \
		"$(ms_between "$began" "$(ended_ns "$place/watch" "$session_pid")")" $((KILL_MS - 50)) $((KILL_MS + LATE_MS))
	asks "$label: G1: the guard has ended the connection" c gone $((PATIENCE * 1000))
	is "$label: G8: what was acknowledged is in the file" "$(stat -c %s "$place/home/$alice/stuck")" $STEP
	client_close c
	control abort
	is "$label: G5: once more there is nothing left to end" "$status" 0
}

need sshd_start yes
of_a_user
beside_a_command
leaves_nothing PAM
sshd_stop
rm -rf "${place:?}"/home/*/* "$rundir" "$shmdir" "$shmdir"-*
need sshd_start no
stuck
leaves_nothing 'no PAM'
e2e_end
