# tests: the harness of the end-to-end tests: a private sshd, clients driven step by step, results as
# TAP.  Sourced first by every script in tests/e2e, which runs as root under `make check`.
# Never sleeps where something can be awaited; every wait is bounded.
# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is read by the tests

# The tests' time limit for whatever should simply happen, in seconds: far beyond what a loaded machine
# with sanitizers needs, so that reaching it is a failure and nothing else.
PATIENCE=${PATIENCE:-60}

# shellcheck source=contrib/lib/private_sshd.sh
. "${top_srcdir:?set by make check}/contrib/lib/private_sshd.sh"
support=${top_builddir:?set by make check}/tests/support

# The PAM module logs to syslog, so /dev/log has to be the test's own.
has_own_dev() {
	grep -q '^sftp-drain-test /dev ' /proc/self/mounts
}

if ! has_own_dev && unshare --mount --propagation private true 2> /dev/null; then
	exec bash "$top_srcdir/tests/support/own_dev.sh" bash "$0" "$@"
fi

tap_count=0
tap_failures=0

note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

pass() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

# fail DESCRIPTION [WHY...]
fail() {
	tap_count=$((tap_count + 1))
	tap_failures=$((tap_failures + 1))
	echo "not ok $tap_count - $1"
	shift
	[ $# -eq 0 ] || note "$*"
}

skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# check DESCRIPTION COMMAND...: the command succeeds.
check() {
	local description=$1 output
	shift
	if output=$("$@" 2>&1); then
		pass "$description"
	else
		fail "$description" "$* failed: $output"
	fi
}

# is DESCRIPTION GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got '$2', wanted '$3'"
	fi
}

# like DESCRIPTION TEXT EXTENDED-REGULAR-EXPRESSION, case-insensitively
like() {
	if grep -qiE -e "$3" <<< "$2"; then
		pass "$1"
	else
		fail "$1" "'$2' does not match '$3'"
	fi
}

