#!/bin/bash
# bench: transfers through a private sshd that has both servers as subsystems, with the stock client.
#
#     through_sshd.sh BUILD SCRATCH MIB COMMAND-A COMMAND-B
#
# Says "ok" when it is ready, then answers each line "get A", "put B" and so on by "ok SECONDS", from
# the client's beginning the transfer to its end; login is not part of it.  Every byte is compared.
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
	target=$files/target
	mkdir -p "$files" && chown "$user" "$files" && head -c "${mib}M" /dev/urandom > "$source" ||
		stop 'error no space'
}

# transfer SUBSYSTEM LINE: sets $seconds.
transfer() {
	sftp -q -s "$1" "${options[@]}" -b - "$user@127.0.0.1" > "$place/sftp.log" 2>&1 <<- END
		!date +%s%N > $place/began
		$2
		!date +%s%N > $place/ended
	END
	[ $? = 0 ] || stop "error sftp: $(tail -n 3 "$place/sftp.log")"
	seconds=$(awk '{ t[NR] = substr($0, 1, length($0) - 9); n[NR] = substr($0, length($0) - 8) }
		END { printf "%.6f", t[2] - t[1] + (n[2] - n[1]) / 1e9 }' "$place/began" "$place/ended")
}

# move get|put SUBSYSTEM
move() {
	rm -f "$target"
	transfer "$2" "$1 $source $target"
	cmp "$source" "$target" > "$place/cmp.log" 2>&1 || stop "error $1 $2: the copy is wrong"
}

begin
echo ok
while read -r direction side; do
	case "$direction $side" in
	get\ [AB] | put\ [AB]) move "$direction" "$side" ;;
	*) stop "error unknown request $direction $side" ;;
	esac
	echo "ok $seconds"
done
