# tests: clients that are libraries, for the scenario; sourced after scenario.sh.  Each is a program of
# ours, in tests/e2e/clients, on one connection:
#
#     PROGRAM PORT USER KEY-FILE KNOWN-HOSTS-FILE
#
# reads a verb and its arguments from each line, separated by tabs, and answers with one line: "ok" and
# what was asked for, separated by tabs; or "error" and the reason.  "connect" asks for no more than a
# sign of life.  It ends with its input.  Never does two things at a time.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2153 # the harness's variables; PROGRAM is coproc's

# program_start COMMAND...
program_start() {
	coproc PROGRAM {
		exec "$@" "$sshd_port" "$user" "$place/userkey" "$known_hosts" 2> "$place/program.stderr"
	}
	program_pid=$PROGRAM_PID
	# As they are, a subshell would not have them.
	local in=${PROGRAM[1]} out=${PROGRAM[0]}
	exec {program_in}>&"$in" {program_out}<&"$out" {in}>&- {out}<&-
	program_ask connect || die "$client does not connect: $(cat "$place/program.stderr")"
}

# program_ask VERB ARGUMENT...: prints the answer's words, one a line.
program_ask() {
	local IFS=$'\t' words
	{ printf '%s\n' "$*" >&"$program_in"; } 2> /dev/null || return 1
	IFS= read -r -t "$PATIENCE" -u "$program_out" words || return 1
	[ "$words" = ok ] || [[ $words == ok$'\t'* ]] || {
		printf '%s\n' "$words"
		return 1
	}
	[ "$words" = ok ] || tr '\t' '\n' <<< "${words#*$'\t'}"
}

# program_can VERB...: can_VERB asks the program.
program_can() {
	local verb
	for verb in "$@"; do
		eval "can_$verb() { program_ask $verb \"\$@\"; }"
	done
}

program_has_ended() {
	! job_runs "$program_pid"
}

# program_end: ends it, and says how that went.
program_end() {
	exec {program_in}>&-
	poll "$PATIENCE" program_has_ended || kill "$program_pid"
	wait "$program_pid"
	is "G10: $client: the program ends well" "$?" 0
	[ ! -s "$place/program.stderr" ] || note "$(tail -n 20 "$place/program.stderr")"
}

# --- trees, for libraries that know files and directories only

tree_put() {
	local path
	while IFS= read -r -d '' path; do
		if [ -d "$1$path" ]; then
			can_mkdir "$2$path" || return 1
		else
			can_put "$1$path" "$2$path" || return 1
		fi
	done < <(paths_below "$1")
}

# What is there is asked of the file system: can_list is tried on its own.
tree_get() {
	local path
	while IFS= read -r -d '' path; do
		if [ -d "$home/$1$path" ]; then
			mkdir "$2$path" || return 1
		else
			can_get "$1$path" "$2$path" || return 1
		fi
	done < <(paths_below "$home/$1")
}

# The directory itself, as an empty path, and what is below it, as /path; a directory comes before what
# it holds.
paths_below() {
	printf '\0'
	find "$1" -mindepth 1 -printf '/%P\0'
}
