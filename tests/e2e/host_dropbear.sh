#!/bin/bash
# tests: below dropbear, without the PAM module.  As Debian 12 has it dropbear serves a connection as root,
# whom a user cannot signal; one that runs as its user shows the rest.  G1, G3, G4, G5, G8, G9.
# DROPBEAR names another dropbear: from 2025.89 on it serves as the user.
# shellcheck source=tests/support/e2e.sh
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/hosts.sh
. "$top_srcdir/tests/support/hosts.sh"

command -v "$DROPBEAR" dropbearkey > /dev/null || skip_all 'needs dropbear (Debian: dropbear-bin)'
command -v jq > /dev/null || skip_all 'needs jq'
unshare --mount true 2> /dev/null || skip_all 'needs a mount namespace of its own'
[ -e "$(dropbear_subsystem)" ] || skip_all "needs $(dropbear_subsystem) to put the server over (Debian: openssh-sftp-server)"

e2e_begin
policy "$HOST_POLICY"
subsystem_write
host_siblings=yes
# variant SHELL root|user: the login shell, and as whom dropbear runs.
variant() {
	test_user "${1:0:1}${2:0:1}" "$1"
	authorize "$user"
	host="dropbear as $2, $1"
	if [ "$2" = root ]; then
		need dropbear_start
	else
		need dropbear_start "$user"
	fi
	host_scenario
	sshd_stop
}

variant bash root
variant bash user
variant dash user
e2e_end
