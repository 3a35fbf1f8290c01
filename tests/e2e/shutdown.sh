#!/bin/bash
# tests: what contrib's unit does at a shutdown of the host, with its own command line: transfers are
# completed, newcomers are refused, it returns when the last one is out, and then sshd can be ended without
# cutting anything (G1, G3, G5); who does not finish is ended at the deadline, in the time that systemd gives the
# unit (G9).  The unit and its drop-in are what systemd understands.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=262144
units=$top_srcdir/contrib/systemd
unit=$units/sftp-drain-shutdown.service

# setting NAME: what the unit says.
setting() {
	sed -n "s/^$1=//p" "$unit"
}

# in_seconds DURATION: of those that the unit has.
in_seconds() {
	local number=${1%%[a-z]*}
	case ${1#"$number"} in
	s | '') echo "$number" ;;
	m | min) echo $((number * 60)) ;;
	*) die "what is $1?" ;;
	esac
}

option() {
	grep -oP -- "$1 \\K[^ ]+" <<< "$(setting ExecStop)"
}

unit_is_valid() {
	local root=$place/systemd output
	if ! command -v systemd-analyze > /dev/null; then
		skip 'G9: the unit is valid' 'needs systemd-analyze (Debian: systemd)'
		return
	fi
	# What it runs has to be there.
	mkdir -p "$root"
	sed "s|=/usr/sbin/sftp-drain |=$control |" "$unit" > "$root/${unit##*/}"
	output=$(systemd-analyze verify --man=no "$root/${unit##*/}" 2>&1)
	is 'G9: the unit is valid' "$(grep -F sftp-drain <<< "$output")" ''
	is 'G1: the scopes of connections last until the unit has stopped' \
		"$(grep -v '^#' "$units/session-.scope.d/sftp-drain.conf")" $'[Unit]\nBefore='"${unit##*/}"
}

# The shell takes the unit's line apart as systemd does: it has nothing but words and quotes.
read_command() {
	eval "command=($(setting ExecStop))"
	is 'G1: the unit runs the command of the operator' "${command[0]##*/}" sftp-drain
	command=("${command[@]:1}")
}

# stop_unit NAME [WORD...]: as systemd would, in the background; words that come later count.
stop_unit() {
	control_in_background "$1" "${command[@]}" "${@:2}"
	stopping=$control_pid
	watch_start "$place/watch.stop" "$stopping"
}

transfers_are_completed() {
	local label=shutdown s pids=()
	need sshd_start yes
	client_open a "$alice" || die "no connection: $answer"
	client_open b "$bob" || die "no connection: $answer"
	need "$support/pattern" write "$place/home/$bob/down" $SIZE 3
	for s in 1 2; do
		session_open a "$alice"
		pids+=("$session_pid")
		must a put $s "up$s" $SIZE $s
		must a step $s $STEP
	done
	session_open b "$bob"
	pids+=("$session_pid")
	must b get 1 down $SIZE 3
	must b step 1 $STEP
	stop_unit stop
	for s in "${pids[@]}"; do
		need poll "$PATIENCE" session_drains "$s"
	done
	refused "$label: G3: no new session joins, and its client is told why" 'going down' a session
	client_open new "$alice" || die "no connection: $answer"
	refused "$label: G3: nor on a new connection" 'going down' new session
	client_close new
	asks "$label: G1: a transfer is completed" a finish 1
	asks "$label: G1: another is too" b finish 1
	check "$label: G5: the unit is still being stopped" job_runs "$stopping"
	asks "$label: G1: so is the last" a finish 2
	check "$label: G5: the unit has stopped" has_ended "$place/watch.stop" "$stopping"
	wait "$stopping"
	is "$label: G5: all ended by themselves" $? 0
	asks "$label: G1: the connections are gone" a gone $((PATIENCE * 1000))
	asks "$label: G1: each of them" b gone $((PATIENCE * 1000))
	client_close a
	client_close b
	sshd_stop
	is "$label: G1: then sshd is ended, and nothing is cut" "$(grep -c 'forced close' "$sessions_log")" 0
	file_is "$label: G1: the first file is whole" "$place/home/$alice/up1" $SIZE 1
	file_is "$label: G1: the second file is whole" "$place/home/$alice/up2" $SIZE 2
	leaves_nothing "$label"
}

# With a deadline of its own, for the test has no three minutes.
somebody_does_not_finish() {
	local label='shutdown, an idle upload' began late
	# From the deadline to the end of the waiting, as the unit has it.
	late=$(($(in_seconds "$(option --timeout)") - $(in_seconds "$(option --deadline)")))
	rm -rf "$rundir"
	need sshd_start yes
	client_open a "$alice" || die "no connection: $answer"
	session_open a "$alice"
	must a put 1 cut $SIZE 4
	must a step 1 $STEP
	began=$(now_ns)
	stop_unit stop --deadline 1s --timeout $((1 + late))s
	check "$label: G9: the unit stops" has_ended "$place/watch.stop" "$stopping"
	wait "$stopping"
	is "$label: G5: and says that it took force" $? 3
	between "$label: G9: in the time that the unit leaves for it (ms)" \
		"$(ms_between "$began" "$(ended_ns "$place/watch.stop" "$stopping")")" 1000 $(((1 + late) * 1000))
	is "$label: G8: what was acknowledged is in the file" "$(stat -c %s "$place/home/$alice/cut")" $STEP
	check "$label: G8: and it is right" "$support/pattern" prefix "$place/home/$alice/cut" $SIZE 4
	client_close a
	leaves_nothing "$label"
	sshd_stop
}

e2e_begin
policy 'default = { drain = "session"; linger = "300ms"; deadline = "1h"; };'
test_user a bash
alice=$user
test_user b dash
bob=$user
unit_is_valid
read_command
between 'G9: the unit waits for longer than the deadline and all that may follow (s)' \
	$(($(in_seconds "$(option --timeout)") - $(in_seconds "$(option --deadline)"))) 20 3600
between 'G9: systemd lets it wait for as long (s)' \
	$(($(in_seconds "$(setting TimeoutStopSec)") - $(in_seconds "$(option --timeout)"))) 1 3600
for unit_before in ssh.service sshd.service network.target remote-fs.target systemd-logind.service; do
	like "G1: the unit stops before $unit_before" "$(setting After | tr '\n' ' ')" "(^| )$unit_before( |\$)"
done
transfers_are_completed
somebody_does_not_finish
e2e_end
