#!/bin/bash
# tests: logins that the policy refuses, and how the client is told: by public key, by password and by
# keyboard-interactive, of root and of others; rules for addresses and keys, certificates and several keys
# included; a configuration that is broken.  Through a real sshd.  G3: who is refused, and is told so; G10: who
# is let in as before.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2034 # what is set here is read by the harness
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"

PASSWORD=a-pass-word-of-the-test

e2e_begin
test_user a bash
alice=$user
need usermod -p "$(openssl passwd -6 "$PASSWORD")" "$alice"
# Answers with the password, and notes that it was asked.
printf '#!/bin/sh\necho asked >> %s/asked\necho %s\n' "$place" "$PASSWORD" > "$place/askpass"
chmod 755 "$place/askpass"

by_key=(-o PreferredAuthentications=publickey)
passwords=(-o BatchMode=no -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1)
by_password=(-o PreferredAuthentications=password "${passwords[@]}")
by_dialogue=(-o PreferredAuthentications=keyboard-interactive "${passwords[@]}")
key=userkey # below $place

# log_in USER OPTION...: runs a command there; sets $output to all that the client shows, and $status.  For
# the client the first of its options counts.
log_in() {
	local common
	mapfile -t common < <(ssh_options | sed "s|/userkey\$|/$key|")
	rm -f "$place/asked"
	# shellcheck disable=SC2016 # the variable is the server's
	output=$(SSH_ASKPASS=$place/askpass SSH_ASKPASS_REQUIRE=force DISPLAY=none \
		timeout "$PATIENCE" ssh -o LogLevel=INFO "${@:2}" "${common[@]}" "$1@127.0.0.1" \
		'echo in; echo "$SFTP_DRAIN_CONNECTION"' < /dev/null 2>&1)
	status=$?
}

lets_in() {
	if grep -qx in <<< "$output" && grep -qxE '[0-9]+\.[0-9]+' <<< "$output"; then
		pass "G10: $1"
	else
		fail "G10: $1" "$output"
	fi
}

