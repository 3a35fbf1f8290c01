#!/bin/bash
# tests: what belongs to one user is nothing to another: an order for one leaves the other alone, and no
# user reads another's members file.  The operator sees both, as JSON too.  G3, G5, G6; with the PAM module
# and without.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

SIZE=8388608
STEP=1048576

e2e_begin
policy 'default = { drain = "transfer"; linger = "300ms"; deadline = "5m"; };'
test_user a bash
alice=$user
test_user b dash
bob=$user

# as USER COMMAND...
as() {
	setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}

cannot() {
	! "$@"
}

# users_apart PAM
users_apart() {
	label=$([ "$1" = yes ] && echo PAM || echo 'no PAM')
	need sshd_start "$1"
	client_open a "$alice" || die "no connection: $answer"
	client_open b "$bob" || die "no connection: $answer"
	session_open a "$alice"
	alice_pid=$session_pid
	session_open b "$bob"
	bob_pid=$session_pid
	must a put 1 from-alice $SIZE 1
	must b put 1 from-bob $SIZE 2
	must a step 1 $STEP
	must b step 1 $STEP

	control list
	is "$label: G6: list succeeds" "$status" 0
	for name in "$alice" "$bob"; do
		like "$label: G6: list shows $name" "$output" "$name"
	done

	control list --json
	is "$label: G6: list --json succeeds" "$status" 0
	json=$output
	if command -v jq > /dev/null; then
		check 'G6: list --json is valid' jq -e . <<< "$json"
		is 'G6: it has the two users' "$(jq -r '[.connections[].user] | sort | join(" ")' <<< "$json")" \
			"$(printf '%s\n' "$alice" "$bob" | sort | paste -sd ' ')"
		is 'G6: it has the uids' "$(jq -r '[.connections[].uid] | sort | join(" ")' <<< "$json")" \
			"$( (id -u "$alice"; id -u "$bob") | sort -n | paste -sd ' ')"
		is 'G6: it has the sessions, by pid' "$(jq -r '[.connections[].sessions[].pid] | sort | join(" ")' <<< "$json")" \
			"$(printf '%s\n' "$alice_pid" "$bob_pid" | sort -n | paste -sd ' ')"
		like 'G6: it has the open files' "$(jq -r ".connections[] | select(.user == \"$alice\") | .sessions[0].files[0].path" <<< "$json")" 'from-alice$'
		is 'G6: it has how far they are' "$(jq -r ".connections[] | select(.user == \"$bob\") | .sessions[0].files[0].offset" <<< "$json")" $STEP
		is 'G6: the ids are distinct' "$(jq -r '.connections[].id' <<< "$json" | sort -u | wc -l)" 2
	elif command -v python3 > /dev/null; then
		check 'G6: list --json is valid' python3 -m json.tool <<< "$json"
	else
		skip 'G6: list --json is valid' 'needs jq or python3'
	fi

	bobs_file=$(find "$shmdir" "$shmdir"-* -user "$bob" -type f -name '*.*' 2> /dev/null)
	alices_file=$(find "$shmdir" "$shmdir"-* -user "$alice" -type f -name '*.*' 2> /dev/null)
	check "$label: G6: each user has a members file" test -n "$bobs_file" -a -n "$alices_file"
	check "$label: G6: a user opens his own members file" as "$bob" head -c 1 "$bobs_file"
	check "$label: G6: nobody else opens it" [ "$(as "$alice" head -c 1 "$bobs_file" 2> /dev/null | wc -c)" = 0 ]
	check "$label: G6: nor the other way round" [ "$(as "$bob" head -c 1 "$alices_file" 2> /dev/null | wc -c)" = 0 ]
	check "$label: G6: a user cannot list the members files" cannot as "$alice" ls "${bobs_file%/*}"
	check "$label: G6: a user cannot remove another's" cannot as "$bob" rm -f "$alices_file"
	[ "$1" = no ] ||
		check "$label: G6: nor a registered one at all" cannot as "$alice" rm -f "$alices_file"
	check "$label: G6: a user cannot write the table" cannot as "$alice" dd if=/dev/zero of="$rundir/table" count=1 conv=notrunc
	check "$label: G6: a user cannot give an order" cannot as "$alice" "$control" --config "$config" \
		--rundir "$rundir" --shmdir "$shmdir" close "user=$bob"

	control close "user=$alice" --message 'Alice only.'
	is "$label: G5: close user= succeeds" "$status" 0
	refused "$label: G3: the user gets no new session on the connection" 'Alice only' a session
	client_open a2 "$alice" || die "no connection: $answer"
	refused "$label: G3: nor on a new connection" 'Alice only' a2 session
	client_close a2
	session_open b "$bob"
	pass "$label: G6: the other user gets a new session"
	must b put 2 second $SIZE 3
	asks "$label: G6: and transfers on it" b finish 2
	file_is 'G6: rightly' "$place/home/$bob/second" $SIZE 3
	asks "$label: G1: the closed user completes the transfer" a finish 1
	control wait "user=$alice"
	is "$label: G5: wait user= ends cleanly" "$status" 0
	asks "$label: G1: the connection is gone" a gone $((PATIENCE * 1000))
	file_is 'G1: the transfer is whole' "$place/home/$alice/from-alice" $SIZE 1
	asks "$label: G6: the other user's transfer goes on" b finish 1
	file_is 'G6: and is whole' "$place/home/$bob/from-bob" $SIZE 2
	asks "$label: G6: the other user's connection is there" b alive
	is "$label: G6: and stays" "$answer" 'ok yes'
	control wait "user=$bob" --timeout 300ms
	is "$label: G5: wait on the other user times out: the sessions live" "$status" 4
	client_close a
	client_close b
	leaves_nothing "$label"
	sshd_stop
	rm -rf "$place"/home/*/* "$rundir" "$shmdir" "$shmdir"-*
}

users_apart yes
users_apart no
e2e_end
