#!/bin/bash
# tests: what else uses SSH works as before.  A command beside SFTP sessions keeps the connection open
# after the last of them; the stock sftp and scp do all that they do.  G1, G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=3000000

e2e_begin
policy 'default = { drain = "transfer"; linger = "300ms"; deadline = "5m"; };'
test_user a bash
home=$place/home/$user
local_dir=$place/local
mkdir "$local_dir"
# A command or a shell on the connection outlives the SFTP sessions: it keeps the connection open, and
# when it has ended the connection ends.
beside() {
	local label="$1, $pam_label" s guard sleeps
	client_open c "$user" || die "no connection: $answer"
	session_open c "$user"
	s=$session
	if [ "$1" = 'a command' ]; then
		must c exec sleep 1000
		need poll "$PATIENCE" user_runs sleep
	else
		must c shell
		need poll "$PATIENCE" on_a_terminal
	fi
	command=$answer
	must c put "$s" up $SIZE 1
	must c step "$s" 100000
	watch_start "$place/watch" "$session_pid"
	control close
	asks "$label: G1: the transfer is completed" c finish "$s"
	control wait
	is "$label: G10: wait ends with the last SFTP session" "$status" 0
	check "$label: G1: the session has ended" has_ended "$place/watch" "$session_pid"
	# Linger is 300 ms: a server that overlooked the command would have ended the connection.
	sleep 1.5
	asks "$label: G10: the connection is still asked" c alive
	is "$label: G10: it is kept open" "$answer" 'ok yes'
	is "$label: G4: by one process, that stays to end it" "$(user_pids "$user" sftp-closer | wc -l)" 1
	guard=$(user_pids "$user" sftp-closer)
	sleeps=$(sleeps_of "$guard")
	sleep 1
	is "$label: G4: which does nothing until then" "$(sleeps_of "$guard")" "$sleeps"
	refused "$label: G3: no new session joins" 'drain|closed' c session
	refused "$label: G3: nor another" 'drain|closed' c session
	check "$label: G4: which leave no more such processes" poll "$PATIENCE" only_one_guard
	file_is "$label: G1: the file is whole" "$home/up" $SIZE 1
	if [ "$2" = 'ends' ]; then
		end_beside
		asks "$label: G3: the connection ends after it" c gone $((PATIENCE * 1000))
		client_close c
		control reopen
	else
		control reopen
		check "$label: G5: after reopen that process is gone" poll "$PATIENCE" no_guard
		end_beside
		sleep 1
		asks "$label: G5: and the connection stays" c session
		client_close c
	fi
	leaves_nothing "beside $label"
}

# A shell ends with its terminal; a command goes on when its channel is closed.
end_beside() {
	asks "$label: G10: it is ended" c end "$command"
	pkill -KILL -u "$user" -x sleep
}

on_a_terminal() {
	ps -u "$user" -o tty=,comm= | grep -q '^pts/.* bash$'
}

only_one_guard() {
	[ "$(user_pids "$user" sftp-closer | wc -l)" = 1 ]
}

no_guard() {
	[ -z "$(user_pids "$user" sftp-closer)" ]
}

# An order finds a connection whose SFTP sessions are over; and one that never had any, which is not its
# business.
without_a_session() {
	local label="without a session, $pam_label"
	client_open c "$user" || die "no connection: $answer"
	client_open other "$user" || die "no connection: $answer"
	session_open c "$user"
	watch_start "$place/watch" "$session_pid"
	must c end "$session"
	need has_ended "$place/watch" "$session_pid"
	poll "$PATIENCE" no_session_process
	control close
	is "$label: G5: close succeeds" "$status" 0
	if [ "$pam" = yes ]; then
		asks "$label: G3: a connection that had some ends" c gone $((PATIENCE * 1000))
	fi
	sleep 1
	asks "$label: G10: one that had none" other alive
	is "$label: G10: stays" "$answer" 'ok yes'
	client_close other
	client_close c
	control reopen
	leaves_nothing "$label"
}

no_session_process() {
	[ -z "$(session_pids "$user")" ]
}

user_runs() {
	[ -n "$(user_pids "$user" "$1")" ]
}

# batch COMMANDS: one run of the stock sftp; sets $output and $status.
batch() {
	output=$(cd "$local_dir" && sftp -q "${options[@]}" -b - "$user@127.0.0.1" <<< "$1" 2>&1)
	status=$?
}

batch_is_done() {
	batch "$2"
	is "$1" "$status" 0
	[ "$status" = 0 ] || note "$output"
}

copy() {
	scp -q "${options[@]}" "$@" 2>&1
}

