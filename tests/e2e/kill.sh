#!/bin/bash
# tests: processes that die at a bad moment.  A killed sibling holds nobody (G4, G7); a client that
# dies in mid-upload loses nothing that reached the session, and the connection's PAM session does not
# end before that is on file (G2, G8).  With the PAM module and without.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
ACKNOWLEDGED=1048576

e2e_begin
policy 'default = { drain = "transfer"; linger = "500ms"; deadline = "5m"; };'

# A sibling killed by SIGKILL with an upload open.
killed_sibling() {
	local label="G4, $1" pids=() s
	for s in 1 2 3; do
		session_open c "$user"
		pids+=("$session_pid")
	done
	need "$support/pattern" write "$home/down3" $SIZE 3
	must c put 1 up1 $SIZE 1
	must c put 2 up2 $SIZE 2
	must c get 3 down3 $SIZE 3
	for s in 1 2 3; do
		must c step $s $ACKNOWLEDGED
	done
	control close
	is "$label: close succeeds" "$status" 0
	need poll "$PATIENCE" session_drains "${pids[1]}"
	need kill -KILL "${pids[1]}"
	refused "$label: the killed session is dead to its client" . c step 2 $ACKNOWLEDGED
	asks "$label: the first sibling completes its transfer" c finish 1
	asks "$label: the third sibling completes its transfer" c finish 3
	control wait
	is "$label: wait ends, and says that one ended by force" "$status" 3
	asks "$label: the connection ends" c gone $((PATIENCE * 1000))
	file_is "$label: the first sibling's upload is whole" "$home/up1" $SIZE 1
	check "$label: the killed one's file is a correct beginning" \
		"$support/pattern" prefix "$home/up2" $SIZE 2
	client_close c
	control reopen
	is "$label: reopen succeeds" "$status" 0
}

# The only session killed under an order, and the last of two: the connection ends all the same, and soon.
KILL_MS=2000
killed_last() {
	local label="G3, $1, $2" pid pids=() gone guard sleeps
	session_open c "$user"
	pid=$session_pid
	must c put "$session" cut $SIZE 5
	must c step "$session" $ACKNOWLEDGED
	if [ "$2" = 'after a sibling' ]; then
		session_open c "$user"
		must c put "$session" whole $SIZE 6
		must c step "$session" $ACKNOWLEDGED
	fi
	control close
	need poll "$PATIENCE" session_drains "$pid"
	watch_start "$place/watch" "$pid"
	if [ "$2" = 'after a sibling' ]; then
		watch_start "$place/watch.sibling" "$session_pid"
		asks "$label: the sibling completes its transfer" c finish "$session"
		need has_ended "$place/watch.sibling" "$session_pid"
	fi
	mapfile -t pids < <(connection_pids "$user")
	watch_start "$place/watch.sshd" "${pids[@]}"
	control_in_background wait wait
	watch_start "$place/watch.wait" "$control_pid"
	need poll "$PATIENCE" has_guard
	guard=$(user_pids "$user" sftp-closer)
	is "$label: there is one guard" "$(wc -w <<< "$guard")" 1
	sleeps=$(sleeps_of "$guard")
	sleep 1
	is "$label: it does nothing" "$(sleeps_of "$guard")" "$sleeps"
	is "$label: it has no file open" "$(find "/proc/$guard/fd" -lname "$home/*" | wc -l)" 0
	asks "$label: the connection is there before" c alive
	need kill -KILL "$pid"
	asks "$label: the connection ends" c gone $((PATIENCE * 1000))
	gone=${answer#* }
	between "$label: soon (ms)" "$(ms_between "$(ended_ns "$place/watch" "$pid")" "$gone")" -50 $KILL_MS
	for pid in "${pids[@]}"; do
		has_ended "$place/watch.sshd" "$pid"
	done
	wait "$control_pid"
	is "G5, $1, $2: wait says that one ended by force" $? 3
	between "G5, $1, $2: wait has waited for the connection (ms)" \
		"$(ms_between "$gone" "$(ended_ns "$place/watch.wait" "$control_pid")")" -100 $KILL_MS
	check "$label: the guard is gone too" poll "$PATIENCE" user_is_idle "$user"
	client_close c
	control reopen
}

killed_only() {
	killed_last "$1" 'the only one'
}

killed_after_sibling() {
	killed_last "$1" 'after a sibling'
}

# The guard killed too: nobody is left to end the connection, until the order is given again; that needs
# the table.
killed_with_guard() {
	local label="G7, $1"
	session_open c "$user"
	must c put "$session" cut $SIZE 5
	must c step "$session" $ACKNOWLEDGED
	control close
	need poll "$PATIENCE" session_drains "$session_pid"
	need poll "$PATIENCE" has_guard
	watch_start "$place/watch" "$session_pid"
	need kill -KILL $(user_pids "$user" sftp-closer) "$session_pid"
	need has_ended "$place/watch" "$session_pid"
	control wait
	is "G5, $1: wait ends, and says that one ended by force" "$status" \
		"$([ "$pam" = yes ] && echo 3 || echo 0)"
	if [ "$pam" = yes ]; then
		asks "$label: the connection is left" c alive
		is "$label: it is" "$answer" 'ok yes'
		control close
		asks "$label: the order given again ends it" c gone $((PATIENCE * 1000))
	fi
	client_close c
	control reopen
}

has_guard() {
	[ -n "$(user_pids "$user" sftp-closer)" ]
}

# A session killed before the order is no business of it.
killed_before() {
	local label="G5, $1"
	session_open c "$user"
	watch_start "$place/watch" "$session_pid"
	need kill -KILL "$session_pid"
	need has_ended "$place/watch" "$session_pid"
	session_open c "$user"
	must c put "$session" before $SIZE 4
	must c step "$session" $ACKNOWLEDGED
	control close
	asks "$label: the transfer is completed" c finish "$session"
	control wait
	is "$label: wait says that all ended cleanly" "$status" 0
	like "$label: and counts the one that has" "$output" '1 clean, 0 by force'
	asks "$label: the connection ends" c gone $((PATIENCE * 1000))
	client_close c
	control reopen
}

# sshd gives the session what it has of the upload before it notices that the client is gone.
pipe_has_settled() {
	local last=$level
	level=$("$support/pipe_level" "$1")
	sleep 0.2
	[ "$level" -gt 0 ] && [ "$level" = "$last" ]
}

# What the session logged as written to a file, at its end.
logged_bytes() {
	sed -nE "s/.*close \"[^\"]*$1\" bytes read [0-9]+ written ([0-9]+).*/\1/p" "$sessions_log" | tail -n 1
}

