#!/bin/bash
# tests: sshfs, a file system by way of ssh.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"

needs sshfs sshfs
{ : <> /dev/fuse; } 2> /dev/null || skip_all 'needs /dev/fuse'
scenario_begin sshfs
mnt=$place/mnt
mkdir "$mnt"

# Also when nothing answers there any more.
is_mounted() {
	grep -qF " $mnt " /proc/self/mountinfo
}

# Before what is below it is removed.  When the connection is gone, lazily.
unmount() {
	! is_mounted || umount "$mnt" 2> /dev/null || umount -l "$mnt"
}

trap 'unmount; e2e_cleanup' EXIT

# A program that has closed its file has it on the server: sshfs awaits the answers.
can_put() { bounded cp "$1" "$mnt/$2"; }
can_get() { bounded cp "$mnt/$1" "$2"; }
can_put_times() { bounded cp --preserve=timestamps "$1" "$mnt/$2"; }
can_get_times() { bounded cp --preserve=timestamps "$mnt/$1" "$2"; }
can_put_tree() { bounded cp -r "$1" "$mnt/$2"; }
can_get_tree() { bounded cp -r "$mnt/$1" "$2"; }
can_list() { bounded ls -1a "$mnt/$1"; }
can_glob() { bounded find "$mnt/${1%/*}" -name "${1##*/}" -exec cp {} "$2" \;; }
can_rename() { bounded mv -T "$mnt/$1" "$mnt/$2"; }
can_remove() { bounded rm "$mnt/$1"; }
can_mkdir() { bounded mkdir "$mnt/$1"; }
can_rmdir() { bounded rmdir "$mnt/$1"; }
can_chmod() { bounded chmod "$1" "$mnt/$2"; }
can_symlink() { bounded ln -s "$1" "$mnt/$2"; }

# can_reput FROM TO: in place, from the size that is there.
rest() {
	local have
	have=$(stat -c %s "$2") &&
		bounded dd if="$1" of="$2" bs=64K conv=notrunc iflag=skip_bytes oflag=seek_bytes \
			skip="$have" seek="$have"
}
can_reput() { rest "$1" "$mnt/$2"; }
can_reget() { rest "$mnt/$1" "$2"; }

# What a file system is asked for beside all that.
as_a_file_system() {
	check 'G10: sshfs: truncate to less' bounded truncate -s 1000001 "$mnt/part"
	is 'G10: sshfs: the size' "$(stat -c %s "$home/part")" 1000001
	head -c 1000001 "$local_dir/big" > "$local_dir/less"
	same_file 'the rest is as it was' "$home/part" "$local_dir/less"
	check 'G10: sshfs: truncate to more' bounded truncate -s 1500000 "$mnt/part"
	truncate -s 1500000 "$local_dir/less"
	same_file 'the new part is zero' "$home/part" "$local_dir/less"
	# shellcheck disable=SC2016 # for the inner shell
	check 'G10: sshfs: append' bounded sh -c 'cat "$1" >> "$2"' - "$local_dir/old" "$mnt/part"
	cat "$local_dir/old" >> "$local_dir/less"
	same_file 'the file and what was appended' "$home/part" "$local_dir/less"
	check 'G10: sshfs: rename over a file that is there' bounded mv -fT "$mnt/part" "$mnt/whole"
	same_file 'the file has taken the place' "$home/whole" "$local_dir/less"
	check 'G10: sshfs: the old name is gone' not_there part
	check 'G10: sshfs: hard link' bounded ln "$mnt/whole" "$mnt/hard"
	check 'G10: sshfs: the hard link is one' test "$home/hard" -ef "$home/whole"
	is 'G10: sshfs: readlink' "$(readlink "$mnt/the link")" empty
	check 'G10: sshfs: fsync' bounded sync "$mnt/whole"
	is 'G10: sshfs: the capacity' "$(stat -f -c %b:%S "$mnt")" "$(stat -f -c %b:%S "$home")"
}

check 'G10: sshfs: mount' bounded sshfs -F "$ssh_config" "$user@127.0.0.1:" "$mnt"
is_mounted || die 'not mounted'
scenario_run
as_a_file_system
check 'G10: sshfs: umount' umount "$mnt"
scenario_end
