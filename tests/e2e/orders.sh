#!/bin/bash
# tests: an order that is changed while it is carried out: its deadline put off and brought forward, its drain
# made stronger and weaker; and orders on host, user and connection together: the strongest drain and the
# earliest deadline win, and taking one back leaves the others.  G1, G3, G5, G9; with the PAM module and
# without.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=1048576
# What a loaded machine needs after a deadline.
LATE_MS=8000

e2e_begin
policy 'default = { drain = "transfer"; linger = "300ms"; deadline = "5m"; };'

# upload NAME: a connection with an upload open; sets $session and $session_pid.
upload() {
	client_open "$1" "$user" || die "no connection: $answer"
	session_open "$1" "$user"
	must "$1" put "$session" "$1" $SIZE 1
	must "$1" step "$session" $STEP
}

# Whether list gives that session's connection a deadline that looks so.
has_deadline() {
	control list -o PID,DEADLINE
	grep -qE "^ *$1 +$2" <<< "$output"
}

# connection_of PID: sets $id.
connection_of() {
	control list -o PID,CONNECTION
	id=$(sed -nE "s/^ *$1 +([^ ]+) *$/\1/p" <<< "$output")
	[ -n "$id" ] || die "no connection of $1: $output"
}

# The deadline of a running order.
other_deadline() {
	local label="$1, deadline" ordered now
	upload c
	watch_start "$place/watch" "$session_pid"
	ordered=$(now_ns)
	control close --deadline 2s
	need poll "$PATIENCE" session_drains "$session_pid"
	control close --deadline 1h
	is "$label: G5: it can be put off" "$status" 0
	like "$label: G5: and it is said that it is" "$output" 'drain as each policy says, deadline in 59m'
	now=$(now_ns)
	if [ "$(ms_between "$ordered" "$now")" -lt 2000 ]; then
		sleep $((3 - $(ms_between "$ordered" "$now") / 1000))
		asks "$label: G5: the upload goes on beyond the first deadline" c step "$session" $STEP
	else
		skip "$label: G5: the upload goes on beyond the first deadline" 'this machine took too long'
	fi
	ordered=$(now_ns)
	control close --deadline 1s
	is "$label: G9: it can be brought forward" "$status" 0
	between "$label: G9: the session ends at the last that was set (ms)" \
		"$(ms_between "$ordered" "$(ended_ns "$place/watch" "$session_pid")")" 950 $((1000 + LATE_MS))
	control wait
	is "$label: G9: wait says that it took force" "$status" 3
	asks "$label: G1: the connection is gone" c gone $((PATIENCE * 1000))
	client_close c
	control reopen
}

stronger_drain() {
	local label="$1, session to now" idle idle_pid
	upload c
	client_pid=$session_pid up=$session
	session_open c "$user"
	idle=$session idle_pid=$session_pid
	control close --drain session --deadline 1h
	need poll "$PATIENCE" session_drains "$idle_pid"
	asks "$label: G5: a session under the first may open files" c open "$idle" c
	asks "$label: G5: and write" c step "$up" $STEP
	watch_start "$place/watch" "$client_pid" "$idle_pid"
	control close --drain now
	is "$label: G5: it can be made stronger" "$status" 0
	like "$label: G5: which leaves the deadline" "$output" 'drain now, deadline in 59m'
	for pid in "$client_pid" "$idle_pid"; do
		check "$label: G5: the session $pid ends" has_ended "$place/watch" "$pid"
	done
	control wait
	is "$label: G5: wait says that an upload was cut" "$status" 3
	like "$label: G5: and only that" "$output" '1 clean, 1 by force'
	asks "$label: G1: the connection is gone" c gone $((PATIENCE * 1000))
	is "$label: G1: what was acknowledged is in the file" "$(stat -c %s "$home/c")" $((2 * STEP))
	client_close c
	control reopen
}

# Who has not looked when it is made weaker goes on; who has gone has gone.
weaker_drain() {
	local label="$1, now to session" up other
	upload c
	up=$session
	stop_session
	stopped=$session_pid
	session_open c "$user"
	other=$session_pid
	watch_start "$place/watch" "$other"
	control close --drain now
	check "$label: G5: the session that can ends" has_ended "$place/watch" "$other"
	control close --drain session
	is "$label: G5: it can be made weaker" "$status" 0
	need kill -CONT "$stopped"
	asks "$label: G5: the session that was stopped goes on" c step "$up" $STEP
	asks "$label: G5: and opens files" c open "$up" c
	refused "$label: G3: nobody else joins" 'drain' c session
	asks "$label: G1: it completes its upload" c finish "$up"
	file_is "$label: G1: which is whole" "$home/c" $SIZE 1
	asks "$label: G5: and stays until the client ends it" c stat "$up" c
	must c end "$up"
	control wait
	is "$label: G5: wait says that all ended cleanly" "$status" 0
	asks "$label: G1: the connection is gone" c gone $((PATIENCE * 1000))
	client_close c
	control reopen
}

together() {
	local label="$1, together" c_pid d_pid
	# shellcheck disable=SC2034 # read by name
	local c d
	upload c
	c=$session c_pid=$session_pid
	upload d
	d=$session d_pid=$session_pid
	connection_of "$c_pid"
	control close --drain session --deadline 2h
	control close --drain transfer --deadline 3h "user=$user"
	control close --drain session --deadline 1h "connection=$id"
	is "$label: G5: all are given" "$status" 0
	check "$label: G9: the earliest deadline wins" has_deadline "$c_pid" '59m'
	check "$label: G9: on the other connection too" has_deadline "$d_pid" '1h 59m'
	for s in c d; do
		refused "$label: G5: the strongest drain wins on $s" 'drain' $s open "${!s}" $s
	done
	control reopen "user=$user"
	for s in c d; do
		asks "$label: G5: taken back, it leaves the weaker ones on $s" $s open "${!s}" $s
	done
	check "$label: G5: and the deadline" has_deadline "$c_pid" '59m'
	control reopen "connection=$id"
	check "$label: G5: with the connection's order its deadline goes" has_deadline "$c_pid" '1h 59m'
	watch_start "$place/watch" "$c_pid"
	control close --drain now "connection=$id"
	check "$label: G5: an order on the connection alone ends its session" has_ended "$place/watch" "$c_pid"
	asks "$label: G1: and it" c gone $((PATIENCE * 1000))
	asks "$label: G5: the other goes on" d step "$d" $STEP
	refused "$label: G3: nobody joins it" 'drain' d session
	control reopen
	asks "$label: G5: the last order taken back, it takes a new session" d session
	asks "$label: G5: and the upload is completed" d finish "$d"
	file_is "$label: G5: it is whole" "$home/d" $SIZE 1
	client_close c
	client_close d
}

for pam in yes no; do
	test_user "${pam:0:1}" "$([ $pam = yes ] && echo bash || echo dash)"
	home=$place/home/$user
	label=$([ $pam = yes ] && echo PAM || echo 'no PAM')
	need sshd_start $pam
	[ $pam = no ] || other_deadline "$label"
	stronger_drain "$label"
	weaker_drain "$label"
	together "$label"
	leaves_nothing "$label"
	sshd_stop
	rm -rf "$rundir" "$shmdir" "$shmdir"-*
done
e2e_end
