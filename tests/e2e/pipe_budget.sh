#!/bin/bash
# tests: what 200 sessions of one user leave each other of the pipes' memory (G10).  Past
# fs.pipe-user-pages-soft the kernel gives a user's new pipes 8 KiB: sessions that grow theirs for bulk
# transfer must not bring those who come later to that.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through poll and check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

CONNECTIONS=8
SESSIONS=25 # of each
LEAST=65536
# Three pipes each, and sshd's own.
PAGES_NEEDED=$((CONNECTIONS * (SESSIONS * 3 + 2) * LEAST / $(getconf PAGESIZE)))
SIZE=2097152

pages=$(cat /proc/sys/fs/pipe-user-pages-soft)
[ "$pages" = 0 ] || [ "$pages" -ge $PAGES_NEEDED ] ||
	skip_all "needs fs.pipe-user-pages-soft of at least $PAGES_NEEDED; here it is $pages"
e2e_begin
policy 'default = { drain = "transfer"; linger = "500ms"; deadline = "5m"; };'
test_user a bash
home=$place/home/$user
# As installed: all three are pipes.
sessions_stderr=
need sshd_start yes
need "$support/pattern" write "$home/down" $SIZE 1

# Both ways, and the second is left open.
transfer() {
	must "$1" put "$2" "up.$1.$2" $SIZE 1
	must "$1" step "$2" $SIZE
	must "$1" finish "$2"
	must "$1" get "$2" down $SIZE 1
	must "$1" step "$2" $((SIZE / 2))
}

# connection_open NAME: with all its sessions; every other one moves much before the next begins.
connection_open() {
	local s
	client_open "$1" "$user" || die "no connection: $answer"
	for ((s = 0; s < SESSIONS; s++)); do
		must "$1" session
		[ $((s % 2)) = 1 ] || transfer "$1" "$answer"
	done
}

sizes() {
	# shellcheck disable=SC2046 # pids
	need "$support/pipe_sizes" $(session_pids "$user") > "$place/sizes"
}

# sizes_are_right LABEL SESSIONS
sizes_are_right() {
	sizes
	is "G10: $1: pipes" "$(wc -l < "$place/sizes")" $((3 * $2))
	note "$1: number of pipes by size: $(awk '{ print $3 }' "$place/sizes" | sort -n | uniq -c |
		awk '{ printf("%s%d x %d KiB", (NR > 1) ? ", " : "", $1, $2 / 1024) }')"
	is "G10: $1: pipes below $LEAST bytes" "$(awk -v least=$LEAST '$3 < least' "$place/sizes" | wc -l)" 0
}

for ((c = 1; c <= CONNECTIONS; c++)); do
	connection_open "c$c"
	[ $c != $((CONNECTIONS / 2)) ] || sizes_are_right 'half of the sessions' $((c * SESSIONS))
done
sizes_are_right "all $((CONNECTIONS * SESSIONS)) sessions" $((CONNECTIONS * SESSIONS))
for ((c = 1; c <= CONNECTIONS; c++)); do
	client_close "c$c"
done
leaves_nothing 'pipes'
e2e_end
