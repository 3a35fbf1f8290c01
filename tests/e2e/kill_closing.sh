#!/bin/bash
# tests: SIGKILL takes a party at each step of a close: sshd's process of the user, its monitor, the guard, the
# closer, `close` and `wait`; idle before an order, in mid-transfer under it, in linger after the last
# session.  Afterwards nothing of the connection is left within a bounded time, `wait` has said how the
# sessions ended, and the next comer is served (G4, G5, G7, G9).  Sessions and clients that are killed:
# kill.sh.  With the PAM module and without.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=262144
# From the kill to the end of all: sshd's own time, linger twice (the closer's, then the guard's), a loaded
# machine.  Far below the deadline.
END_MS=30000

# In which something is found and killed: also by a machine that has other things to do.
LINGER=4s

e2e_begin

# scene WHAT [LINGER]: a connection with one session.  Sets $monitor and $sshd.
scene() {
	label="$1, $pam_label"
	policy "default = { drain = \"transfer\"; linger = \"${2:-300ms}\"; deadline = \"5m\"; };"
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	pid=$session_pid
	monitor=$(pgrep -u root -f "$user \\[priv\\]\$")
	sshd=$(connection_pids "$user" | grep -vx "$monitor")
	watch_start "$place/watch" "$pid" "$sshd" "$monitor"
}

# transfer COMMAND...: is in its middle, under an order by that command of the operator's; `wait` watches, and a
# guard is there.
transfer() {
	must c put "$session" up $SIZE 1
	must c step "$session" $STEP
	control_in_background close "$@"
	close=$control_pid
	need poll "$PATIENCE" session_drains "$pid"
	need poll "$PATIENCE" has_guard
	guard=$(user_pids "$user" sftp-closer)
	control_in_background wait wait
	waiter=$control_pid
	watch_start "$place/watch.wait" "$waiter"
}

# As transfer, and then the last session has exited.  Sets $closer.
lingers() {
	transfer close
	must c finish "$session"
	need has_ended "$place/watch" "$pid"
	looks=()
	poll "$PATIENCE" has_closer ||
		die "no closer beside the guard $guard, but at (s): ${looks[*]:0:20}"
	closer=$(user_pids "$user" sftp-closer | grep -vx "$guard")
}

has_guard() {
	[ -n "$(user_pids "$user" sftp-closer)" ]
}

has_closer() {
	local pids
	pids=$(user_pids "$user" sftp-closer)
	looks+=("$SECONDS: ${pids//$'\n'/ },")
	[ "$(wc -w <<< "$pids")" = 2 ]
}

# killed PID...
killed() {
	began=$(now_ns)
	need kill -KILL "$@"
}

# The transfer can be completed, and the file is whole.
completes() {
	asks "$label: G4: the transfer is completed" c finish "$session"
	file_is "$label: G4: the file is whole" "$home/up" $SIZE 1
}

# What sshd was given of the transfer is in the file.
keeps() {
	check "$label: G2: the session ends" has_ended "$place/watch" "$pid"
	is "$label: G2: what was acknowledged is in the file" "$(stat -c %s "$home/up")" $STEP
	check "$label: G2: and it is right" "$support/pattern" prefix "$home/up" $SIZE 1
}

# ends WAIT-STATUS: all of it ends; WAIT-STATUS is what `wait` says, or "none" where none has been started.
ends() {
	if [ "$1" != none ]; then
		check "$label: G9: wait ends" has_ended "$place/watch.wait" "$waiter"
		wait "$waiter"
		is "$label: G5: and says how the sessions ended" $? "$1"
	fi
	asks "$label: G7: the connection ends" c gone $((PATIENCE * 1000))
	check "$label: G4: none of the user's processes is left" poll "$PATIENCE" user_is_idle "$user"
	between "$label: G9: and soon (ms)" "$(ms_between "$began" "$(now_ns)")" 0 $END_MS
	client_close c
	next_comer
}

# Whoever comes next is served, and what the dead have left behind goes.
next_comer() {
	control reopen
	is "$label: G7: reopen succeeds" "$status" 0
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	must c put "$session" next 1000 2
	asks "$label: G7: the next comer is served" c finish "$session"
	client_close c
	leaves_nothing "$label"
	rm -f "$home/up" "$home/next"
}

idle_sshd() {
	scene 'idle, sshd killed'
	killed "$sshd"
	ends none
}

# Nobody serves the login any more, but the user's process goes on: the connection is drained all the same.
idle_monitor() {
	scene 'idle, monitor killed'
	need kill -KILL "$monitor"
	need has_ended "$place/watch" "$monitor"
	asks "$label: G7: the session goes on" c stat "$session" .
	must c put "$session" up $SIZE 1
	must c step "$session" $STEP
	began=$(now_ns)
	control close
	is "$label: G7: close succeeds" "$status" 0
	completes
	ends none
}

transfer_sshd() {
	scene 'transfer, sshd killed'
	transfer close
	killed "$sshd"
	keeps
	ends 0
}

transfer_monitor() {
	scene 'transfer, monitor killed'
	transfer close
	killed "$monitor"
	completes
	ends 0
}

transfer_guard() {
	scene 'transfer, guard killed'
	transfer close
	killed "$guard"
	completes
	ends 0
}

# Of a close that waits nothing is left but the order.
transfer_close() {
	scene 'transfer, close --wait killed'
	transfer close --wait
	killed "$close"
	refused "$label: G3: no session joins" 'drain' c session
	completes
	ends 0
}

linger_closer() {
	scene 'linger, closer killed' $LINGER
	lingers
	killed "$closer"
	ends 0
}

# Nobody is left to end the connection, until the order is given again.
linger_closer_and_guard() {
	scene 'linger, closer and guard killed' $LINGER
	lingers
	killed "$guard" "$closer"
	check "$label: G9: wait ends" has_ended "$place/watch.wait" "$waiter"
	wait "$waiter"
	is "$label: G5: and says how the sessions ended" $? 0
	asks "$label: G7: the connection is left" c alive
	is "$label: G7: it is" "$answer" 'ok yes'
	began=$(now_ns)
	control close
	ends none
}

linger_sshd() {
	scene 'linger, sshd killed' $LINGER
	lingers
	killed "$sshd"
	ends 0
}

linger_monitor() {
	scene 'linger, monitor killed' $LINGER
	lingers
	killed "$monitor"
	ends 0
}

linger_wait() {
	scene 'linger, wait killed' $LINGER
	lingers
	killed "$waiter"
	wait "$waiter"
	control wait
	is "$label: G5: another wait says how the sessions ended" "$status" 0
	ends none
}

test_user a bash
home=$place/home/$user
for pam in yes no; do
	pam_label=$([ $pam = yes ] && echo PAM || echo 'no PAM')
	cases=(transfer_sshd transfer_guard linger_closer)
	# What the others meet is the table and the module.
	[ $pam = no ] || cases+=(idle_sshd idle_monitor transfer_monitor transfer_close linger_closer_and_guard
		linger_sshd linger_monitor linger_wait)
	need sshd_start $pam
	for case in "${cases[@]}"; do
		$case
	done
	sshd_stop
	rm -rf "$rundir" "$shmdir" "$shmdir"-*
done
e2e_end
