#!/bin/bash
# tests: below tinysshd, without the PAM module.  It has one session on a connection and serves as root, so
# the sessions have no siblings, and a connection is its client's to end.  G1, G3, G4, G5, G8, G9.
# shellcheck source=tests/support/e2e.sh
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/hosts.sh
. "$top_srcdir/tests/support/hosts.sh"

command -v tinysshd tinysshd-makekey > /dev/null || skip_all 'needs tinysshd (Debian: tinysshd)'
command -v tcpserver > /dev/null || skip_all 'needs tcpserver (Debian: ucspi-tcp)'
command -v jq > /dev/null || skip_all 'needs jq'

# It takes no key from below a directory that others may write, as /tmp is.
e2e_begin /var/lib
policy "$HOST_POLICY"
subsystem_write
host_siblings=no
for shell in bash dash; do
	test_user "${shell:0:1}" $shell
	authorize "$user"
	host="tinysshd, $shell"
	need tinysshd_start
	host_scenario
	sshd_stop
done
e2e_end
