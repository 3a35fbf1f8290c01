#!/bin/bash
# tests: below OpenSSH's sshd, with the PAM module and without PAM: what the tests of the other hosts show.
# G1, G3, G4, G5, G8, G9.
# shellcheck source=tests/support/e2e.sh
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/hosts.sh
. "$top_srcdir/tests/support/hosts.sh"

command -v jq > /dev/null || skip_all 'needs jq'

e2e_begin
policy "$HOST_POLICY"
host_siblings=yes
test_user a bash
for pam in yes no; do
	host="sshd, UsePAM $pam"
	need sshd_start $pam
	host_scenario
	sshd_stop
	rm -rf "${home:?}"/* "$rundir" "$shmdir" "$shmdir"-*
done
e2e_end
