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
	asks "$label: it goes on" c opendir "$session" .
	watch_start "$place/watch" "$session_pid"
	must c end "$session"
	ends_after "$place/watch" "$session_pid"
}

for pam in PAM 'no PAM'; do
	need sshd_start "$([ "$pam" = PAM ] && echo yes || echo no)"
	last
	leaves_nothing "$pam"
	sshd_stop
	rm -rf "${home:?}"/* "$rundir" "$shmdir" "$shmdir"-*
done
e2e_end
