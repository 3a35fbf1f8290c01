# tests: what every SFTP client is put through, whatever it is; sourced after e2e.sh by the tests
# tests/e2e/client_*.sh.  Such a test says only how its client does a thing, as functions:
#
#     can_put LOCAL REMOTE              can_put_times    the same, and the time of the last change
#     can_get REMOTE LOCAL              can_get_times
#     can_reput LOCAL REMOTE            the rest of a file whose beginning is there
#     can_reget REMOTE LOCAL
#     can_put_tree LOCAL REMOTE         a directory, to or from one that is not there yet
#     can_get_tree REMOTE LOCAL
#     can_list REMOTE                   prints a directory's names, one a line; . and .. do not count
#     can_glob REMOTE LOCAL             gets the files that match, into a directory that is there
#     can_rename FROM TO                can_remove PATH
#     can_mkdir PATH                    can_rmdir PATH
#     can_chmod MODE PATH               can_symlink TARGET PATH
#
# Local paths are absolute, remote ones relative to the home.  What a client cannot do stands in $lacks:
# a case is left out by decision, never by a slip of the pen.
# Never looks at what a client says of itself: the files on both sides are compared, by SHA-256.
# shellcheck shell=bash
# shellcheck disable=SC2154 # the harness's variables
# shellcheck disable=SC2016 # '$HOME' is a name
# shellcheck disable=SC2317 # functions are called through check

VERBS='put get put_times get_times reput reget put_tree get_tree list glob
	rename remove mkdir rmdir chmod symlink'
BIG=20000000
OLD='2001-02-03 04:05:06 UTC'
# What clients and shells may take for something else.
ODD_NAMES=('two words' '-dash' 'ümläut 日本語' 'star*' 'quest?ion' '[brackets]' "quote'"
	'double"quote' 'back\slash' '#hash' '100%41' '~tilde' ' leading' 'trailing ' '.hidden' '$HOME' 'a;b&c|d')

client=     # its name, in each description
lacks=      # the verbs that it has not
local_dir=  # what is sent, and where what is fetched goes
home=       # the user's, where the server starts
known_hosts=  # the host's key
ssh_config=   # all that OpenSSH's programs need, for their -F

# needs PROGRAM PACKAGE
needs() {
	command -v "$1" > /dev/null || skip_all "needs $1 (Debian: $2)"
}

# needs_python MODULE: sets $python to an interpreter that has it.  Another may come first in the PATH.
needs_python() {
	for python in python3 /usr/bin/python3; do
		! "$python" -W ignore -c "import $1" 2> /dev/null || return 0
	done
	skip_all "needs python3 with $1 (Debian: python3-$1)"
}

# scenario_begin NAME: a private sshd and what is to be sent.  Only errors are logged by the sessions,
# so that whatever is in their log is one.
scenario_begin() {
	client=$1
	e2e_begin
	# shellcheck disable=SC2034 # for the sshd's configuration
	sessions_level=${SESSIONS_LEVEL:-ERROR}
	policy 'default = { deadline = "5m"; };'
	test_user a bash
	home=$place/home/$user
	local_dir=$place/local
	need sshd_start yes
	known_hosts=$place/client/.ssh/known_hosts
	ssh_config=$place/client/ssh_config
	mkdir -p "$local_dir" "${known_hosts%/*}"
	echo "[127.0.0.1]:$sshd_port $(cut -d ' ' -f 1,2 "$place/hostkey.pub")" > "$known_hosts"
	ssh_config_write
	# Neither the settings nor the keys of who runs the test.
	export HOME=$place/client LC_ALL=C.UTF-8
	unset SSH_AUTH_SOCK XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME
	need fixture_make
}

