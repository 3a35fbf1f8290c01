#!/bin/bash
# tests: a connection that carries a forwarded port (ssh -N -L), with a TCP connection through it.  It has no
# process of sshd's, so it works for as long as the connection does and does not keep it: that ends after the
# last SFTP session under an order, or a command beside (G1, G10).  One that never had an SFTP session is
# left alone (G10).  With the PAM module and without.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

e2e_begin
drains='default = { drain = "transfer"; linger = "300ms"; deadline = "5m"; };'
test_user a bash
home=$place/home/$user
master= # the client whose connection it is

# master_start: a connection that forwards a port of this host, $forwarded, to sshd itself.
master_start() {
	local try
	mapfile -t options < <(ssh_options)
	options+=(-o "ControlPath=$place/master")
	for try in {1..20}; do
		forwarded=$((20000 + RANDOM % 12000))
		ssh "${options[@]}" -M -N -o ExitOnForwardFailure=yes \
			-L "127.0.0.1:$forwarded:127.0.0.1:$sshd_port" "$user@127.0.0.1" 2> "$place/master.err" &
		master=$!
		poll "$PATIENCE" master_is_up_or_gone
		! master_is_up || break
	done
	master_is_up || die "no connection (try $try): $(cat "$place/master.err")"
	watch_start "$place/watch.master" "$master"
	through
}

master_is_up() {
	ssh "${options[@]}" -O check "$user@127.0.0.1" 2> /dev/null
}

master_is_up_or_gone() {
	master_is_up || ! job_runs "$master"
}

# greets FD: what is at the other end says who it is, as SSH servers do.
greets() {
	local line
	read -r -t "$PATIENCE" -u "$1" line && [[ $line == SSH-2.0-* ]]
}

# A TCP connection through the forwarded port, which stays: $through.
through() {
	exec {through}<> "/dev/tcp/127.0.0.1/$forwarded" || die 'nothing listens'
	greets "$through" || die 'nobody answers through the forwarded port'
}

another_through() {
	local fd ok=0
	{ exec {fd}<> "/dev/tcp/127.0.0.1/$forwarded"; } 2> /dev/null || return 1
	greets "$fd" || ok=1
	exec {fd}>&-
	return $ok
}

# It has said nothing since, so nothing is to be read before its end: read(1) is told of the time (more than
# 128) or of the end (1).
through_is_open() {
	local rest
	read -r -t 0.2 -u "$through" rest
	[ $? -gt 128 ]
}

through_is_closed() {
	! through_is_open
}

# sftp_start: an SFTP session on that connection, with a file open.
sftp_start() {
	local before
	before=$(session_pids "$user")
	rm -f "$place/sftp.out"
	"$support/slow_reader" big 1 0 ssh "${options[@]}" -s "$user@127.0.0.1" sftp \
		<<< go > "$place/sftp.out" 2>&1 &
	sftp=$!
	poll "$PATIENCE" grep -qs reading "$place/sftp.out" || die "no session: $(cat "$place/sftp.out")"
	need has_new_session "$user" "${before:-none}"
	watch_start "$place/watch" "$session_pid"
}

sftp_end() {
	need pkill -P "$sftp"
	check "$label: G1: the SFTP session ends" has_ended "$place/watch" "$session_pid"
}

# The connection is gone, not before the process that was watched last; and with it what went through it.
has_gone() {
	check "$label: G1: the connection ends after it" has_ended "$place/watch.master" "$master"
	between "$label: G1: not before it (ms)" "$(ms_between "$(ended_ns "$place/watch" "$1")" \
		"$(ended_ns "$place/watch.master" "$master")")" 0 $((PATIENCE * 1000))
	check "$label: G1: and the TCP connection through it" poll "$PATIENCE" through_is_closed
	exec {through}>&-
}

under_order() {
	label="an order, $pam_label"
	master_start
	sftp_start
	control close
	need poll "$PATIENCE" session_drains "$session_pid"
	control_in_background wait wait
	check "$label: G10: the forwarded port works while the SFTP session drains" another_through
	check "$label: G10: the connection through it is there" through_is_open
	sftp_end
	has_gone "$session_pid"
	wait "$control_pid"
	is "$label: G5: wait says that all ended cleanly" $? 0
	control reopen
	leaves_nothing "$label"
}

by_policy() {
	label="close = \"last\", $pam_label"
	policy 'default = { close = "last"; linger = "300ms"; deadline = "5m"; };'
	master_start
	sftp_start
	sftp_end
	has_gone "$session_pid"
	policy "$drains"
	leaves_nothing "$label"
}

beside_command() {
	local command
	label="beside a command, $pam_label"
	master_start
	sftp_start
	# The shell becomes the command.
	ssh "${options[@]}" "$user@127.0.0.1" 'exec sleep 1000' &
	poll "$PATIENCE" user_runs sleep || die 'no command'
	control close
	sftp_end
	control wait
	is "$label: G10: wait does not wait for it" "$status" 0
	# Linger is 300 ms: a server that did not ask would have ended the connection.
	sleep 1.5
	check "$label: G10: the connection is kept" job_runs "$master"
	check "$label: G10: the forwarded port works" another_through
	check "$label: G10: the connection through it is there" through_is_open
	command=$(user_pids "$user" sleep)
	watch_start "$place/watch" "$command"
	need kill "$command"
	has_gone "$command"
	control reopen
	leaves_nothing "$label"
}

user_runs() {
	[ -n "$(user_pids "$user" "$1")" ]
}

without_sftp() {
	label="without SFTP, $pam_label"
	master_start
	control close --wait
	is "$label: G5: close --wait does not wait for it" "$status" 0
	sleep 1.5
	check "$label: G10: the connection is left alone" job_runs "$master"
	check "$label: G10: the forwarded port works" another_through
	check "$label: G10: the connection through it is there" through_is_open
	exec {through}>&-
	need kill "$master"
	need has_ended "$place/watch.master" "$master"
	control reopen
	leaves_nothing "$label"
}

need "$support/pattern" write "$home/big" 32768 1
for pam in yes no; do
	pam_label=$([ $pam = yes ] && echo PAM || echo 'no PAM')
	policy "$drains"
	need sshd_start $pam
	under_order
	beside_command
	if [ $pam = yes ]; then
		by_policy
		without_sftp
	fi
	sshd_stop
	rm -rf "$rundir" "$shmdir" "$shmdir"-*
done
e2e_end