still_connected() {
	[ -n "$(connection_pids "$user")" ]
}

is_disconnected() {
	! still_connected
}

# Of a connection's two sshd processes the user's is gone, and root's monitor has the PAM session to end.
only_the_monitor_is_left() {
	[ "$(connection_pids "$user" | wc -l)" -le 1 ]
}

# A client killed by SIGKILL with more of its upload under way than the session has read: the session is
# stopped for the time, so that what it has still to do is known exactly.
killed_client() {
	local label="G2, $1" length requests least size
	session_open c "$user"
	must c put "$session" cut $SIZE 7
	must c step "$session" $ACKNOWLEDGED
	stop_session
	must c flood "$session" 1572864
	length=${answer#* }
	level=0
	poll "$PATIENCE" pipe_has_settled "$session_pid" ||
		die "the pipe of $session_pid does not settle: $level"
	requests=$((level / length))
	least=$((ACKNOWLEDGED + requests * 32768))
	note "$level bytes wait for the session: at least $least are to be in the file"
	watch_start "$place/watch.session" "$session_pid"
	client_kill c
	check "$label: sshd has noticed that the client is gone" poll "$PATIENCE" only_the_monitor_is_left
	if [ "$pam" = yes ]; then
		monitor_waits
	else
		need kill -CONT "$session_pid"
		check "$label: the session ends" has_ended "$place/watch.session" "$session_pid"
	fi
	check "$label: what is in the file is right" "$support/pattern" prefix "$home/cut" $SIZE 7
	size=$(stat -c %s "$home/cut")
	between "$label: all that reached the session is in the file" "$size" "$least" $SIZE
	is "G8, $1: the log says how much" "$(logged_bytes cut)" "$size"
}

# The connection's PAM session does not end before the SFTP session, which is let go on here.
monitor_waits() {
	local seen monitor
	# Time in which the end of the connection would have been reached, had nobody waited.
	seen=$SECONDS
	while still_connected && [ $((SECONDS - seen)) -lt 2 ]; do
		sleep 0.1
	done
	check "$label: the PAM session waits for the SFTP session" still_connected
	monitor=$(connection_pids "$user" | head -n 1)
	[ -n "$monitor" ] || return
	watch_start "$place/watch.monitor" "$monitor"
	need kill -CONT "$session_pid"
	check "$label: the connection ends once the session has" poll "$PATIENCE" is_disconnected
	between "$label: not before it (ms)" "$(ms_between "$(ended_ns "$place/watch.session" "$session_pid")" \
		"$(ended_ns "$place/watch.monitor" "$monitor")")" -50 $((PATIENCE * 1000))
}

# A client that sends many requests and is gone before any is answered: a server that stops at the end of
# its input, or at its first reply that nobody takes, leaves most of them undone.
killed_after_burst() {
	local label="G2, $1"
	session_open c "$user"
	stop_session
	must c burst "$session" burst 1000
	poll "$PATIENCE" has_in_pipe "$session_pid" "$answer" || die 'the requests do not reach the session'
	watch_start "$place/watch.session" "$session_pid"
	client_kill c
	check "$label: sshd has noticed that the client is gone" poll "$PATIENCE" only_the_monitor_is_left
	need kill -CONT "$session_pid"
	check "$label: the session ends" has_ended "$place/watch.session" "$session_pid"
	is "$label: every request received was carried out" \
		"$(find "$home" -maxdepth 1 -name 'burst*' -type d | wc -l)" 1000
}

for shell in bash dash; do
	test_user "${shell:0:1}" "$shell"
	home=$place/home/$user
	for pam in yes no; do
		need sshd_start $pam
		label="$shell, $([ $pam = yes ] && echo PAM || echo 'no PAM')"
		for case in killed_sibling killed_only killed_after_sibling killed_with_guard killed_before \
			killed_client killed_after_burst; do
			client_open c "$user" || die "no connection: $answer"
			$case "$label"
		done
		leaves_nothing "$label"
		sshd_stop
		rm -rf "${home:?}"/* "$rundir" "$shmdir" "$shmdir"-*
	done
done
e2e_end
