#!/bin/bash
# tests: a connection that we end while its client is slow: what was carried out is answered, and the
# replies and the exit status reach the client before the end (G1, G2), which has a bound (G9).  Slow are a
# line that brings nothing to the server for a while, so that the channel's window stays closed; one that
# stands still for a while, or for good; and one that takes a few bytes at a time, for longer than the closer
# waits for one that stands still.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

# Of 32 KiB: all but a little of the replies fit into the window of OpenSSH's client, 2 MiB; that little
# fits into a pipe.
READS=65
# DATA: uint32 length, byte 103, uint32 id, string.
ANSWERS=$((READS * (32768 + 13)))
# WRITE's counterpart: uint32 length, byte 5, uint32 id, handle of 4 bytes, uint64 offset, uint32 length.
QUESTIONS=$((READS * 29))
# 36 KB of replies take longer than the 30 s after which a line that stands still is given up.
BAD_LINE_RATE=1000
MANY=1300
# More than linger.
STILL_S=3.5
DEADLINE_MS=1000
# The session waits five seconds for the client, the closer another five; then sshd is given its time.
FORCE_MS=15000

e2e_begin

# relay_start [RATE]: a line of its own for the next client; sets $line_port and $line.
relay_start() {
	rm -f "$place/relay"
	"$support/relay" "$sshd_port" "$@" > "$place/relay" &
	line=$!
	poll "$PATIENCE" test -s "$place/relay" || die 'no relay'
	line_port=$(cat "$place/relay")
}

# reader_start [-e]: an ssh on that line whose requests wait in the pipe of a session that is stopped; with -e
# and the end of its input behind them.
reader_start() {
	local options before
	mapfile -t options < <(sshd_port=$line_port && ssh_options)
	before=$(session_pids "$user")
	rm -f "$place/reader.out" "$place/go"
	mkfifo "$place/go"
	"$support/slow_reader" "$@" big $READS 0 ssh "${options[@]}" -s "$user@127.0.0.1" sftp \
		< "$place/go" > "$place/reader.out" 2>&1 &
	exec {go}> "$place/go"
	poll "$PATIENCE" grep -qs opened "$place/reader.out" || die "no reader: $(cat "$place/reader.out")"
	need has_new_session "$user" "${before:-none}"
	watch_start "$place/watch" "$session_pid"
	stop_session
	echo >&"$go"
	exec {go}>&-
	poll "$PATIENCE" has_in_pipe "$session_pid" $QUESTIONS || die 'the requests do not reach the session'
	[ $# -eq 0 ] || poll "$PATIENCE" input_has_ended || die 'the end of input does not reach the session'
}

# No sshd has the other end of the session's input any more.
input_has_ended() {
	local pid
	for pid in $(connection_pids "$user"); do
		! find "/proc/$pid/fd" -lname "$(readlink "/proc/$session_pid/fd/0")" | grep -q . || return 1
	done
}

reader_has_all() {
	check "$label: G1: the client has seen the end" poll "$PATIENCE" grep -q ended "$place/reader.out"
	is "$label: G2: it has all replies and the exit status" "$(tail -n 1 "$place/reader.out")" \
		"ended $ANSWERS 0"
	check "$label: G1: the connection ends" poll "$PATIENCE" is_disconnected
}

is_disconnected() {
	[ -z "$(connection_pids "$user")" ]
}

# stays STOP GO: for a while after these signals to the line the connection is there.  A server that did not
# ask would have ended it after linger.
stays() {
	need kill "-$1" "$line"
	need kill -CONT "$session_pid"
	sleep $STILL_S
	if is_disconnected; then
		fail "$label: G1: the connection is there"
	else
		pass "$label: G1: the connection is there"
	fi
	need kill "-$2" "$line"
}

ordered() {
	label=$1
	relay_start
	reader_start
	control_in_background close close --wait "user=$user"
	poll "$PATIENCE" has_order || die 'no order'
	stays "$2" "$3"
	reader_has_all
	wait "$control_pid"
	# Its file is open still.
	is "$label: G5: close --wait says that it was cut short" $? 3
	control reopen "user=$user"
}

has_order() {
	control list --json
	tr -d ' \t\n' <<< "$output" | grep -q '"users":\[{'
}

# Without an order: the client has ended its session, and the policy says close = "last".
by_policy() {
	label='window closed, close = "last"'
	policy 'default = { close = "last"; linger = "2s"; deadline = "5m"; };'
	relay_start
	reader_start -e
	stays USR2 USR2
	reader_has_all
}

still_for_good() {
	label='line that stands still for good'
	relay_start 1000000
	reader_start
	need kill -STOP "$line"
	need kill -CONT "$session_pid"
	began=$(now_ns)
	control close --deadline ${DEADLINE_MS}ms --wait "user=$user"
	is "$label: G9: close --wait ends, and says that it took force" "$status" 3
	between "$label: G9: after the deadline, and soon (ms)" "$(ms_between "$began" "$(now_ns)")" \
		$DEADLINE_MS $((DEADLINE_MS + FORCE_MS))
	check "$label: G9: the connection is gone" poll "$PATIENCE" is_disconnected
	need kill -KILL "$line"
	control reopen "user=$user"
}

# In two parts, for it takes its time.
bad_line_begins() {
	relay_start $BAD_LINE_RATE
	sshd_port=$line_port client_open bad "$user" || die "no connection: $answer"
	session_open bad "$user"
	bad_pid=$session_pid
	bad_sshd=$(connection_pids "$user" | tail -n 1)
	watch_start "$place/watch.bad" "$bad_pid" "$bad_sshd"
	stop_session
	must bad burst "$session" made $MANY
	poll "$PATIENCE" has_in_pipe "$session_pid" "$answer" || die 'the requests do not reach the session'
	need kill -USR1 "$line"
	need kill -CONT "$session_pid"
	control close "user=$user"
	bad_began=$(now_ns)
	# What it answers is read later.
	client_say bad "listen $session"
}

bad_line_ends() {
	label='bad line'
	check "$label: G1: the session has ended" has_ended "$place/watch.bad" "$bad_pid"
	client_answer bad
	is "$label: G2: every request was answered" "$answer" "ok $MANY"
	asks "$label: G1: the connection ends" bad gone $((PATIENCE * 1000))
	# The line itself has taken the last 8 KB by then.
	between "$label: G1: sshd was ended when the line had taken all (ms)" \
		"$(ms_between "$bad_began" "$(ended_ns "$place/watch.bad" "$bad_sshd")")" 35500 120000
	client_close bad
	control reopen "user=$user"
}

policy 'default = { drain = "now"; linger = "2s"; deadline = "5m"; };'
test_user b bash
bad_user=$user
test_user a bash
need sshd_start yes
need "$support/pattern" write "$place/home/$user/big" $((READS * 32768)) 1
[ -n "${ASAN_OPTIONS:-}" ] || user=$bad_user bad_line_begins
ordered 'window closed' USR2 USR2
ordered 'line that stands still' STOP CONT
still_for_good
by_policy
if [ -n "${ASAN_OPTIONS:-}" ]; then
	skip 'G1, G2: a bad line' 'takes a minute: for the build without sanitizers'
else
	user=$bad_user bad_line_ends
fi
leaves_nothing 'slow peers'
e2e_end
