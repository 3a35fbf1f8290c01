#!/bin/bash
# bench: transfers through a private sshd that has both servers as subsystems, with the stock client.
#
#     through_sshd.sh BUILD SCRATCH MIB COMMAND-A COMMAND-B
#
# Says "ok" when it is ready, then answers each line "get A 1", "put B 8" and so on by "ok SECONDS": so many
# clients at a time move MIB in all, from when all of them have logged in until the last has ended.  Every byte
# is compared.
# What goes wrong is "error WHY"; "skip WHY" at the beginning says what is missing.  Ends at end of input.
build=$1 scratch=$2 mib=$3 commands=("$4" "$5")
top_srcdir=$(cd "$(dirname "$0")/../.." && pwd)
export SD_SERVER=${SD_SERVER:-$build/sftp-server} SD_CONTROL=${SD_CONTROL:-$build/sftp-drain}
export SD_PAM=${SD_PAM:-$build/.libs/pam_sftp_drain.so}
# shellcheck source=contrib/lib/private_sshd.sh
. "$top_srcdir/contrib/lib/private_sshd.sh"

stop() {
	echo "$*" | tr '\n' ' '
	echo
	exit 1
}

# Both as subsystems beside the one that is always there.
eval "base_$(declare -f sshd_config_write)"
sshd_config_write() {
	base_sshd_config_write "$@"
	echo "Subsystem A ${subsystems[0]}"
	echo "Subsystem B ${subsystems[1]}"
}

# subsystem NUMBER COMMAND...: the program is copied to where every user can reach it.
subsystem() {
	local number=$1 program word words=()
	program=$(command -v "$2") || stop "error no program $2"
	install "$program" "$place/bin/server-$number" || stop "error cannot copy $program"
	shift 2
	for word; do
		case $word in
		%c) word=$config ;;
		%r) word=$rundir ;;
		%s) word=$shmdir ;;
		esac
		words+=("$word")
	done
	subsystems[number]="$place/bin/server-$number ${words[*]}"
}

begin() {
	local number pam=no
	[ "$(id -u)" = 0 ] || stop 'skip needs root: it makes a user and runs an sshd'
	[ -x "$SSHD" ] || stop "skip needs an sshd at $SSHD"
	command -v sftp > /dev/null || stop 'skip needs the sftp client'
	trap 'place_remove' EXIT
	trap 'exit 143' INT TERM HUP
	chmod 755 "$scratch"
	place_make /tmp sftp-bench-sshd > /dev/null 2>&1 || stop 'error no place'
	for number in 0 1; do
		# shellcheck disable=SC2086 # words
		subsystem $number ${commands[number]}
	done
	user=sdb$$
	user_add "$user" /bin/bash > /dev/null 2>&1 || stop 'error no user'
	[ ! -e "$SD_PAM" ] || pam=yes
	sshd_start $pam 2> "$place/why" || stop "error no sshd: $(cat "$place/why")"
	mapfile -t options < <(ssh_options)
	# The scratch directory need not be where programs may run.
	files=$scratch/sshd
	source=$files/source
	part=$files/part
	target=$files/target
	mkdir -p "$files" && chown "$user" "$files" && head -c "${mib}M" /dev/urandom > "$source" ||
		stop 'error no space'
}

# client SUBSYSTEM NUMBER LINE: logs in, waits for the others, transfers.
client() {
	SHELL=/bin/sh sftp -q -s "$1" "${options[@]}" -b - "$user@127.0.0.1" > "$place/sftp.log.$2" 2>&1 <<- END
		!touch $place/ready.$2; until [ -e $place/go ] || [ ! -e $place/ready.$2 ]; do sleep 0.01; done
		$3
		!date +%s%N > $place/ended.$2
	END
}

# all_ready COUNT
all_ready() {
	local ready pid
	for ((;;)); do
		ready=("$place"/ready.*)
		[ ! -e "${ready[0]}" ] || [ ${#ready[@]} -lt "$1" ] || return 0
		for pid in "${clients[@]}"; do
			kill -0 "$pid" 2> /dev/null || return 1
		done
		sleep 0.01
	done
}

# move get|put SUBSYSTEM COUNT: sets $seconds.
move() {
	local number began elapsed from=$source
	clients=()
	[ "$3" = 1 ] || from=$part
	rm -f "$target".* "$place"/{ready,ended,sftp.log}.* "$place/go"
	[ "$3" = 1 ] || head -c "$((mib / $3))M" "$source" > "$part" || stop 'error no space'
	for number in $(seq "$3"); do
		client "$2" "$number" "$1 $from $target.$number" &
		clients+=($!)
	done
	all_ready "$3" || stop "error sftp: $(tail -qn 3 "$place"/sftp.log.*)"
	began=$(date +%s%N)
	touch "$place/go"
	for number in $(seq "$3"); do
		wait "${clients[number - 1]}" || stop "error sftp: $(tail -n 3 "$place/sftp.log.$number")"
	done
	for number in $(seq "$3"); do
		cmp "$from" "$target.$number" > "$place/cmp.log" 2>&1 || stop "error $1 $2: the copy is wrong"
	done
	elapsed=$(($(sort -n "$place"/ended.* | tail -n 1) - began))
	printf -v seconds '%d.%09d' $((elapsed / 1000000000)) $((elapsed % 1000000000))
	rm -f "$target".*
}

begin
echo ok
while read -r direction side count; do
	case "$direction $side $count" in
	get\ [AB]\ [1-9] | put\ [AB]\ [1-9]) move "$direction" "$side" "$count" ;;
	*) stop "error unknown request $direction $side $count" ;;
	esac
	echo "ok $seconds"
done