fixture_make() {
	local name i
	: > "$local_dir/empty"
	printf x > "$local_dir/one"
	"$support/pattern" write "$local_dir/big" $BIG 21 || return 1
	mkdir -p "$local_dir/tree/sub/deep" "$local_dir/tree/two words/-sub" "$local_dir/tree/no files"
	for name in "${ODD_NAMES[@]}"; do
		[ -d "$local_dir/tree/$name" ] || echo "$name" > "$local_dir/tree/$name"
	done
	for i in {1..12}; do
		"$support/pattern" write "$local_dir/tree/sub/deep/$i" $((i * 7919)) "$i" || return 1
	done
	: > "$local_dir/tree/sub/nothing"
	echo below > "$local_dir/tree/two words/-sub/*"
	head -c 300000 "$local_dir/big" > "$local_dir/old"
	touch -d "$OLD" "$local_dir/old"
	# Somebody else's machine: nothing that the tests would notice comes from the same file.
	cp -r "$local_dir/tree" "$home/theirs"
	mkdir "$home/globs"
	for name in a.txt 'b c.txt' -d.txt e.data; do
		echo "$name" > "$home/globs/$name"
	done
	chown -R "$user:$user" "$home"
}

# For what is OpenSSH's, or runs its ssh.
ssh_config_write() {
	cat > "$ssh_config" <<-END
		Port $sshd_port
		IdentityFile $place/userkey
		IdentitiesOnly yes
		IdentityAgent none
		BatchMode yes
		StrictHostKeyChecking yes
		UserKnownHostsFile $known_hosts
		GlobalKnownHostsFile /dev/null
		LogLevel ERROR
	END
}

# A client that hangs is a failure, not the end of the test.
bounded() {
	timeout -k 5 "$PATIENCE" "$@" < /dev/null
}

# does DESCRIPTION VERB ARGUMENT...
does() {
	check "G10: $client: $1" "can_$2" "${@:3}"
}

