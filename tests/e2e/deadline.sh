#!/bin/bash
# tests: a client that never finishes is ended at the deadline, and `wait` says so.  G1, G5, G8, G9.
# shellcheck source=tests/support/e2e.sh
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=1048576
DEADLINE_MS=2000
# Flush and exit, signals, sshd's own end: after the deadline, on a loaded machine.
FORCE_MS=8000

e2e_begin
policy 'default = { drain = "transfer"; linger = "500ms"; deadline = "5m"; };'

# deadline LOGIN-SHELL PAM
deadline() {
	local label ordered ended
	label="$1, $([ "$2" = yes ] && echo PAM || echo 'no PAM')"
	need sshd_start "$2"
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	must c put 1 stuck $SIZE 5
	must c step 1 $STEP
	watch_start "$place/watch" "$session_pid"
	ordered=$(now_ns)
	control close --deadline 2s
	is "$label: G5: close succeeds" "$status" 0
	control wait --timeout 300ms
	is "$label: G5: wait says when its time is up" "$status" 4
	check "$label: G5: waiting has changed nothing" kill -0 "$session_pid"
	control wait
	is "$label: G9: wait ends, and says that it took force" "$status" 3
	ended=$(ended_ns "$place/watch" "$session_pid")
	between "$label: G9: the session was ended at the deadline (ms)" \
		"$(ms_between "$ordered" "$ended")" $DEADLINE_MS $((DEADLINE_MS + FORCE_MS))
	asks "$label: G1: the connection is gone" c gone $((PATIENCE * 1000))
	is "$label: G8: what was acknowledged is in the file" "$(stat -c %s "$home/stuck")" $STEP
	check "$label: G8: and it is right" "$support/pattern" prefix "$home/stuck" $SIZE 5
	like "$label: G8: the log says that the upload did not end" \
		"$(grep stuck "$sessions_log" | tail -n 1)" 'interrupt|forced close'
	client_close c
	leaves_nothing "$label"
	rm -rf "${home:?}"/*
	sshd_stop
	rm -rf "$rundir" "$shmdir" "$shmdir"-*
}

# A client that takes what it has asked for, but slowly: it is waited for until a few seconds after the
# deadline, not until it has all, and `wait` does not give up before that.
SLOW_MS=$((5000 + FORCE_MS))
slow_reader() {
	local label options before ordered ended waited
	label="$1, $([ "$2" = yes ] && echo PAM || echo 'no PAM'), slow reader"
	need sshd_start "$2"
	need "$support/pattern" write "$home/big" 13107200 6
	mapfile -t options < <(ssh_options)
	before=$(session_pids "$user")
	# What the reader of before said is no word of this one.
	rm -f "$place/slow.out"
	"$support/slow_reader" big 400 100000 ssh "${options[@]}" -s "$user@127.0.0.1" sftp \
		<<< go > "$place/slow.out" 2>&1 &
	poll "$PATIENCE" grep -qs reading "$place/slow.out" || die "no reader: $(cat "$place/slow.out")"
	need has_new_session "$user" "${before:-none}"
	watch_start "$place/watch" "$session_pid"
	ordered=$(now_ns)
	control close --deadline 2s
	control wait
	waited=$(now_ns)
	is "$label: G9: wait ends, and says that it took force" "$status" 3
	ended=$(ended_ns "$place/watch" "$session_pid")
	between "$label: G9: the session ended soon after the deadline (ms)" \
		"$(ms_between "$ordered" "$ended")" $DEADLINE_MS $((DEADLINE_MS + SLOW_MS))
	between "$label: G5: wait returned after that (ms)" "$(ms_between "$ended" "$waited")" -50 $((2 * FORCE_MS))
	check "$label: G1: the client has seen the end" poll "$PATIENCE" grep -q ended "$place/slow.out"
	leaves_nothing "$label"
	sshd_stop
	rm -rf "${home:?}"/* "$rundir" "$shmdir" "$shmdir"-*
}

for shell in bash dash; do
	test_user "${shell:0:1}" "$shell"
	home=$place/home/$user
	deadline "$shell" yes
	deadline "$shell" no
	slow_reader "$shell" yes
done
e2e_end
