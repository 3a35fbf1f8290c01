#!/bin/bash
# tests: a close in mid-transfer, with drain = "transfer": what is open is completed, newcomers are
# refused, the last one out ends the connection.  G1, G3, G5, G10; for both kinds of login shell (bash
# becomes the server, dash stays as its parent), with the PAM module and without.
# shellcheck source=tests/support/e2e.sh
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=1048576
LINGER_MS=2000

e2e_begin
policy 'default = { drain = "transfer"; linger = "2s"; deadline = "5m"; };'

# Two uploads and two downloads, each a megabyte in; `pids` are their server processes.
start_four_transfers() {
	local s
	pids=()
	for s in 1 2 3 4; do
		session_open c "$user"
		pids+=("$session_pid")
	done
	need "$support/pattern" write "$home/down3" $SIZE 3
	need "$support/pattern" write "$home/down4" $SIZE 4
	must c put 1 y.part 1000 9
	must c finish 1
	must c put 1 x.part $SIZE 1
	must c put 2 up2 $SIZE 2
	must c get 3 down3 $SIZE 3
	must c get 4 down4 $SIZE 4
	for s in 1 2 3 4; do
		must c step $s $STEP
	done
}

order_close() {
	local before after
	before=$(now_ns)
	control close --message 'Closed for maintenance until noon.'
	after=$(now_ns)
	is "$label: G5: close succeeds" "$status" 0
	between "$label: G5: close returns at once (ms)" "$(ms_between "$before" "$after")" 0 1500
	control_in_background wait wait
	watch_start "$place/watch.wait" "$control_pid"
}

stock_sftp() {
	local options
	mapfile -t options < <(ssh_options)
	sftp -q "${options[@]}" -b - "$user@127.0.0.1" <<< pwd 2>&1
}

while_draining() {
	refused "$label: G3: a fifth session is refused and told why" 'Closed for maintenance until noon' c session
	like "$label: G3: the stock sftp, on a connection of its own, shows why" "$(stock_sftp)" \
		'Closed for maintenance until noon'
	refused "$label: G3: OPEN on a session in mid-transfer is refused: draining" 'drain' c open 1 down3
	refused "$label: G3: OPENDIR likewise" 'drain' c opendir 3 .
	refused "$label: G3: OPEN for writing likewise" 'drain' c open 4 new
	asks "$label: G10: a rename on a draining session works" c rename 1 y.part y
	check "$label: G5: wait is still waiting" kill -0 "$control_pid"
}

finish_all() {
	local s
	for s in 2 3 4 1; do
		asks "$label: G1: the transfer of session $s is completed" c finish $s
	done
	asks "$label: G10: x.part is renamed after its upload" c rename 1 x.part x
	asks "$label: G1: the connection is there after the last transfer" c alive
	is "$label: G1: and is not closed yet" "$answer" 'ok yes'
}

# The order of ends: sessions, connection, wait.
measure_end() {
	local last=0 end gone pid waited
	asks "$label: G1: the connection ends" c gone $((PATIENCE * 1000))
	gone=${answer#ok }
	for pid in "${pids[@]}"; do
		end=$(ended_ns "$place/watch.sessions" "$pid")
		[ "$end" -le "$last" ] || last=$end
	done
	# The end of a process and of its socket are seen by two observers: 50 ms for their difference.
	between "$label: G1: it ends after the last session's exit, within linger + 1 s (ms)" \
		"$(ms_between "$last" "$gone")" -50 $((LINGER_MS + 1000))
	for pid in "${sshd_pids[@]}"; do
		end=$(ended_ns "$place/watch.sshd" "$pid")
		[ "$end" -le "$gone" ] || gone=$end
	done
	waited=$(ended_ns "$place/watch.wait" "$control_pid")
	between "$label: G5: wait returns when the connection is gone (ms)" "$(ms_between "$gone" "$waited")" -50 1000
	wait "$control_pid"
	is "$label: G5: wait says that all ended cleanly" $? 0
}

# drain LOGIN-SHELL PAM
drain() {
	label="$1, $([ "$2" = yes ] && echo PAM || echo 'no PAM')"
	need sshd_start "$2"
	client_open c "$user" || die "no connection: $answer"
	home=$place/home/$user
	start_four_transfers
	watch_start "$place/watch.sessions" "${pids[@]}"
	mapfile -t sshd_pids < <(connection_pids "$user")
	watch_start "$place/watch.sshd" "${sshd_pids[@]}"
	order_close
	while_draining
	finish_all
	measure_end
	file_is "$label: G1: upload 1 is whole" "$home/x" $SIZE 1
	file_is "$label: G1: upload 2 is whole" "$home/up2" $SIZE 2
	file_is "$label: G10: the early upload was renamed" "$home/y" 1000 9
	client_close c
	leaves_nothing "$label"
	rm -rf "${home:?}"/*
	sshd_stop
	rm -rf "$rundir" "$shmdir" "$shmdir"-*
}

test_user a bash
bash_user=$user
test_user b dash
dash_user=$user
for pam in yes no; do
	user=$bash_user
	drain bash $pam
	user=$dash_user
	drain dash $pam
done
e2e_end
