# contrib: builds outside the source tree.  Sourced by quickstart and check, from the top of the tree.
# shellcheck shell=bash

# Makes configure where it is missing or older than what it is made from.  (make would do the latter too,
# but with the versions of the tools that made it first.)
bootstrap() {
	if [ ! -x configure ] || [ ! -f build-aux/tap-driver.sh ] ||
		[ -n "$(find configure.ac Makefile.am module pam tests contrib \
			\( -name configure.ac -o -name '*.am' -o -name local.mk \) -newer Makefile.in)" ]; then
		./autogen.sh
	fi
}

# build_in DIRECTORY CONFIGURE-OPTION...: configures once (make does it again when it must), builds.
build_in() {
	local directory=$1 top=$PWD
	shift
	mkdir -p "$directory" || return 1
	# Options that have changed since mean a new start.
	if [ "$(cat "$directory/options" 2> /dev/null)" != "$*" ] || [ ! -f "$directory/Makefile" ]; then
		rm -rf "$directory" && mkdir -p "$directory" || return 1
		(cd "$directory" && "$top/configure" -q "$@") || return 1
		echo "$*" > "$directory/options"
	fi
	make -C "$directory" -s -j "$(nproc)"
}