keeps_out() {
	if [ "$status" != 0 ] && ! grep -qx in <<< "$output"; then
		pass "G3: $1"
	else
		fail "G3: $1" "$output"
	fi
	[ $# -lt 2 ] || like "G3: $1, and says why" "$output" "$2"
}

asked() {
	wc -l < "$place/asked" 2> /dev/null || echo 0
}

drain() {
	control close --message 'Back at noon.'
	[ "$status" = 0 ] || die "close: $output"
}

reopen() {
	control reopen
	[ "$status" = 0 ] || die "reopen: $output"
}

# every_way DESCRIPTION lets_in|keeps_out [TEXT]
every_way() {
	log_in "$alice" "${by_key[@]}"
	"$2" "$1: by key" "${@:3}"
	log_in root "${by_key[@]}"
	"$2" "$1: root, by key" "${@:3}"
	log_in "$alice" "${by_password[@]}"
	"$2" "$1: by password"
	log_in "$alice" "${by_dialogue[@]}"
	"$2" "$1: keyboard-interactive" "${@:3}"
}

start() {
	rm -f "/etc/pam.d/$service"
	need sshd_start yes
}

pam_auth='requisite SD_PAM
required pam_unix.so'
sshd_extra="PasswordAuthentication yes
KbdInteractiveAuthentication yes
PermitRootLogin prohibit-password
AllowUsers root"
cp "$place/userkey.pub" "$place/keys/root"
start

# while_draining

policy 'default = { while_draining = "refuse-login"; };'
every_way 'no drain' lets_in
drain
every_way 'refuse-login' keeps_out 'server is draining: Back at noon'
is 'G3: nobody is asked for a password that is of no use' "$(asked)" 0
policy 'default = { while_draining = "refuse-login"; };
rules = ( { match = { address = [ "10.0.0.0/8", "127.0.0.0/8" ]; }; while_draining = "admit"; } );'
every_way 'a rule for the address' lets_in
policy 'default = { while_draining = "refuse-login"; };
rules = ( { match = { address = [ "*", "!127.0.0.1" ]; }; while_draining = "admit"; } );'
log_in "$alice" "${by_key[@]}"
keeps_out 'an address that is taken out of a rule' 'server is draining'
policy 'default = { };'
every_way 'by default' lets_in

# keys

fingerprint() {
	ssh-keygen -lf "$1" | awk '{ print $2 }'
}

need ssh-keygen -q -t ecdsa -N '' -f "$place/second"
need ssh-keygen -q -t ed25519 -N '' -f "$place/ca"
need ssh-keygen -q -t rsa -b 2048 -N '' -f "$place/third"
need ssh-keygen -q -s "$place/ca" -I test -n "$alice" -V +1d "$place/third.pub"
{
	cat "$place/userkey.pub" "$place/second.pub"
	echo "cert-authority $(cat "$place/ca.pub")"
} > "$place/keys/$alice"

# with_key NAME OPTION...
with_key() {
	local key=$1
	log_in "$alice" "${by_key[@]}" "${@:2}"
}

policy "default = { while_draining = \"refuse-login\"; };
rules = ( { match = { key = \"$(fingerprint "$place/second.pub")\"; }; while_draining = \"admit\"; } );"
with_key second
lets_in 'a rule for the key'
with_key userkey
keeps_out 'another key'
policy "default = { while_draining = \"refuse-login\"; };
rules = ( { match = { key = \"$(fingerprint "$place/third-cert.pub")\"; }; while_draining = \"admit\"; } );"
with_key third -o "CertificateFile=$place/third-cert.pub"
lets_in 'a rule for the key of a certificate'
policy "default = { while_draining = \"refuse-login\"; };
rules = ( { match = { key = \"$(fingerprint "$place/ca.pub")\"; }; while_draining = \"admit\"; } );"
with_key third -o "CertificateFile=$place/third-cert.pub"
keeps_out 'who has signed it does not count'
reopen
sshd_stop
sshd_extra="AuthenticationMethods publickey,publickey"
start
drain
policy "default = { while_draining = \"refuse-login\"; };
rules = ( { match = { key = [ \"*\", \"!$(fingerprint "$place/userkey.pub")\" ]; }; while_draining = \"admit\"; } );"
with_key second -i "$place/third" -o "CertificateFile=$place/third-cert.pub"
lets_in 'two keys that a rule is for'
with_key second -i "$place/userkey"
keeps_out 'two keys, of which one is taken out'
reopen

# max_connections: the account hook of a keyboard-interactive login runs in a child of the monitor

sshd_stop
sshd_extra="KbdInteractiveAuthentication yes"
start
policy 'default = { max_connections = 1; };'
log_in "$alice" "${by_dialogue[@]}"
lets_in 'the only connection, keyboard-interactive'
client_open c "$alice" || die "no connection: $answer"
log_in "$alice" "${by_dialogue[@]}"
keeps_out 'one connection too many, keyboard-interactive'
log_in "$alice" "${by_key[@]}"
keeps_out 'one connection too many, by key' 'too many connections of this user'
client_close c
poll "$PATIENCE" lists_nothing
log_in "$alice" "${by_key[@]}"
lets_in 'it has gone, so there is room'

# on_error, and a table that cannot be used

policy 'default = { max_connections = few; };'
log_in "$alice" "${by_key[@]}"
lets_in 'a broken configuration locks nobody out'
sshd_stop
pam_options=on_error=refuse
start
log_in "$alice" "${by_key[@]}"
keeps_out 'on_error=refuse' "this server's configuration is broken"
pam_options=
policy 'default = { required = true; };'
sshd_stop
start
log_in "$alice" "${by_key[@]}"
lets_in 'required, and the table can be used'
# Its end needs the table.
poll "$PATIENCE" lists_nothing
chmod 777 "$rundir"
log_in "$alice" "${by_key[@]}"
keeps_out 'required, and the table cannot be used' 'this server cannot register the connection'
policy 'default = { };'
log_in "$alice" "${by_key[@]}"
is 'G10: by default that keeps nobody out' "$status" 0
chmod 755 "$rundir"
: > "$sshd_log"
expected_errors=':1: syntax error; (the built-in policy applies|logins are refused)|session table in .*: Operation not permitted'
leaves_nothing 'logins'
e2e_end
