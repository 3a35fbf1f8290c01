#!/bin/bash
# tests: github.com/pkg/sftp, of Go.  G10.
# shellcheck source=tests/support/e2e.sh
# shellcheck disable=SC2317 # functions are called through check
. "${top_srcdir:?set by make check}/tests/support/e2e.sh"
# shellcheck source=tests/support/scenario.sh
. "$top_srcdir/tests/support/scenario.sh"
# shellcheck source=tests/support/scenario_program.sh
. "$top_srcdir/tests/support/scenario_program.sh"

GO_SOURCES=/usr/share/gocode
PACKAGE=golang-github-pkg-sftp-dev

needs go golang-go
[ -d $GO_SOURCES/src/github.com/pkg/sftp ] || skip_all "needs pkg/sftp (Debian: $PACKAGE)"
scenario_begin pkg/sftp
program_can put get put_times get_times reput reget list glob rename remove mkdir rmdir chmod symlink
can_put_tree() { tree_put "$@"; }
can_get_tree() { tree_get "$@"; }

# From Debian's sources only.
build() {
	GO111MODULE=off GOFLAGS='' GOPATH=$GO_SOURCES GOCACHE=$place/gocache \
		timeout -k 5 600 go build -o "$place/bin/pkg_sftp_client" \
		"$top_srcdir/tests/e2e/clients/pkg_sftp_client.go"
}

need build
program_start "$place/bin/pkg_sftp_client"
scenario_run
check 'G10: pkg/sftp: rename over a file that is there' program_ask posix_rename old whole
same_file 'the file has taken the place' "$home/whole" "$local_dir/old"
check 'G10: pkg/sftp: hard link' program_ask link whole hard
check 'G10: pkg/sftp: the hard link is one' test "$home/hard" -ef "$home/whole"
is 'G10: pkg/sftp: the capacity' "$(program_ask capacity .)" "$(stat -f -c %b:%S "$home")"
program_end
scenario_end
