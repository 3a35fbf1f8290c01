# tests: SSH servers other than OpenSSH's, and the one scenario that each host has to show.  Sourced after
# e2e.sh.  Nothing of the host is changed: a server has its port, keys and mounts to itself.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154,SC2317 # variables of e2e.sh; functions are called through check and poll

DROPBEAR=${DROPBEAR:-dropbear}

HOST_SIZE=4194304
HOST_STEP=1048576
HOST_LINGER_MS=500
HOST_MESSAGE='Back at noon.'

host=          # for the descriptions
host_siblings= # yes, or no: there is one session on a connection
host_ends=     # who ends a connection under an order: we, the client, or the server with its only session

# Beside the server itself, which may run as the user.
user_is_idle() {
	! user_pids "$1" | grep -qvxF "${sshd_pid:-none}"
}

# The command that the server is to run as its subsystem: our server with the private table.
subsystem_write() {
	subsystem=$place/bin/subsystem
	{
		echo '#!/bin/sh'
		[ -z "${ASAN_OPTIONS:-}" ] || echo "export ASAN_OPTIONS='$ASAN_OPTIONS'"
		[ -z "${UBSAN_OPTIONS:-}" ] || echo "export UBSAN_OPTIONS='$UBSAN_OPTIONS'"
		echo "exec $server --config $config --rundir $rundir --shmdir $shmdir -e -l $sessions_level 2>>$sessions_log"
	} > "$subsystem"
	chmod 755 "$subsystem"
}

# The user's key where these servers look for it.
authorize() {
	install -d -o "$1" -g "$1" -m 700 "$place/home/$1/.ssh"
	install -o "$1" -g "$1" -m 600 "$place/userkey.pub" "$place/home/$1/.ssh/authorized_keys"
}

server_listens() {
	ss -Hltnp "sport = :$sshd_port" | grep -q "pid=$sshd_pid,"
}

server_listens_or_died() {
	server_listens || ! job_runs "$sshd_pid"
}

# server_start FUNCTION: starts a server on a free port; FUNCTION becomes it.
server_start() {
	local try
	for try in {1..20}; do
		sshd_port=$((20000 + RANDOM % 12000))
		"$1" >> "$sshd_log" 2>&1 &
		sshd_pid=$!
		poll 20 server_listens_or_died
		! server_listens || return 0
		wait "$sshd_pid"
		sshd_pid=
	done
	complain "no server on any port (try $try): $(tail -n 5 "$sshd_log")"
	return 1
}

# The subsystem's path is compiled into dropbear: ours is put over it in a mount namespace of dropbear's.
dropbear_subsystem() {
	grep -aoE '/usr/lib[a-z]*/sftp-server' "$(command -v "$DROPBEAR")" | head -n 1
}

# shellcheck disable=SC2016 # for the inner shell to expand
dropbear_run() {
	exec unshare --mount sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh \
		"$subsystem" "$(dropbear_subsystem)" "${run_as[@]}" \
		"$DROPBEAR" -r "$place/dropbear.key" -p "127.0.0.1:$sshd_port" -P "$place/sshd.pid" -F -E -s
}

