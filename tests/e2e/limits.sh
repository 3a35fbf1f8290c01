#!/bin/bash
# tests: what the policy limits without any order: connections and sessions of a user, how long a session
# may be idle and how long it may last, and that none may be alone.  G3, G4, G9; a hundred logins at once.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check and poll
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

LOGINS=100
LIMIT=10
TIMEOUT_MS=2000
# For sshd and the session to start and end, on a loaded machine.
SLACK_MS=20000

e2e_begin
test_user a bash
alice=$user
test_user b dash
bob=$user

# hold USER NUMBER: a connection that says "in" and lasts until the writing end of the fifo is closed.
hold() {
	ssh -o LogLevel=INFO "${options[@]}" "$1@127.0.0.1" 'echo in; cat > /dev/null' \
		< "$place/hold" > "$place/login.$2.out" 2> "$place/login.$2.err" &
}

# How many have been let in, and how many have been told that there are too many.
count_in() {
	cat "$place"/login.*.out | grep -cx in
}

count_told() {
	grep -l 'too many connections of this user' "$place"/login.*.err | wc -l
}

all_decided() {
	[ $(($(count_in) + $(count_told))) -ge "$1" ]
}

connections_of() {
	control list --json
	[ "$(grep -c "\"user\": \"$1\"" <<< "$output")" = "$2" ]
}

hundred_logins() {
	local i
	policy "default = { max_connections = $LIMIT; };"
	need sshd_start yes
	mapfile -t options < <(ssh_options)
	mkfifo "$place/hold"
	exec {hold_fd}<> "$place/hold"
	for ((i = 0; i < LOGINS; i++)); do
		hold "$alice" "$i"
	done
	check 'G3: each of a hundred logins at once has been decided' poll $((PATIENCE * 3)) all_decided $LOGINS
	is 'G3: as many are in as may' "$(count_in)" $LIMIT
	is 'G3: the others have been told why' "$(count_told)" $((LOGINS - LIMIT))
	check 'G3: and the table has as many' connections_of "$alice" $LIMIT
	client_open b "$bob" && pass 'G3: another user is not concerned'
	client_close b
	# A killed monitor, which runs no hook, leaves its place to another.
	kill -KILL "$(connection_monitors "$alice" | head -n 1)"
	hold "$alice" more
	check 'G4: the place of one that was killed is free' poll "$PATIENCE" all_decided $((LOGINS + 1))
	is 'G4: there is one more' "$(count_in)" $((LIMIT + 1))
	exec {hold_fd}>&-
	rm "$place/hold"
	check 'G4: the connections end' poll "$PATIENCE" connections_of "$alice" 0
}

# The monitors of a user's connections, by the table.
connection_monitors() {
	control list -o USER,MONITOR
	awk -v user="$1" '$1 == user { print $2 }' <<< "$output"
}

sessions_per_connection() {
	policy 'default = { max_sessions_per_connection = 2; };'
	client_open c "$alice" || die "no connection: $answer"
	client_open d "$alice" || die "no connection: $answer"
	session_open c "$alice"
	local first=$session
	session_open c "$alice"
	refused "$label: G3: a third session of the connection is refused, and told why" \
		'this connection has too many sessions' c session
	session_open d "$alice"
	pass "$label: G3: another connection is not concerned"
	kill -KILL "$session_pid"
	must c end "$first"
	session_open c "$alice"
	pass "$label: G4: who ends makes room"
	client_close c
	client_close d
}

sessions_of_the_user() {
	policy 'default = { max_sessions = 2; };'
	client_open c "$alice" || die "no connection: $answer"
	client_open d "$alice" || die "no connection: $answer"
	client_open e "$bob" || die "no connection: $answer"
	session_open c "$alice"
	session_open d "$alice"
	refused "$label: G3: a third session of the user is refused, and told why" \
		'too many sessions of this user' d session
	session_open e "$bob"
	pass "$label: G3: another user is not concerned"
	kill -KILL "$(session_pids "$alice" | head -n 1)"
	check "$label: G4: who is killed makes room" poll "$PATIENCE" ask d session
	client_close c
	client_close d
	client_close e
}

# ends_within LEAST MOST FROM: the session ends of itself, its file is said to have been cut, and the
# connection stays.
ends_within() {
	local end
	end=$(ended_ns "$place/watch" "$session_pid")
	between "$label: G9: the session ends (ms)" "$(ms_between "$3" "$end")" "$1" "$2"
	like "$label: G9: the log says why" "$(cat "$sessions_log")" "session ends: $4"
	like "$label: G8: and closes the file" "$(cat "$sessions_log")" 'forced close "[^"]*cut" bytes read 0 written [0-9]+'
	must c alive
	is "$label: G1: the connection stays" "$answer" yes
	client_close c
}

timeouts() {
	local began i
	: > "$sessions_log"
	policy "default = { idle_timeout = \"${TIMEOUT_MS}ms\"; };"
	label="$pam, idle"
	client_open c "$alice" || die "no connection: $answer"
	session_open c "$alice"
	watch_start "$place/watch" "$session_pid"
	must c put 1 cut 1000000 1
	for i in 1 2 3 4 5 6; do
		sleep 0.5
		must c step 1 1000
		began=$(now_ns)
	done
	ends_within $TIMEOUT_MS $((TIMEOUT_MS + SLACK_MS)) "$began" idle_timeout
	is "$label: G2: what had come is there" "$(stat -c %s "$place/home/$alice/cut")" 6000

	: > "$sessions_log"
	policy "default = { session_timeout = \"${TIMEOUT_MS}ms\"; };"
	label="$pam, lasting"
	client_open c "$alice" || die "no connection: $answer"
	began=$(now_ns)
	session_open c "$alice"
	watch_start "$place/watch" "$session_pid"
	must c put 1 cut 1000000 1
	while ask c step 1 100; do
		sleep 0.1
	done
	ends_within $TIMEOUT_MS $((TIMEOUT_MS + SLACK_MS)) "$began" session_timeout
}

# Without PAM and without a directory of the user's own a session is alone.
never_alone() {
	policy 'default = { required = true; };'
	client_open c "$alice" || die "no connection: $answer"
	session_open c "$alice"
	pass 'G3: required: a session that is not alone is served'
	client_close c
	check 'G4: its process ends' poll "$PATIENCE" user_is_idle "$alice"
	rm -rf "$shmdir-$(id -u "$alice")"
	install -d -m 755 "$shmdir-$(id -u "$alice")"
	client_open c "$alice" || die "no connection: $answer"
	refused 'G3: required: one that would be is refused, and told why' \
		'this server cannot register the session' c session
	client_close c
	policy 'default = { };'
	client_open c "$alice" || die "no connection: $answer"
	session_open c "$alice"
	pass 'G10: by default it is served'
	client_close c
	rm -rf "$shmdir-$(id -u "$alice")"
}

hundred_logins
for pam in PAM 'no PAM'; do
	[ "$pam" = PAM ] || need sshd_start no
	label=$pam
	sessions_per_connection
	sessions_of_the_user
	timeouts
	[ "$pam" = PAM ] || never_alone
	leaves_nothing "$pam"
	sshd_stop
	rm -rf "${place:?}"/home/*/cut "$rundir" "$shmdir" "$shmdir"-*
done
e2e_end
