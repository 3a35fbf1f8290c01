# contrib: builds outside the source tree.  Sourced by quickstart and check, from the top of the tree.
# shellcheck shell=bash

# Makes configure where it is missing or older than what it is made from.
bootstrap() {
	if [ ! -x configure ] || [ configure.ac -nt configure ] || [ ! -f build-aux/tap-driver.sh ]; then
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
