#!/bin/bash
# tests: how much of an upload is lost when its client is killed (G2).  The stock sftp, with its ssh, gets
# SIGKILL at a random moment while it sends as fast as it can; what sshd has received, by its own count,
# is compared with what is in the file once the session has ended.  The count is of whole SSH packets:
# what they and SFTP add to the data is counted as lost, and so is a request that was cut.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

LOST_MOST=$((320 * 1024))
WRITE_DELAY_US=5000
SEED=5
# More than the client has under way (64 requests of 255 KiB), and little enough that what the protocols
# add to it, two bytes in a thousand, does not count for much.
SIZE=33554432

e2e_begin
policy 'default = { drain = "transfer"; linger = "500ms"; deadline = "5m"; };'
test_user a bash
need sshd_start yes

# Lazily: when the test has failed, a session may still be at it.
unmount() {
	! mountpoint -q "$place/slow" || umount -l "$place/slow"
}

trap 'unmount; e2e_cleanup' EXIT

# Between the client and sshd: a reset would keep sshd from logging its count.  Sets $options
# for the client.
relay_start() {
	rm -f "$place/relay"
	"$support/relay" "$sshd_port" > "$place/relay" &
	poll "$PATIENCE" test -s "$place/relay" || die 'no relay'
	mapfile -t options < <(sshd_port=$(cat "$place/relay") && ssh_options)
}

# What else runs on this machine is not to be measured, nor is the client, which would run elsewhere: these
# come first (sched(7)): always, or where that is not allowed by their niceness and, where processes are scheduled
# by sessions, by that of their session.
come_first() {
	local pid
	for pid in "$@"; do
		chrt --fifo --all-tasks --pid 1 "$pid" && continue
		renice -n -10 "$pid"
		[ ! -w "/proc/$pid/autogroup" ] || echo -10 > "/proc/$pid/autogroup"
	done > /dev/null 2>&1
}

# The processors on which this test may run.
processors() {
	taskset -cp $$ | sed 's/.*: //; s/,/\n/g' | while IFS=- read -r first last; do
		seq "$first" "${last:-$first}"
	done
}
mapfile -t processors < <(processors)

# sshd and the session do not get into each other's way, where that can be.
part_processors() {
	local pid
	[ ${#processors[@]} -ge 2 ] || return 0
	for pid in $(connection_pids "$user"); do
		need taskset -cp "${processors[0]}" "$pid"
	done
	need taskset -acp "${processors[1]}" "$session_pid"
}

# Starts a client in a process group of its own, which holds its ssh too, with a session that is ready, and
# gives it its command.  Sets $client, $session_pid and $begun.
upload_start() {
	local commands
	relay_start
	mkfifo "$place/commands"
	setsid sftp -q "${options[@]}" -b - "$user@127.0.0.1" \
		< "$place/commands" > "$place/client" 2>&1 &
	client=$!
	exec {commands}> "$place/commands"
	rm "$place/commands"
	poll "$PATIENCE" has_new_session "$user" none || die "no session: $(cat "$place/client")"
	watch_start "$place/watch" "$session_pid"
	# shellcheck disable=SC2046 # pids
	come_first "$session_pid" $(connection_pids "$user")
	part_processors > /dev/null
	begun=$(now_ns)
	printf '%s\n' "put $place/source $1/up" bye >&"$commands"
	exec {commands}>&-
}

# Of each connection that has ended: what sshd has received, or nothing after an orderly farewell, at which
# it logs no count.
received() {
	sed -nE '/Received disconnect/s/.*//p; s/.*Transferred: sent [0-9]+, received ([0-9]+) bytes.*/\1/p' "$sshd_log"
}

has_parted() {
	[ "$(received | wc -l)" -gt "$1" ]
}

session_ended() {
	has_ended "$place/watch" "$session_pid" || die 'the session does not end'
}

# An upload that nobody ends, for its time.  Sets $duration_ms.
upload_whole() {
	local parted
	parted=$(received | wc -l)
	upload_start "$1"
	wait "$client" || die "the upload fails: $(cat "$place/client")"
	duration_ms=$(ms_between "$begun" "$(now_ns)")
	session_ended
	poll "$PATIENCE" has_parted "$parted" || die 'sshd does not see the client leave'
	need "$support/pattern" verify "$1/up" $SIZE $SEED
	rm "$1/up"
}

# Sets $lost; fails when the upload was over before its client was killed, or had not begun.
upload_killed() {
	local delay_ms parted count
	delay_ms=$((duration_ms * (5 + RANDOM % 85) / 100))
	parted=$(received | wc -l)
	upload_start "$1"
	sleep "$((delay_ms / 1000)).$(printf %03d $((delay_ms % 1000)))"
	kill -KILL -- "-$client" 2> /dev/null
	wait "$client" 2> /dev/null
	session_ended
	poll "$PATIENCE" has_parted "$parted" || die 'sshd does not log what it received'
	count=$(received | tail -n 1)
	[ -n "$count" ] && [ -e "$1/up" ] || return 1
	"$support/pattern" prefix "$1/up" $SIZE $SEED > "$place/prefix" ||
		fail "$label: what is in the file is right" "$(cat "$place/prefix")"
	lost=$((count - $(stat -c %s "$1/up")))
	rm "$1/up"
}

# uploads_killed LABEL DIRECTORY ROUNDS
uploads_killed() {
	local label=$1 losses=() tries=0
	upload_whole "$2"
	note "$label: $SIZE bytes take $duration_ms ms"
	while [ ${#losses[@]} -lt "$3" ] && [ $tries -lt $((2 * $3)) ]; do
		tries=$((tries + 1))
		! upload_killed "$2" || losses+=("$lost")
	done
	is "$label: clients killed in mid-upload" ${#losses[@]} "$3"
	mapfile -t losses < <(printf '%s\n' "${losses[@]}" | sort -n)
	note "$label: lost (KiB): min $((losses[0] / 1024)), median $((losses[$3 / 2] / 1024)), max $((losses[-1] / 1024))"
	between "$label: bytes lost at most" "${losses[-1]}" 0 $LOST_MOST
}

slow_mount() {
	install -d -o "$user" -g "$user" "$place/backing"
	mkdir "$place/slow"
	setsid "$support/delayfs" $WRITE_DELAY_US "$place/backing" "$place/slow" 2> "$place/delayfs" &
	poll 10 mountpoint -q "$place/slow" && come_first $!
}

need "$support/pattern" write "$place/source" $SIZE $SEED
# In memory: as fast as can be.  It goes with the place.
install -d -o "$user" -g "$user" "$shmdir-fast"
uploads_killed 'G2' "$shmdir-fast" 20
if [ ! -x "$support/delayfs" ]; then
	skip 'G2, slow writes' 'needs libfuse (Debian: libfuse3-dev)'
elif [ ! -c /dev/fuse ]; then
	skip 'G2, slow writes' 'needs /dev/fuse'
elif ! slow_mount; then
	skip 'G2, slow writes' "cannot mount: $(cat "$place/delayfs")"
else
	uploads_killed 'G2, slow writes' "$place/slow" 6
	unmount
fi
leaves_nothing 'killed uploads'
e2e_end
