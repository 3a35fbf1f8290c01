#!/bin/bash
# tests: sshd's own limits, ChannelTimeout and UnusedConnectionTimeout.  A session that sshd ends is one
# that its client has ended: what has reached it is carried out (G2), its siblings go on (G4, G10), nothing of
# it is left, and an order that comes before or at the same time ends as it would have without them (G1, G5,
# G9).  With the PAM module and without.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2034,SC2317 # variables are the harness's, functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=262144
TIMEOUT_MS=2000
# For sshd and the session, on a loaded machine.
SLACK_MS=8000

e2e_begin
sshd_takes ChannelTimeout=session:subsystem:sftp=2s && sshd_takes UnusedConnectionTimeout=2s ||
	skip_all 'this sshd knows no ChannelTimeout, or no UnusedConnectionTimeout'
sshd_extra="ChannelTimeout session:subsystem:sftp=2s
UnusedConnectionTimeout 2s"
drains='default = { drain = "transfer"; linger = "300ms"; deadline = "5m"; };'

connect() {
	client_open "$1" "$user" || die "no connection: $answer"
}

# An idle session and one with an upload open, beside one that is busy.
channels() {
	local label="ChannelTimeout, $pam_label" idle cut busy step
	connect c
	session_open c "$user"
	idle=$session_pid
	session_open c "$user"
	cut=$session_pid
	must c put "$session" cut $SIZE 1
	must c step "$session" $STEP
	session_open c "$user"
	busy=$session
	must c put "$busy" busy $SIZE 2
	watch_start "$place/watch" "$idle" "$cut"
	for step in {1..8}; do
		must c step "$busy" $STEP
		sleep 0.4
	done
	check "$label: G10: the idle session ends" has_ended "$place/watch" "$idle"
	check "$label: G10: so does the one with an upload open" has_ended "$place/watch" "$cut"
	asks "$label: G10: the busy one completes its transfer" c finish "$busy"
	file_is "$label: G10: its file is whole" "$home/busy" $SIZE 2
	is "$label: G2: what was acknowledged of the other is in the file" "$(stat -c %s "$home/cut")" $STEP
	check "$label: G8: and it is right" "$support/pattern" prefix "$home/cut" $SIZE 1
	like "$label: G8: the log says that it was not closed" "$(grep cut "$sessions_log" | tail -n 1)" 'forced close'
	control list -o PID
	is "$label: G4: no row of them is left" "$(grep -cE "^ *($idle|$cut)\$" <<< "$output")" 0
	session_open c "$user"
	pass "$label: G3: a new session joins"
	client_close c
}

# The order waits for a session that sshd ends.
under_order() {
	local label="ChannelTimeout under an order, $pam_label"
	connect c
	session_open c "$user"
	must c put "$session" ordered $SIZE 3
	must c step "$session" $STEP
	watch_start "$place/watch" "$session_pid"
	control close
	control_in_background wait wait
	asks "$label: G1: the connection ends" c gone $((PATIENCE * 1000))
	between "$label: G1: not before the session (ms)" \
		"$(ms_between "$(ended_ns "$place/watch" "$session_pid")" "${answer#ok }")" 0 $SLACK_MS
	wait "$control_pid"
	is "$label: G5: wait says that it ended by itself" $? 0
	is "$label: G2: what was acknowledged is in the file" "$(stat -c %s "$home/ordered")" $STEP
	client_close c
	control reopen
}

# unused LABEL POLICY: the last session of a connection ends, and sshd ends the connection, whatever the policy
# would have waited for.
unused() {
	local label="UnusedConnectionTimeout, $1, $pam_label" ended
	policy "$2"
	connect c
	session_open c "$user"
	must c end "$session"
	ended=$answer
	asks "$label: G10: the connection ends" c gone $((PATIENCE * 1000))
	between "$label: G10: when sshd says (ms)" "$(ms_between "$ended" "${answer#ok }")" \
		$((TIMEOUT_MS - 1100)) $((TIMEOUT_MS + SLACK_MS))
	client_close c
	check "$label: G4: no process of it is left" poll 10 user_is_idle "$user"
	check "$label: G4: nor is it in the table" poll 10 lists_nothing
	policy "$drains"
}

# The order comes when sshd ends sessions and connections.
at_once() {
	local label="an order at the same moment, $pam_label" name
	for name in {1..4}; do
		connect "$name"
		session_open "$name" "$user"
		must "$name" put "$session" "once$name" $SIZE "$name"
		must "$name" step "$session" $STEP
		sleep 0.1
	done
	sleep 1.7
	control close --wait
	is "$label: G5: close --wait says that all ended by themselves" "$status" 0
	for name in {1..4}; do
		asks "$label: G1: connection $name ends" "$name" gone $((PATIENCE * 1000))
		is "$label: G2: what was acknowledged on it is in the file" "$(stat -c %s "$home/once$name")" $STEP
		client_close "$name"
	done
	control reopen
	connect c
	session_open c "$user"
	pass "$label: G3, G7: then a session is admitted again"
	client_close c
}

test_user a bash
home=$place/home/$user
for pam in yes no; do
	pam_label=$([ $pam = yes ] && echo PAM || echo 'no PAM')
	policy "$drains"
	need sshd_start $pam
	if [ $pam = yes ]; then
		channels
		unused 'close = "client"' "$drains"
		unused 'close = "last", a long linger' 'default = { close = "last"; linger = "1m"; };'
		under_order
	fi
	at_once
	leaves_nothing "$pam_label"
	sshd_stop
	rm -rf "${home:?}"/* "$rundir" "$shmdir" "$shmdir"-*
done
e2e_end