# dropbear_start [USER]: as root or as the one user that it serves then.
dropbear_start() {
	run_as=()
	rm -f "$place/dropbear.key"
	dropbearkey -t ed25519 -f "$place/dropbear.key" > /dev/null 2>&1 || return 1
	if [ $# -gt 0 ]; then
		run_as=(setpriv "--reuid=$1" "--regid=$1" --init-groups)
		chown "$1" "$place/dropbear.key"
	fi
	server_start dropbear_run
}

tinysshd_run() {
	exec tcpserver -HRDl0 127.0.0.1 "$sshd_port" tinysshd -v -x "sftp=$subsystem" "$place/tinyssh.keys"
}

tinysshd_start() {
	[ -d "$place/tinyssh.keys" ] || tinysshd-makekey -q "$place/tinyssh.keys" || return 1
	server_start tinysshd_run
}

# --- the scenario

# The SSH server that serves the session, seen from outside: below it there may be the user's shell.
serving_pid() {
	local pid=$session_pid
	while
		pid=$(($(ps -o ppid= -p "$pid")))
		[[ $(ps -o comm= -p $pid) =~ ^(sh|dash|bash)$ ]]
	do :; done
	echo $pid
}

# Sets host_ends by who runs that server: a user can end his own processes only.
see_who_serves() {
	local owner
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	owner=$(ps -o user:64= -p "$(serving_pid)")
	host_ends=client
	[ "$owner" != "$user" ] || host_ends=we
	[ "$host_siblings" = yes ] || host_ends=server
	note "$host: $(ps -o comm= -p "$(serving_pid)") serves the connection as $owner"
	client_close c
	leaves_nothing "$host: a look"
}

# Uploads and one download, a step into each; `sessions` are their numbers, `pids` their processes.
begin_transfers() {
	local s
	sessions=() pids=()
	need "$support/pattern" write "$home/down" $HOST_SIZE 9
	for s in 1 2 3; do
		session_open c "$user"
		sessions+=("$session") pids+=("$session_pid")
		if [ "$s" = 2 ]; then
			must c get "$session" down $HOST_SIZE 9
		else
			must c put "$session" "up$s" $HOST_SIZE "$s"
		fi
		must c step "$session" $HOST_STEP
		[ "$host_siblings" = yes ] || break
	done
}

finish_transfers() {
	local s
	for s in "${sessions[@]}"; do
		asks "$label: G1: session $s completes its transfer" c finish "$s"
	done
	file_is "$label: G1: upload 1 is whole" "$home/up1" $HOST_SIZE 1
	[ "$host_siblings" = no ] || file_is "$label: G1: upload 3 is whole" "$home/up3" $HOST_SIZE 3
}

listed() {
	control list --json
	jq -r "$1" <<< "$output"
}

stock_sftp() {
	local options
	mapfile -t options < <(ssh_options)
	timeout "$PATIENCE" sftp -q "${options[@]}" "$@" -b - "$user@127.0.0.1" 2>&1
}

# What becomes of the client's connection once its last session is out.
see_connection_end() {
	case $host_ends in
	we)
		asks "$label: G1: the connection ends after the last one out" c gone $((PATIENCE * 1000))
		return
		;;
	server)
		# Once the client has closed the channel too, which others than libssh do by themselves.
		must c end "${sessions[0]}"
		asks "$label: G1: the connection ends with its only session" c gone $((PATIENCE * 1000))
		return
		;;
	esac
	# Linger has passed long ago by then.
	sleep 1
	asks "$label: G10: the connection is there" c alive
	is "$label: G10: the connection is its client's to end" "$answer" 'ok yes'
	like "$label: G10: the log says why" "$(tail -n 5 "$sessions_log")" \
		'connection kept: its SSH server, process [0-9]+, is not ours to end'
}

# close_in_mid_transfer TARGET-KIND
close_in_mid_transfer() {
	local label="$host, $1" target=$1
	client_open c "$user" || die "no connection: $answer"
	begin_transfers
	is "$label: G10: one connection is listed" "$(listed '.connections | length')" 1
	is "$label: G10: it has the sessions that it has" \
		"$(listed '[.connections[].sessions[].pid] | sort | join(" ")')" \
		"$(printf '%s\n' "${pids[@]}" | sort -n | paste -sd ' ')"
	is "$label: G10: and its user's name" "$(listed '.connections[0].user')" "$user"
	case $1 in
	connection) target=connection=$(listed '.connections[0].id') ;;
	user) target=user=$user ;;
	esac
	control close --message "$HOST_MESSAGE" "$target"
	is "$label: G5: close succeeds" "$status" 0
	[ "$status" = 0 ] || note "$output"
	control_in_background wait wait "$target"
	[ "$host_siblings" = no ] || refused "$label: G3: a newcomer is refused and told why" "$HOST_MESSAGE" c session
	[ "$1" = connection ] || like "$label: G3: so is one on a connection of its own" \
		"$(stock_sftp <<< pwd)" "$HOST_MESSAGE"
	refused "$label: G3: OPEN is refused" 'drain' c open "${sessions[0]}" down
	is "$label: G5: wait is waiting" "$(kill -0 "$control_pid" && echo yes)" yes
	finish_transfers
	wait "$control_pid"
	is "$label: G5: wait says that all ended cleanly" $? 0
	see_connection_end
	client_close c
	[ "$1" = connection ] || control reopen "$target"
	is "$label: G5: the order is done with" "$status" 0
}

all_are_draining() {
	[ "$(listed '[.connections[].sessions[].state] | all(. == "draining")')" = true ]
}

