#!/bin/bash
# tests: connections that the policy closes, without any order: close = "last" with linger, close =
# "first".  G1, G3; with the PAM module and without.
# shellcheck source=tests/support/e2e.sh
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

LINGER_MS=3000
# For sshd and the closer, on a loaded machine; less than linger.
SLACK_MS=1500

e2e_begin
test_user a bash
home=$place/home/$user

# The connection ends linger after the end of a session: ends_after FILE PID.
ends_after() {
	local gone
	asks "$label: G1: the connection ends" c gone $((PATIENCE * 1000))
	gone=${answer#ok }
	between "$label: G1: linger after the exit of its last session (ms)" \
		"$(ms_between "$(ended_ns "$1" "$2")" "$gone")" $((LINGER_MS - 50)) $((LINGER_MS + SLACK_MS))
	client_close c
}

last() {
	label="last, $pam"
	policy 'default = { close = "last"; linger = "3s"; deadline = "5m"; };'
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	watch_start "$place/watch" "$session_pid"
	must c end "$session"
	ends_after "$place/watch" "$session_pid"

	label="last, $pam, one comes and goes in linger"
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	must c end "$session"
	sleep 1
	session_open c "$user"
	pass "$label: G3: a newcomer in linger is admitted"
	watch_start "$place/watch" "$session_pid"
	sleep 0.5
	must c end "$session"
	ends_after "$place/watch" "$session_pid"

	label="last, $pam, one comes in linger and stays"
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	must c end "$session"
	sleep 1
	session_open c "$user"
	# Twice linger: an end that was not called off would have come.
	sleep 6
	asks "$label: G3: it goes on" c opendir "$session" .
	watch_start "$place/watch" "$session_pid"
	must c end "$session"
	ends_after "$place/watch" "$session_pid"
}

# A command keeps the connection: newcomers are welcome as before, and it ends after the command.
last_beside_a_command() {
	local command
	label="last, $pam, beside a command"
	policy 'default = { close = "last"; linger = "300ms"; deadline = "5m"; };'
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	must c exec sleep 1000
	command=$answer
	need poll "$PATIENCE" user_runs_sleep
	must c end "$session"
	# Linger, and the look at what else there is.
	sleep 1.5
	asks "$label: G10: it is kept open" c alive
	is "$label: G10: it is" "$answer" 'ok yes'
	asks "$label: G10: a newcomer is admitted" c session
	must c end "${answer#ok }"
	must c end "$command"
	need pkill -KILL -u "$user" -x sleep
	asks "$label: G1: the connection ends after it" c gone $((PATIENCE * 1000))
	client_close c
}

user_runs_sleep() {
	[ -n "$(user_pids "$user" sleep)" ]
}

# The first session's end drains the others: an idle one goes, a transfer is completed, newcomers are
# refused.
first() {
	local one two two_pid
	label="first, $pam"
	policy 'default = { close = "first"; linger = "3s"; deadline = "5m"; };'
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	one=$session
	session_open c "$user"
	two=$session two_pid=$session_pid
	watch_start "$place/watch" "$two_pid"
	session_open c "$user"
	watch_start "$place/watch.idle" "$session_pid"
	must c put "$two" up 1000000 1
	must c step "$two" 100000
	asks "$label: G10: before the first ends the others open what they like" c opendir "$two" .
	must c end "$one"
	check "$label: G1: then an idle one ends" has_ended "$place/watch.idle" "$session_pid"
	refused "$label: G1: and the other opens nothing any more" 'closes' c opendir "$two" .
	refused "$label: G3: a newcomer is refused" 'closes' c session
	asks "$label: G1: what it had open is completed" c finish "$two"
	file_is "$label: G1: rightly" "$home/up" 1000000 1
	check "$label: G1: it ends by itself" has_ended "$place/watch" "$two_pid"
	ends_after "$place/watch" "$two_pid"

	label="first, $pam, the only one"
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	watch_start "$place/watch" "$session_pid"
	must c end "$session"
	refused "$label: G3: no newcomer in linger" 'clos' c session
	ends_after "$place/watch" "$session_pid"

	label="first, $pam, the deadline passes"
	policy 'default = { close = "first"; linger = "3s"; deadline = "2s"; };'
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	one=$session
	session_open c "$user"
	must c put "$session" stuck 1000000 1
	must c step "$session" 100000
	watch_start "$place/watch" "$session_pid"
	must c end "$one"
	between "$label: G9: the other is ended at it (ms)" \
		"$(ms_between "$answer" "$(ended_ns "$place/watch" "$session_pid")")" 1950 $((2000 + SLACK_MS))
	asks "$label: G9: and so is the connection" c gone $((PATIENCE * 1000))
	client_close c

	label="first, $pam, the other is killed"
	policy 'default = { close = "first"; linger = "300ms"; deadline = "5m"; };'
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	one=$session
	session_open c "$user"
	must c put "$session" stuck 1000000 1
	must c step "$session" 100000
	must c end "$one"
	need poll "$PATIENCE" session_drains "$session_pid"
	need kill -KILL "$session_pid"
	asks "$label: G3: the connection ends all the same" c gone $((PATIENCE * 1000))
	client_close c
}

# An order on a connection that its policy closes, taken back in linger: it is the policy's business again.
called_off() {
	label="last, $pam, an order in linger is taken back"
	policy 'default = { close = "last"; linger = "3s"; deadline = "5m"; };'
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	must c end "$session"
	control close
	# Twenty times what the closer needs to see it, so that it has lingered under the order.
	sleep 0.4
	control reopen
	sleep 0.4
	asks "$label: G5: a newcomer is admitted" c session
	must c end "${answer#ok }"
	asks "$label: G1: the connection ends" c gone $((PATIENCE * 1000))
	client_close c

	label="client, $pam, the order is taken back in linger"
	policy 'default = { linger = "10s"; deadline = "5m"; };'
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	watch_start "$place/watch" "$session_pid"
	control close
	check "$label: G1: the session ends" has_ended "$place/watch" "$session_pid"
	control reopen
	asks "$label: G5: a newcomer is admitted" c session
	must c end "${answer#ok }"
	check "$label: G5: nobody is left that would end the connection" poll "$PATIENCE" user_has_no_closer
	asks "$label: G5: and it stays" c alive
	is "$label: G5: it does" "$answer" 'ok yes'
	client_close c
}

user_has_no_closer() {
	[ -z "$(user_pids "$user" sftp-closer)" ]
}

for pam in PAM 'no PAM'; do
	need sshd_start "$([ "$pam" = PAM ] && echo yes || echo no)"
	last
	last_beside_a_command
	first
	called_off
	leaves_nothing "$pam"
	sshd_stop
	rm -rf "${home:?}"/* "$rundir" "$shmdir" "$shmdir"-*
done
e2e_end