# between DESCRIPTION VALUE LEAST MOST
between() {
	if [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
		pass "$1"
		note "$2 (allowed: $3 to $4)"
	else
		fail "$1" "got $2, allowed: $3 to $4"
	fi
}

# What a test needs before it can show anything; without it nothing that follows means anything.
die() {
	local name
	note "what the users run:"
	for name in "${users[@]}"; do
		note "$(ps -o pid,ppid,stat,wchan,args -u "$name")"
	done
	note "sshd's log:"
	note "$(tail -n 40 "${sshd_log:-/dev/null}" 2>&1)"
	note "the sessions' log:"
	note "$(tail -n 40 "${sessions_log:-/dev/null}" 2>&1)"
	echo "Bail out! $*"
	exit 1
}

need() {
	"$@" || die "failed: $*"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# e2e_begin [DIRECTORY]: makes the private place, in that directory.  What is missing is said, never passed
# over.
e2e_begin() {
	[ "$(id -u)" = 0 ] || skip_all 'needs root: it makes users and runs an sshd'
	[ -x "$SSHD" ] || skip_all "needs an sshd at $SSHD"
	[ -x "$support/siblings" ] || skip_all 'needs libssh (Debian: libssh-dev)'
	trap 'e2e_cleanup' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	# A client that is gone must not end the test with it: writing to it fails instead.
	trap ':' PIPE
	place_make "${1:-/tmp}" sftp-drain-test || die 'no place for the test'
	syslog=$place/syslog.log
	! has_own_dev || need devlog_start
}

devlog_start() {
	"$support/devlog" /dev/log >> "$syslog" &
	poll "$PATIENCE" test -S /dev/log
}

e2e_cleanup() {
	local name
	trap '' INT TERM HUP
	# First: its children are found by way of it, and clients without it do not wait for anything.
	sshd_stop
	for name in "${!client_pids[@]}"; do
		client_close "$name"
	done
	jobs_stop
	place_remove
}

e2e_end() {
	if [ "$tap_failures" -gt 0 ]; then
		note "sshd's log:"
		note "$(tail -n 60 "$sshd_log")"
		note "the sessions' log:"
		note "$(tail -n 60 "$sessions_log")"
	fi
	echo "1..$tap_count"
	exit 0
}

# policy TEXT: the configuration, as sftp-drain.conf.
policy() {
	printf '%s\n' "$1" > "$config"
}

# test_user LETTER SHELL: sets $user to a name that no other test uses.
test_user() {
	user=sdt$$$1
	need user_add "$user" "$(command -v "$2")"
}

now_ns() {
	"$support/watch"
}

# --- clients: the program `siblings`, one connection each, by name

declare -A client_pids client_in client_out

# client_open NAME USER: connects.
client_open() {
	local in=$place/$1.in out=$place/$1.out in_fd out_fd
	mkfifo "$in" "$out"
	"$support/siblings" "$sshd_port" "$2" "$place/userkey" < "$in" > "$out" 2> "$place/$1.stderr" &
	client_pids[$1]=$!
	exec {in_fd}> "$in" {out_fd}< "$out"
	client_in[$1]=$in_fd
	client_out[$1]=$out_fd
	rm -f "$in" "$out"
	client_answer "$1"
}

# client_say NAME LINE; fails when the client is gone.
client_say() {
	{ printf '%s\n' "$2" >&"${client_in[$1]}"; } 2> /dev/null
}

client_answer() {
	answer=
	if ! read -r -t "$PATIENCE" -u "${client_out[$1]}" answer; then
		answer="error no answer $(cat "$place/$1.stderr")"
	fi
	[[ $answer == ok* ]]
}

# ask NAME COMMAND...: sends a command; sets $answer to the reply; succeeds when that is "ok ...".
ask() {
	local name=$1
	shift
	if ! client_say "$name" "$*"; then
		answer='error the client is gone'
		return 1
	fi
	client_answer "$name"
}

# must NAME COMMAND...: as ask, where a failure makes the rest pointless.
must() {
	ask "$@" || die "$*: $answer"
	answer=${answer#ok}
	answer=${answer# }
}

# asks DESCRIPTION NAME COMMAND...: the server carries it out.
asks() {
	local description=$1
	shift
	if ask "$@"; then
		pass "$description"
	else
		fail "$description" "$*: $answer"
	fi
}

# refused DESCRIPTION REGULAR-EXPRESSION NAME COMMAND...: the server refuses, with a text like that.
refused() {
	local description=$1 text=$2
	shift 2
	if ask "$@"; then
		fail "$description" "$* was accepted: $answer"
	else
		like "$description" "$answer" "$text"
	fi
}

# As after a crash of the client: no farewell of any kind.
client_kill() {
	kill -KILL "${client_pids[$1]}" 2> /dev/null
	client_forget "$1"
}

client_close() {
	client_say "$1" quit
	client_forget "$1"
}

client_forget() {
	local in=${client_in[$1]} out=${client_out[$1]}
	exec {in}>&- {out}<&-
	wait "${client_pids[$1]}" 2> /dev/null
	unset "client_pids[$1]" "client_in[$1]" "client_out[$1]"
}

# --- the server's side, seen from outside: by the kernel, not by what the product says of itself

# The pids of a user's sftp-server processes.
session_pids() {
	user_pids "$1" sftp-server
}

has_new_session() {
	session_pid=$(session_pids "$1" | grep -vxF -e "$2" | head -n 1)
	[ -n "$session_pid" ]
}

# session_open NAME USER: opens an SFTP session on the connection; sets $session to its number and
# $session_pid to its server process.
session_open() {
	local before
	before=$(session_pids "$2")
	must "$1" session
	session=$answer
	poll "$PATIENCE" has_new_session "$2" "${before:-none}" || die "no process for session $session"
}

is_stopped() {
	[ "$(ps -o stat= -p "$session_pid" | cut -c1)" = T ]
}

# Stops the session $session_pid.  A signal takes effect when its process runs next, and one that waits in
# read(2) would still take what has come by then.
stop_session() {
	need kill -STOP "$session_pid"
	poll "$PATIENCE" is_stopped || die "$session_pid does not stop"
}

# has_in_pipe PID BYTES: that much waits for the session.
has_in_pipe() {
	[ "$("$support/pipe_level" "$1")" -ge "$2" ]
}

# How often a process has gone to sleep: a number that stands still while it is idle.
sleeps_of() {
	sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$1/status"
}

# The sshd processes of a user's connections: what waits until a connection is gone.
connection_pids() {
	pgrep -f "^(sshd|sshd-session|$service): $1( |@)" | sort -n
}

# watch_start FILE PID...: from now on, notes in FILE when each of the processes ends.
watch_start() {
	local file=$1
	shift
	# What an earlier watch has noted is not for this one.
	rm -f "$file"
	"$support/watch" "$@" > "$file" 2>&1 &
	poll "$PATIENCE" grep -qs watching "$file" || die "cannot watch $*: $(cat "$file")"
}

# has_ended FILE PID: that one ends in time.
has_ended() {
	poll "$PATIENCE" grep -q "^$2 " "$1"
}

# ended_ns FILE PID: when that one ended; 0, which no comparison takes, when it does not.
ended_ns() {
	if has_ended "$1" "$2"; then
		sed -n "s/^$2 //p" "$1"
	else
		echo 0
	fi
}

# ms_between NS NS
ms_between() {
	echo $((($2 - $1) / 1000000))
}

# control_in_background NAME VERB...: runs the operator's command; its pid is $control_pid.
control_in_background() {
	"$control" --config "$config" --rundir "$rundir" --shmdir "$shmdir" "${@:2}" \
		> "$place/$1.output" 2>&1 &
	control_pid=$!
}

# Runs the operator's command, bounded; sets $status and $output.
control() {
	output=$(timeout "$PATIENCE" "$control" --config "$config" --rundir "$rundir" \
		--shmdir "$shmdir" "$@" 2>&1)
	status=$?
}

# Whether the session of that pid has seen an order.
session_drains() {
	control list -o PID,STATE
	grep -qE "^ *$1 +draining" <<< "$output"
}

# file_is DESCRIPTION PATH SIZE SEED
file_is() {
	check "$1" "$support/pattern" verify "$2" "$3" "$4"
}

lists_nothing() {
	control list --json
	tr -d ' \t\n' <<< "$output" | grep -q '"connections":\[\]'
}

no_members_files() {
	[ -z "$(find "$shmdir" "$shmdir"-* -type f ! -name pipes ! -name sessions 2> /dev/null)" ]
}

# What the PAM module has logged as an error or worse: <priority> is facility * 8 + severity.  A test that
# makes it fail says what it logs then, as an extended regular expression, in $expected_errors.
expected_errors=
module_errors() {
	awk -F '[<>]' '/pam_sftp_drain\(/ && $2 % 8 <= 3' "$syslog" |
		if [ -n "$expected_errors" ]; then grep -vE -e "$expected_errors"; else cat; fi
}

module_has_no_complaint() {
	if ! has_own_dev; then
		skip "$1: G10: the PAM module has logged no error" 'needs a mount namespace, for a /dev/log of its own'
		return
	fi
	# At each login it logs that it was there.
	[ ! -e "/etc/pam.d/$service" ] || check "$1: G10: the PAM module logs" grep -q 'pam_sftp_drain(' "$syslog"
	is "$1: G10: the PAM module has logged no error" "$(module_errors)" ''
}

# The end of every test: nothing of ours is left, and neither sshd nor the PAM module had anything to complain of.
leaves_nothing() {
	local name
	for name in "${users[@]}"; do
		check "$1: G4: no process of $name is left" poll 10 user_is_idle "$name"
	done
	check "$1: G4: no connection is left in the table" poll 10 lists_nothing
	check "$1: G4: no members file is left" poll 10 no_members_files
	is "$1: G10: sshd has logged no error" "$(grep -E '^(error|fatal):' "$sshd_log")" ''
	module_has_no_complaint "$1"
}
