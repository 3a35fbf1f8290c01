#!/bin/bash
# tests: requests that have been received are carried out, however the session ends, and their replies are
# sent while anyone reads them (G2).  That a client is killed: kill.sh, upload_killed.sh.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

MANY=1000

e2e_begin
policy 'default = { drain = "transfer"; linger = "500ms"; deadline = "5m"; };'

made() {
	find "$home" -maxdepth 1 -name "$1*" -type d | wc -l
}

# burst_start PREFIX: MANY requests wait in the pipe of a session that has been stopped.
burst_start() {
	session_open c "$user"
	watch_start "$place/watch" "$session_pid"
	stop_session
	must c burst "$session" "$1" $MANY
	poll "$PATIENCE" has_in_pipe "$session_pid" "$answer" || die 'the requests do not reach the session'
}

# burst_done LABEL PREFIX
burst_done() {
	check "$1: the session ends" has_ended "$place/watch" "$session_pid"
	is "$1: every request received was carried out" "$(made "$2")" $MANY
}

replies_came() {
	asks "$1: the replies are taken" c listen "$session"
	is "$1: every request received was answered" "$answer" "ok $MANY"
}

# Without waiting for anything: the end is sent right behind the requests.
end_of_input() {
	local label="G2, $1, end of input"
	session_open c "$user"
	watch_start "$place/watch" "$session_pid"
	must c burst "$session" eof $MANY
	must c eof "$session"
	replies_came "$label"
	burst_done "$label" eof
}

# No sshd has an end of a pipe of the session's any more: reading it says end of file, writing EPIPE.
pipes_are_cut() {
	local descriptor pid
	for descriptor in 0 1; do
		for pid in $(connection_pids "$user"); do
			! find "/proc/$pid/fd" -lname "$(readlink "/proc/$1/fd/$descriptor")" | grep -q . ||
				return 1
		done
	done
}

# The client closes the channel; its connection stays.
channel_closed() {
	local label="G2, $1, channel closed"
	burst_start close
	must c end "$session"
	poll "$PATIENCE" pipes_are_cut "$session_pid" || die 'sshd keeps the pipes of a closed channel'
	need kill -CONT "$session_pid"
	burst_done "$label" close
	asks "$label: the connection is there" c alive
	is "$label: and alive" "$answer" 'ok yes'
}

# The same, but nothing is stopped: where sshd cuts the pipes is chance.
channel_closed_at_once() {
	local label="G2, $1, channel closed at once"
	session_open c "$user"
	watch_start "$place/watch" "$session_pid"
	must c burst "$session" once $MANY
	must c end "$session"
	burst_done "$label" once
}

terminated() {
	local label="G2, $1, SIGTERM"
	burst_start term
	need kill -TERM "$session_pid"
	need kill -CONT "$session_pid"
	replies_came "$label"
	burst_done "$label" term
	must c end "$session"
}

for shell in bash dash; do
	test_user "${shell:0:1}" "$shell"
	home=$place/home/$user
	need sshd_start yes
	client_open c "$user" || die "no connection: $answer"
	end_of_input "$shell"
	channel_closed "$shell"
	channel_closed_at_once "$shell"
	terminated "$shell"
	client_close c
	leaves_nothing "$shell"
	sshd_stop
done
e2e_end
