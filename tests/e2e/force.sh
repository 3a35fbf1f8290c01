#!/bin/bash
# tests: sessions that do not end at their deadline are ended by root's wait: by SIGTERM, by which one that was
# stopped still carries out what it has received, then by SIGKILL; and their connections end, guard or not.
# Nothing of that before the deadline, or by another's wait.  G1, G2, G5, G9.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=1048576
FLOOD=786432
# The deadline, and what force.h has after it: the grace, and between the signals.  Then what a loaded machine
# needs, and sshd.
DEADLINE_MS=3000
TERM_MS=$((DEADLINE_MS + 6000))
KILL_MS=$((TERM_MS + 2000))
LATE_MS=8000

e2e_begin
policy 'default = { drain = "transfer"; linger = "500ms"; deadline = "5m"; };'
test_user a bash
home=$place/home/$user

# upload NAME SEED: a connection with an upload open; sets ${pid[NAME]}, and ${sshd[NAME]} to its sshd processes.
declare -A pid sshd seed
upload() {
	local before
	before=$(connection_pids "$user")
	client_open "$1" "$user" || die "no connection: $answer"
	session_open "$1" "$user"
	pid[$1]=$session_pid seed[$1]=$2
	sshd[$1]=$(connection_pids "$user" | grep -vxF -e "${before:-none}")
	must "$1" put 1 "$1" $SIZE "$2"
	must "$1" step 1 $STEP
}

# hold NAME: no signal moves its session any more but SIGKILL.
hold() {
	"$support/hold" "${pid[$1]}" > "$place/$1.held" 2>&1 &
	poll "$PATIENCE" grep -q . "$place/$1.held"
	grep -q '^held$' "$place/$1.held"
}

in_pipe() {
	level=$("$support/pipe_level" "$session_pid")
	sleep 0.2
	[ "$level" -gt 0 ] && [ "$level" = "$("$support/pipe_level" "$session_pid")" ]
}

has_guard() {
	[ -n "$(user_pids "$user" sftp-closer)" ]
}

as_user() {
	setpriv --reuid "$user" --regid "$user" --clear-groups "$control" --config "$config" \
		--rundir "$rundir" --shmdir "$shmdir" "$@" > /dev/null 2>&1
}

need sshd_start yes
upload stopped 1
upload guarded 2
upload unguarded 3
# Stopped with some of its upload received by sshd only.
session_pid=${pid[stopped]}
stop_session
must stopped flood 1 $FLOOD
length=${answer#* }
poll "$PATIENCE" in_pipe || die 'the upload does not reach the session'
least=$((STEP + level / length * 32768))
hold unguarded || skip_all "needs ptrace(2): $(cat "$place/unguarded.held")"
for name in stopped guarded unguarded; do
	# shellcheck disable=SC2086 # words
	watch_start "$place/$name.watch" "${pid[$name]}" ${sshd[$name]}
done

ordered=$(now_ns)
control close --deadline ${DEADLINE_MS}ms
is 'G5: close succeeds' "$status" 0
# This one has seen the order, and has a guard.
need poll "$PATIENCE" session_drains "${pid[guarded]}"
need poll "$PATIENCE" has_guard
guard=$(user_pids "$user" sftp-closer)
is 'G3: the session that is not stopped has a guard, and no other' "$(wc -w <<< "$guard")" 1
need hold guarded
control_in_background wait wait
as_user wait --timeout 1s "user=$user"
is "G5: the user's own wait times out" $? 4
for name in stopped guarded unguarded; do
	check "G5: no wait has ended $name before its deadline" kill -0 "${pid[$name]}"
done

for name in stopped guarded unguarded; do
	ended=$(ms_between "$ordered" "$(ended_ns "$place/$name.watch" "${pid[$name]}")")
	due=$([ $name = stopped ] && echo $TERM_MS || echo $KILL_MS)
	between "G9: $name has been ended in its time (ms)" "$ended" $((due - 50)) $((due + LATE_MS))
done
for name in guarded unguarded; do
	check "G9: $name was killed by SIGKILL" poll "$PATIENCE" grep -q '^killed 9$' "$place/$name.held"
	check "G8: its file is a correct beginning" "$support/pattern" prefix "$home/$name" $SIZE "${seed[$name]}"
	is "G8: and has what was acknowledged" "$(stat -c %s "$home/$name")" $STEP
done
between 'G2: the one that was stopped has carried out all that it had received' \
	"$(stat -c %s "$home/stopped")" "$least" $SIZE
check 'G2: rightly' "$support/pattern" prefix "$home/stopped" $SIZE 1
like 'G8: and the log says that its upload did not end' "$(grep -F stopped "$sessions_log" | tail -n 1)" 'forced close'
for name in stopped guarded unguarded; do
	asks "G1: the connection of $name is gone" $name gone $((PATIENCE * 1000))
	client_close $name
done
wait "$control_pid"
is 'G9: wait says that it took force' $? 3
like 'G5: and counts all of them' "$(cat "$place/wait.output")" '0 clean, 3 by force'
leaves_nothing end
e2e_end