has_pinned_sessions() {
	find "/proc/$control_pid/fd" -lname '*pidfd*' 2> /dev/null | grep -q .
}

# A session killed by SIGKILL: a sibling, or one of a connection of its own.
killed_session() {
	local label="$host, killed"
	client_open c "$user" || die "no connection: $answer"
	begin_transfers
	if [ "$host_siblings" = yes ]; then
		# Its client does not ask it any more: libssh waits for ever where a shell has said "Killed".
		session_pid=${pids[1]}
		sessions=("${sessions[0]}" "${sessions[2]}")
	else
		client_open k "$user" || die "no connection: $answer"
		session_open k "$user"
		must k put "$session" of-the-killed $HOST_SIZE 4
	fi
	control close
	is "$label: G5: close succeeds" "$status" 0
	check "$label: G5: every session sees the order" poll "$PATIENCE" all_are_draining
	control_in_background wait wait
	poll "$PATIENCE" has_pinned_sessions || die 'wait does not wait'
	need kill -KILL "$session_pid"
	finish_transfers
	wait "$control_pid"
	is "$label: G4: wait ends, and says that one ended by force" $? 3
	see_connection_end
	client_close c
	[ "$host_siblings" = yes ] || client_close k
	control reopen
}

past_deadline() {
	local label="$host, deadline" ordered ended
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	sessions=("$session")
	must c put "$session" stuck $HOST_SIZE 5
	must c step "$session" $HOST_STEP
	watch_start "$place/watch" "$session_pid"
	ordered=$(now_ns)
	control close --deadline 1s
	is "$label: G5: close succeeds" "$status" 0
	control wait
	is "$label: G9: wait ends, and says that it took force" "$status" 3
	ended=$(ended_ns "$place/watch" "$session_pid")
	between "$label: G9: the session was ended at the deadline (ms)" \
		"$(ms_between "$ordered" "$ended")" 1000 9000
	is "$label: G8: what was acknowledged is in the file" "$(stat -c %s "$home/stuck")" $HOST_STEP
	check "$label: G8: and it is right" "$support/pattern" prefix "$home/stuck" $HOST_SIZE 5
	see_connection_end
	client_close c
	control reopen
}

upload_has_begun() {
	[ -s "$home/by-master" ]
}

master_is_ready() {
	[ -S "$place/control" ]
}

# The stock client's own way to share a connection.
through_a_master() {
	local label="$host, ControlMaster" options master upload
	mapfile -t options < <(ssh_options)
	need "$support/pattern" write "$place/local" $HOST_SIZE 7
	ssh "${options[@]}" -M -S "$place/control" -N "$user@127.0.0.1" 2> "$place/master.stderr" &
	master=$(process_id $!)
	poll "$PATIENCE" master_is_ready || die "no master: $(cat "$place/master.stderr")"
	stock_sftp -o "ControlPath=$place/control" -l 16000 <<< "put $place/local by-master" > "$place/upload" &
	upload=$!
	check "$label: G1: an upload is under way" poll "$PATIENCE" upload_has_begun
	control close --message "$HOST_MESSAGE"
	is "$label: G5: close succeeds" "$status" 0
	[ "$host_siblings" = no ] || like "$label: G3: the next sftp of the master is refused and told why" \
		"$(stock_sftp -o "ControlPath=$place/control" <<< pwd)" "$HOST_MESSAGE"
	control wait
	is "$label: G5: wait says that all ended cleanly" "$status" 0
	wait "$upload"
	is "$label: G1: the client of the upload ended well" $? 0
	file_is "$label: G1: the upload is whole" "$home/by-master" $HOST_SIZE 7
	if [ $host_ends = client ]; then
		check "$label: G10: the master's connection is its own to end" is_running "$master"
		signal_processes TERM "$master"
	fi
	check "$label: G1: the master's connection has ended" poll "$PATIENCE" all_gone "$master"
	control reopen
}

# host_scenario: all of it, with the server running and $user able to log in.
host_scenario() {
	home=$place/home/$user
	see_who_serves
	close_in_mid_transfer connection
	close_in_mid_transfer user
	close_in_mid_transfer host
	killed_session
	past_deadline
	through_a_master
	leaves_nothing "$host"
}

HOST_POLICY="default = { drain = \"transfer\"; linger = \"${HOST_LINGER_MS}ms\"; deadline = \"5m\"; };"
