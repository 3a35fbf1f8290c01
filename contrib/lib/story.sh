# contrib: the quickstart's show, with the stock ssh and sftp: four sessions of one connection move 512 MB
# while the host is closed; they finish, a fifth is refused, the last one out ends the connection.
# Run as root by quickstart.  Leaves nothing behind.
# shellcheck shell=bash
# shellcheck disable=SC2317 # functions are called through trap, poll and expect

set -u
. contrib/lib/private_sshd.sh

MEGABYTES=128
# What sftp is held to, in Kbit/s: some ten seconds for each file, so that there is a middle of the
# transfer to close in.
LIMIT=98304
CLOSING='Closed for maintenance. Please come back at noon.'

started=$(date +%s%N)
failed=0

say() {
	local now
	now=$((($(date +%s%N) - started) / 1000000))
	printf '[%3d.%03d s] %s\n' $((now / 1000)) $((now % 1000)) "$*"
}

indent() {
	sed 's/^/             | /'
}

give_up() {
	say "FAILED: $*"
	[ -z "$sshd_log" ] || tail -n 20 "$sshd_log" "$sessions_log" | indent
	exit 1
}

expect() {
	local what=$1
	shift
	if "$@"; then
		say "yes: $what"
	else
		say "NO: $what"
		failed=1
	fi
}

clean_up() {
	trap '' INT TERM HUP
	sshd_stop
	jobs_stop
	place_remove
	say 'Removed: the user, the PAM service, the sshd, the files.'
}

make_place() {
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	# On disk: /tmp may be memory, and this is a gigabyte.
	place_make /var/tmp sftp-drain-quickstart || give_up 'no place to work in'
	[ "$(df -Pm "$place" | awk 'NR == 2 { print $4 }')" -ge $((MEGABYTES * 9)) ] ||
		give_up "$((MEGABYTES * 9)) MB of free space are needed in /var/tmp"
	cat > "$config" <<-END
		default = { drain = "transfer"; deadline = "5m"; linger = "2s"; };
	END
	user=sdq$$
	user_add "$user" /bin/bash || give_up 'useradd failed'
	home=$place/home/$user
	mkdir "$place/local"
	local name
	for name in local/up1 local/up2 "home/$user/down1" "home/$user/down2"; do
		head -c ${MEGABYTES}M /dev/urandom > "$place/$name" || give_up 'no space'
	done
}

start_sshd() {
	sshd_start yes || give_up 'the private sshd did not start'
	mapfile -t options < <(ssh_options)
	options+=(-o "ControlPath=$place/master")
	say "A private sshd runs on 127.0.0.1:$sshd_port, PAM service /etc/pam.d/$service, user $user."
}

connect() {
	ssh "${options[@]}" -o ControlMaster=yes -N "$user@127.0.0.1" < /dev/null &
	master=$!
	poll 20 test -S "$place/master" || give_up 'no connection'
	say 'One SSH connection is open (ssh -M); the sftp sessions will be channels of it.'
}

has_joined() {
	[ "$(user_pids "$user" sftp-server | wc -l)" = "$1" ]
}

# transfer NUMBER COMMAND: one more session of the connection.
transfer() {
	(cd "$place/local" && exec sftp -q -l $LIMIT "${options[@]}" -b - "$user@127.0.0.1" <<< "$2") \
		> "$place/$1.log" 2>&1 &
	transfers+=($!)
	poll 20 has_joined "$1" || give_up "session $1 did not start"
	say "Session $1 has joined: sftp> $2"
}

# Whether a quarter of every file is there, and not the whole of any.
in_mid_transfer() {
	local file size
	for file in "$home/up1" "$home/up2" "$place/local/down1" "$place/local/down2"; do
		size=$(stat -c %s "$file" 2> /dev/null) || return 1
		[ "$size" -ge $((MEGABYTES * 262144)) ] && [ "$size" -lt $((MEGABYTES * 1048576)) ] || return 1
	done
}

close_host() {
	poll 60 in_mid_transfer || give_up 'the transfers do not move'
	say 'All four are in mid-transfer. sftp-drain list:'
	drain_control list | indent
	say "\$ sftp-drain close --drain transfer --message '$CLOSING'"
	drain_control close --drain transfer --message "$CLOSING" || give_up 'close failed'
	drain_control wait > "$place/wait.log" 2>&1 &
	waiting=$!
	say 'The order is given; sftp-drain wait is waiting.'
}

newcomer() {
	say 'A fifth session asks to join; its client shows:'
	echo pwd | sftp -q "${options[@]}" -b - "$user@127.0.0.1" > "$place/fifth.log" 2>&1
	local rc=$?
	grep -v '^sftp>' "$place/fifth.log" | indent
	expect 'it was refused, and told why' test $rc -ne 0
	expect 'in the words of the order' grep -qF "$CLOSING" "$place/fifth.log"
}

show_progress() {
	say 'Still moving:'
	drain_control list -o PID,STATE,DEADLINE,READ,WRITTEN,FILES | tail -n +2 | indent
}

watch_the_rest() {
	local i left=1 shown=$SECONDS
	while [ $left -gt 0 ]; do
		if [ $((SECONDS - shown)) -ge 3 ]; then
			shown=$SECONDS
			show_progress
		fi
		left=0
		for i in 0 1 2 3; do
			[ -n "${transfers[i]}" ] || continue
			if job_runs "${transfers[i]}"; then
				left=$((left + 1))
				continue
			fi
			wait "${transfers[i]}"
			expect "the client of session $((i + 1)) ended well" test $? -eq 0
			transfers[i]=
		done
		sleep 0.1
	done
	say 'The last one is out.'
}

job_ended() {
	! job_runs "$1"
}

the_end() {
	wait "$waiting"
	expect 'sftp-drain wait returned: all ended cleanly' test $? -eq 0
	# The client is told of the end of its connection by the network: a moment after.
	expect 'the connection is gone' poll 5 job_ended "$master"
	say 'sftp-drain list:'
	drain_control list | indent
}

same() {
	[ "$(sha256sum < "$1")" = "$(sha256sum < "$2")" ]
}

checksums() {
	local n
	for n in 1 2; do
		expect "upload $n: the SHA-256 sums agree" same "$place/local/up$n" "$home/up$n"
		expect "download $n: the SHA-256 sums agree" same "$home/down$n" "$place/local/down$n"
	done
}

transfers=()
make_place
start_sshd
connect
transfer 1 'put up1'
transfer 2 'put up2'
transfer 3 'get down1'
transfer 4 'get down2'
close_host
newcomer
watch_the_rest
the_end
checksums
if [ $failed = 0 ]; then
	say 'All as promised.'
else
	say 'Something was not as promised; the logs:'
	tail -n 20 "$place"/*.log | indent
fi
exit $failed