lacks_verb() {
	case " $lacks " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# Each verb is either there or known to be lacking.
verbs_are_declared() {
	local verb wrong=
	for verb in $VERBS; do
		if declare -F "can_$verb" > /dev/null; then
			! lacks_verb "$verb" || wrong+=" $verb"
		else
			lacks_verb "$verb" || wrong+=" $verb"
		fi
	done
	[ -z "$wrong" ] || die "$client: neither done nor lacking, or both:$wrong"
	[ -z "$lacks" ] || note "$client cannot: $lacks"
}

sha256() {
	sha256sum < "$1"
}

# same_file DESCRIPTION FILE FILE
same_file() {
	is "G10: $client: $1" "$(sha256 "$2" 2>&1)" "$(sha256 "$3")"
}

# Every directory, and every file with its sum.
sums() {
	(
		cd "$1" && find . -type d | LC_ALL=C sort &&
			find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
	)
}

# same_tree DESCRIPTION DIRECTORY DIRECTORY
same_tree() {
	is "G10: $client: $1" "$(sums "$2" 2>&1)" "$(sums "$3")"
}

scenario_files() {
	local name
	for name in empty one big; do
		does "put $name" put "$local_dir/$name" "$name"
		same_file "the upload of $name is right" "$home/$name" "$local_dir/$name"
		does "get $name" get "$name" "$local_dir/$name.back"
		same_file "the download of $name is right" "$local_dir/$name.back" "$local_dir/$name"
	done
	# What was longer is cut.
	does 'put over a longer file' put "$local_dir/one" big
	same_file 'the upload over a longer file is right' "$home/big" "$local_dir/one"
	if output=$(can_get nothing "$local_dir/nothing" 2>&1); then
		fail "G10: $client: a get of what is not there fails" "$output"
	else
		pass "G10: $client: a get of what is not there fails"
	fi
}

scenario_trees() {
	if ! lacks_verb put_tree; then
		does 'put a tree' put_tree "$local_dir/tree" ours
		same_tree 'the tree is right on the server' "$home/ours" "$local_dir/tree"
	fi
	if ! lacks_verb get_tree; then
		does 'get a tree' get_tree theirs "$local_dir/theirs"
		same_tree 'the tree is right here' "$local_dir/theirs" "$home/theirs"
	fi
}

names_in() {
	find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | LC_ALL=C sort
}

scenario_names() {
	local listed
	if ! lacks_verb list; then
		listed=$(can_list theirs 2> "$place/list.stderr" | grep -vxE '\.\.?' | LC_ALL=C sort)
		is "G10: $client: lists odd names" "$listed" "$(names_in "$home/theirs")"
		[ ! -s "$place/list.stderr" ] || note "$(cat "$place/list.stderr")"
	fi
	if ! lacks_verb glob; then
		mkdir "$local_dir/globs"
		does 'get what matches a pattern' glob 'globs/*.txt' "$local_dir/globs"
		is "G10: $client: what matched is here" "$(names_in "$local_dir/globs")" $'-d.txt\na.txt\nb c.txt'
		same_file 'and is right' "$local_dir/globs/b c.txt" "$home/globs/b c.txt"
	fi
}

scenario_resume() {
	if ! lacks_verb reput; then
		head -c 7654321 "$local_dir/big" > "$home/part"
		chown "$user" "$home/part"
		does 'resume an upload' reput "$local_dir/big" part
		same_file 'the resumed upload is right' "$home/part" "$local_dir/big"
	fi
	if ! lacks_verb reget; then
		cp "$local_dir/big" "$home/whole"
		chown "$user" "$home/whole"
		head -c 1234567 "$local_dir/big" > "$local_dir/part"
		does 'resume a download' reget whole "$local_dir/part"
		same_file 'the resumed download is right' "$local_dir/part" "$home/whole"
	fi
}

mtime() {
	stat -c %Y "$1"
}

scenario_times() {
	if ! lacks_verb put_times; then
		does 'put with its time' put_times "$local_dir/old" old
		is "G10: $client: the time has come along" "$(mtime "$home/old" 2>&1)" "$(date -d "$OLD" +%s)"
		same_file 'and the file' "$home/old" "$local_dir/old"
	fi
	if ! lacks_verb get_times; then
		cp -p "$local_dir/old" "$home/older"
		does 'get with its time' get_times older "$local_dir/older"
		is "G10: $client: the time has come back" "$(mtime "$local_dir/older" 2>&1)" "$(date -d "$OLD" +%s)"
		same_file 'and the file' "$local_dir/older" "$home/older"
	fi
}

# Whether a path is in the home, or not any more.
there() {
	[ -e "$home/$1" ]
}

not_there() {
	[ ! -e "$home/$1" ]
}

scenario_changes() {
	if ! lacks_verb mkdir; then
		does mkdir mkdir 'new dir'
		check "G10: $client: the directory is there" test -d "$home/new dir"
	fi
	if ! lacks_verb rename; then
		does rename rename one 'renamed one'
		check "G10: $client: the new name is there" there 'renamed one'
		check "G10: $client: the old one is not" not_there one
	fi
	if ! lacks_verb chmod; then
		does chmod chmod 640 empty
		is "G10: $client: the mode" "$(stat -c %a "$home/empty")" 640
	fi
	if ! lacks_verb symlink; then
		does symlink symlink empty 'the link'
		is "G10: $client: the link's target" "$(readlink "$home/the link")" empty
	fi
	if ! lacks_verb remove; then
		does remove remove big
		check "G10: $client: the file is gone" not_there big
	fi
	if ! lacks_verb rmdir; then
		install -d -o "$user" "$home/old dir"
		does rmdir rmdir 'old dir'
		check "G10: $client: the directory is gone" not_there 'old dir'
	fi
}

scenario_run() {
	verbs_are_declared
	scenario_files
	scenario_trees
	scenario_names
	scenario_resume
	scenario_times
	scenario_changes
}

# Every client has said goodbye by now.
scenario_end() {
	leaves_nothing "$client"
	is "G10: $client: the sessions have logged no error" "$(cat "$sessions_log")" ''
	e2e_end
}
