#!/bin/bash
# tests: while_draining = "admit": connections that come after an order are not its business, those that
# were there are drained and closed, whoever joins them.  And a session that sshd has started for a connection
# which ends before it can join.  G1, G3, G5; with the PAM module and without.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=1000000

e2e_begin
policy 'default = { drain = "transfer"; linger = "300ms"; deadline = "5m"; while_draining = "admit"; };'
test_user a bash
home=$place/home/$user

# admit PAM
admit() {
	local label old old_pid
	label=$([ "$1" = yes ] && echo PAM || echo 'no PAM')
	need sshd_start "$1"
	client_open old "$user" || die "no connection: $answer"
	session_open old "$user"
	old=$session old_pid=$session_pid
	must old put "$old" up $SIZE 1
	must old step "$old" 100000
	control close
	is "$label: G5: close succeeds" "$status" 0
	refused "$label: G3: a new session on the old connection is refused" 'drain' old session
	client_open new "$user" || die "no connection: $answer"
	session_open new "$user"
	pass "$label: G3: a session on a new connection is admitted"
	must new put "$session" up2 $SIZE 2
	watch_start "$place/watch" "$old_pid"
	asks "$label: G1: the old connection's transfer is completed" old finish "$old"
	check "$label: G1: its session ends" has_ended "$place/watch" "$old_pid"
	asks "$label: G1: the old connection ends" old gone $((PATIENCE * 1000))
	file_is "$label: G1: the file is whole" "$home/up" $SIZE 1
	asks "$label: G1: the new connection's transfer is completed" new finish "$session"
	# Linger is 300 ms: had the order been for it, it would be gone.
	sleep 1
	asks "$label: G1: the new connection goes on" new stat "$session" up2
	client_close old
	client_close new
	control reopen
	leaves_nothing "$label"
	sshd_stop
	rm -rf "${home:?}"/* "$rundir" "$shmdir" "$shmdir"-*
}

# What sshd runs a session with waits until we let it go.
slow_shell() {
	cat > "$place/slow_shell" <<-END
		#!/bin/bash
		while [ -e $place/closed ]; do sleep 0.02; done
		exec bash "\$@"
	END
	chmod 755 "$place/slow_shell"
}

is_over() {
	[ -z "$(connection_pids "$user")" ] && lists_nothing
}

has_logged() {
	grep -qF "$1" "$sessions_log"
}

too_late() {
	need sshd_start yes
	: > "$sessions_log"
	touch "$place/closed"
	client_open c "$user" || die "no connection: $answer"
	client_say c session
	poll "$PATIENCE" user_runs slow_shell || die 'sshd starts no session'
	client_kill c
	poll "$PATIENCE" is_over || die 'the connection does not end'
	rm "$place/closed"
	check 'G3: a session that begins after its connection is refused' \
		poll "$PATIENCE" has_logged 'session refused: this connection is being closed'
	is 'G3: which is no error' "$(grep -c 'session table' "$sessions_log")" 0
	leaves_nothing 'too late'
	sshd_stop
}

user_runs() {
	[ -n "$(user_pids "$user" "$1")" ]
}

admit yes
admit no
slow_shell
test_user b "$place/slow_shell"
too_late
e2e_end