local_files() {
	need "$support/pattern" write "$local_dir/a" $SIZE 11
	mkdir -p "$local_dir/tree/sub/deep"
	need "$support/pattern" write "$local_dir/tree/one" 40000 12
	need "$support/pattern" write "$local_dir/tree/sub/deep/two" 70000 13
	: > "$local_dir/tree/sub/empty"
	touch -d '2001-02-03 04:05:06 UTC' "$local_dir/tree/one"
	chmod 640 "$local_dir/tree/one"
}

stock_sftp() {
	batch_is_done 'G10: sftp put, get' $'put a b\nget b c'
	file_is 'G10: the upload is right' "$home/b" $SIZE 11
	file_is 'G10: the download is right' "$local_dir/c" $SIZE 11
	batch_is_done 'G10: sftp put -r -p, get -r -p' $'put -rp tree\nget -rp tree back'
	check 'G10: the tree came back' diff -r "$local_dir/tree" "$local_dir/back"
	is 'G10: with times and modes' "$(stat -c '%Y %a' "$local_dir/back/one")" "$(stat -c '%Y %a' "$local_dir/tree/one")"
	head -c 1000000 "$local_dir/a" > "$home/part"
	chown "$user" "$home/part"
	head -c 1234567 "$local_dir/a" > "$local_dir/half"
	batch_is_done 'G10: sftp reput, reget' $'reput a part\nreget b half'
	file_is 'G10: the resumed upload is right' "$home/part" $SIZE 11
	file_is 'G10: the resumed download is right' "$local_dir/half" $SIZE 11
}

stock_sftp_names() {
	batch_is_done 'G10: sftp mkdir, rename, rm, rmdir' $'mkdir d\nrename b d/e\nmkdir d/x\nrmdir d/x\nput a f\nrm f'
	check 'G10: the rename is seen' test -f "$home/d/e" -a ! -e "$home/b" -a ! -e "$home/f" -a ! -e "$home/d/x"
	batch_is_done 'G10: sftp symlink, ln, chmod' $'symlink d/e s\nln d/e h\nchmod 600 h'
	is 'G10: the symbolic link' "$(readlink "$home/s")" d/e
	check 'G10: the hard link' test "$home/h" -ef "$home/d/e"
	is 'G10: the mode' "$(stat -c %a "$home/h")" 600
	batch_is_done 'G10: sftp ls -l' 'ls -l'
	like 'G10: ls -l shows owner and size' "$output" "^-rw------- +[^ ]+ +[^ ]+ +[^ ]+ +$SIZE .* h$"
	batch_is_done 'G10: sftp df' df
	like 'G10: df shows the capacity' "$output" '%'
	batch 'get nonexistent'
	is 'G10: a get of what is not there fails' "$status" 1
	like 'G10: and says why' "$output" 'not found'
	batch 'mkdir d'
	is 'G10: a mkdir of what is there fails' "$status" 1
}

stock_scp() {
	check 'G10: scp to the host' copy "$local_dir/a" "$user@127.0.0.1:scp-up"
	file_is 'G10: is right' "$home/scp-up" $SIZE 11
	check 'G10: scp from the host' copy "$user@127.0.0.1:scp-up" "$local_dir/scp-down"
	file_is 'G10: is right too' "$local_dir/scp-down" $SIZE 11
	check 'G10: scp -r -p to the host' copy -rp "$local_dir/tree" "$user@127.0.0.1:scp-tree"
	check 'G10: scp -r -p from the host' copy -rp "$user@127.0.0.1:scp-tree" "$local_dir/scp-back"
	check 'G10: the tree came back' diff -r "$local_dir/tree" "$local_dir/scp-back"
	is 'G10: with times and modes' "$(stat -c '%Y %a' "$local_dir/scp-back/one")" "$(stat -c '%Y %a' "$local_dir/tree/one")"
}

stock_ssh() {
	is 'G10: a command by ssh' "$(ssh "${options[@]}" "$user@127.0.0.1" 'echo out; exit 7'; echo $?)" $'out\n7'
}

local_files
for pam in yes no; do
	pam_label=$([ $pam = yes ] && echo PAM || echo 'no PAM')
	need sshd_start $pam
	mapfile -t options < <(ssh_options)
	beside 'a command' ends
	beside 'a command' stays
	beside 'a shell' ends
	without_a_session
	note "the stock clients, PAM: $pam"
	stock_sftp
	stock_sftp_names
	stock_scp
	stock_ssh
	leaves_nothing "stock clients, PAM: $pam"
	rm -rf "${home:?}"/* "$local_dir"/{c,back,half,scp-down,scp-back}
	sshd_stop
done
e2e_end
