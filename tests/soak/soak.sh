#!/bin/bash
# tests: the soak: random logins, transfers, kills, orders and reopens over a private sshd, for SOAK_SECONDS;
# then everything must be as if nothing had been.  `make soak`; not part of check.  SOAK_SEED repeats the
# choices of an earlier run.  What failed leaves its evidence in a directory that is named at the end.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2034,SC2317 # what is set here is read by the harness; functions are called through check
. "${top_srcdir:?set by make soak}/tests/support/e2e.sh"

PASSWORD=a-pass-word-of-the-test
here=$top_srcdir/tests/soak
SOAK_SECONDS=${SOAK_SECONDS:-1800}
SOAK_SEED=${SOAK_SEED:-$RANDOM}
export SOAK_SECONDS SOAK_SEED PYTHONDONTWRITEBYTECODE=1

has_own_dev || skip_all 'needs root and a mount namespace'
command -v python3 > /dev/null || skip_all 'needs python3'
e2e_begin
echo "SOAK_SEED=$SOAK_SEED SOAK_SECONDS=$SOAK_SECONDS"

password=$(openssl passwd -6 "$PASSWORD") || die 'no openssl'
printf '#!/bin/sh\necho %s\n' "$PASSWORD" > "$place/askpass"
chmod 755 "$place/askpass"
pam_auth='requisite SD_PAM
required pam_unix.so'
sshd_extra='PasswordAuthentication yes
KbdInteractiveAuthentication yes'
for letter in {a..e}; do
	test_user $letter "$([ $letter = b ] && echo dash || echo bash)"
	need usermod -p "$password" "$user"
done
python3 "$here/soak.py" policy "${users[@]}" > "$config"
need drain_control check > "$place/check"
mkdir "$place/contents" "$place/local"
while read -r size seed; do
	need "$support/pattern" write "$place/contents/$seed" "$size" "$seed"
done < <(PYTHONPATH=$here python3 -c 'import rounds
for size, seed in rounds.CONTENTS: print(size, seed)')

need sshd_start yes

# run_soak: sets $status.
run_soak() {
	local ssh_options
	ssh_options=$(ssh_options)
	export place support sshd_port sshd_pid ssh_options control config rundir shmdir sshd_log sessions_log syslog
	setpriv --pdeathsig TERM python3 "$here/soak.py" run "${users[@]}"
	status=$?
}

log_in() {
	local options
	mapfile -t options < <(ssh_options)
	timeout "$PATIENCE" ssh "${options[@]}" "$1@127.0.0.1" true
}

session_runs() {
	local options
	mapfile -t options < <(ssh_options)
	timeout "$PATIENCE" sftp -q "${options[@]}" -b - "$1@127.0.0.1" <<< pwd
}

# Locks on the table, its lock file and all members files and shares, by the kernel's list.
no_locks() {
	local name device inode file
	! find "$rundir" "$shmdir" "$shmdir"-* -type f -exec stat -c '%D %i %n' {} + 2> /dev/null |
		while read -r device inode name; do
			device=$((16#$device))
			file=$(printf ' %02x:%02x:%d ' $((device >> 8)) $((device & 255)) "$inode")
			! grep -F "$file" /proc/locks || echo "is a lock on $name"
		done | grep .
}

# What the dead have left is cleared away by who comes next: entries of the table by a login, files of
# connections that lost their monitor by a session without the PAM module.
next_comers() {
	local name
	for name in "${users[@]}"; do
		check "a login of $name" log_in "$name"
	done
	check 'no connection is left in the table' poll "$PATIENCE" lists_nothing
	sshd_stop
	need sshd_start no
	for name in "${users[@]}"; do
		check "a session of $name without the module" session_runs "$name"
	done
}

orders_in_force() {
	control list --json
	tr -d ' \t\n' <<< "$output" | grep -oE '"host":null|"users":\[\]' | wc -l
}

nothing_left() {
	local name
	control wait --timeout 60s
	is 'wait finds nothing to wait for' "$status" 0
	for name in "${users[@]}"; do
		check "no process of $name is left" poll "$PATIENCE" user_is_idle "$name"
	done
	is 'no order is left' "$(orders_in_force)" 2
	check 'no sshd but the first is left' poll "$PATIENCE" only_the_listener
	check 'no lock is left' poll 10 no_locks
	next_comers
	check 'no connection is left' poll 10 lists_nothing
	check 'no members file is left' poll 10 no_members_files
	check 'no lock is left then' poll 10 no_locks
}

only_the_listener() {
	[ -z "$(pgrep -P "$sshd_pid")" ]
}

keep_evidence() {
	local kept
	kept=$(mktemp -d /tmp/sftp-drain-soak.failed.XXXXXX)
	control list --json
	printf '%s\n' "$output" > "$kept/list"
	ps -eo pid,ppid,user,lstart,stat,wchan,args > "$kept/ps"
	cp /proc/locks "$kept/locks"
	cp -a "$rundir" "$kept/run"
	find "$shmdir" "$shmdir"-* -ls > "$kept/shm" 2>&1
	cp -a "$place"/{journal,{sshd,sessions,syslog}.log,sftp-drain.conf,home,local} "$kept" 2> /dev/null
	echo "evidence: $kept"
}

run_soak
[ "$status" -lt 128 ] || exit "$status"
soak_status=$status
nothing_left
if [ "$soak_status" != 0 ] || [ "$tap_failures" -gt 0 ]; then
	keep_evidence
	echo "FAIL (SOAK_SEED=$SOAK_SEED)"
	exit 1
fi
echo PASS
