# contrib: makes sure that the machine has what a build needs.  Sourced by quickstart and check.
# Never starts a service, and never turns one on that was not there.
# shellcheck shell=bash

complain() {
	printf '%s\n' "$*" >&2
}

# Runs a command as root: by sudo unless we are root.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -- "$@"
	fi
}

# What can be needed: how it is told that it is there, and the Debian package that brings it.
requirements() {
	cat <<-END
		program  cc            gcc
		header   stdio.h       libc6-dev
		program  make          make
		program  autoconf      autoconf
		program  automake      automake
		program  libtoolize    libtool
		program  pkg-config    pkg-config
		header   security/pam_modules.h  libpam0g-dev
		library  libconfig     libconfig-dev
		library  libcrypto     libssl-dev
		program  sshd          openssh-server
		program  sftp          openssh-client
		program  ss            iproute2
		program  ps            procps
	END
	[ "$1" = check ] || return 0
	cat <<-END
		library  libssh        libssh-dev
		library  criterion     libcriterion-dev
		library  fuse3         libfuse3-dev
		program  fusermount3   fuse3
		program  mandoc        mandoc
		program  clang-format  clang-format
		program  git           git
		program  jq            jq
		program  spin          spin
		program  xz            xz-utils
		program  lftp          lftp
		program  curl          curl
		program  sshfs         sshfs
		program  rclone        rclone
		program  psftp         putty-tools
		python   paramiko      python3-paramiko
		python   asyncssh      python3-asyncssh
		program  go            golang-go
		gopath   github.com/pkg/sftp  golang-github-pkg-sftp-dev
		program  dropbear      dropbear-bin
		program  tinysshd      tinysshd
		program  tcpserver     ucspi-tcp
	END
}

is_there() {
	case $1 in
	program) command -v "$2" || [ -x "/usr/sbin/$2" ] || [ -x "/sbin/$2" ] ;;
	header) printf '#include <stddef.h>\n#include <%s>\n' "$2" | cc -E - ;;
	library) pkg-config --exists "$2" ;;
	python) /usr/bin/python3 -c 'import sys, importlib.util as u; sys.exit(u.find_spec(sys.argv[1]) is None)' "$2" ;;
	gopath) [ -d "/usr/share/gocode/src/$2" ] ;;
	esac > /dev/null 2>&1
}

# Prints the lines of requirements that this machine does not meet.
missing_requirements() {
	local kind name package
	requirements "$1" | while read -r kind name package; do
		is_there "$kind" "$name" || echo "$kind $name $package"
	done
}

POLICY_RC_D=/usr/sbin/policy-rc.d
policy_rc_d_is_ours=

# While an SSH server is installed nothing may be started: this machine had none running before.
forbid_services() {
	[ ! -e "$POLICY_RC_D" ] || return 0
	policy_rc_d_is_ours=yes
	trap 'permit_services' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY_RC_D" > /dev/null &&
		as_root chmod 755 "$POLICY_RC_D"
}

permit_services() {
	[ -z "$policy_rc_d_is_ours" ] || as_root rm -f "$POLICY_RC_D"
	policy_rc_d_is_ours=
	trap - EXIT INT TERM
}

# What an SSH server's package would have started at boot.
units_of() {
	case $1 in
	openssh-server) echo ssh.service ssh.socket ;;
	tinysshd) echo tinysshd.socket ;;
	esac
}

# disable_services UNIT...: not to be started at the next boot either, by whatever init there is.
disable_services() {
	[ $# -gt 0 ] || return 0
	{
		! grep -qw ssh.service <<< "$*" || as_root update-rc.d ssh disable
		as_root deb-systemd-helper disable "$@"
		! command -v systemctl || as_root systemctl disable "$@"
	} > /dev/null 2>&1
	return 0
}

# Waits, not for ever, while somebody else installs something: a new machine's first boot, often.
APT_PATIENCE=300
apt() {
	as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=$APT_PATIENCE "$@"
}

# update_lists LOG.  For the lock on the lists apt-get does not wait by itself.
update_lists() {
	local until=$((SECONDS + APT_PATIENCE))
	until apt update > "$1" 2>&1; do
		grep -q 'Could not get lock' "$1" && [ $SECONDS -lt $until ] || return 1
		sleep 2
	done
}

# install_packages PACKAGE...
install_packages() {
	local package units=() log
	for package in "$@"; do
		# shellcheck disable=SC2207 # words
		units+=($(units_of "$package"))
	done
	[ ${#units[@]} = 0 ] || forbid_services || return 1
	log=$(mktemp) || return 1
	update_lists "$log" && apt install --no-install-recommends "$@" >> "$log" 2>&1
	local rc=$?
	permit_services
	disable_services "${units[@]}"
	[ $rc = 0 ] || tail -n 40 "$log" >&2
	rm -f "$log"
	return $rc
}

# Whether clang is there, and what it takes to fuzz with it.
can_fuzz() {
	echo 'int LLVMFuzzerTestOneInput(void *p, unsigned long n) { return !p && n; }' |
		clang -fsanitize=fuzzer,address,undefined -x c - -o /dev/null
} > /dev/null 2>&1

# Not a requirement: older releases have no such package, some machines no such runtime.
install_fuzzer() {
	can_fuzz && return
	command -v apt-get > /dev/null || return
	[ "$(id -u)" = 0 ] || command -v sudo > /dev/null || return
	echo 'Installing: clang libclang-rt-dev'
	install_packages clang libclang-rt-dev
}

# prepare_machine quickstart|check: installs what is missing, or says what it is and fails.
prepare_machine() {
	local missing packages
	missing=$(missing_requirements "$1")
	[ -n "$missing" ] || return 0
	if ! command -v apt-get > /dev/null; then
		complain 'Missing on this machine (and there is no apt-get to install it with):'
		complain "$(awk '{ printf "  %s %s (Debian: %s)\n", $1, $2, $3 }' <<< "$missing")"
		return 1
	fi
	if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then
		complain 'Run as root, or install sudo: packages are missing:'
		complain "$(awk '{ print "  " $3 }' <<< "$missing")"
		return 1
	fi
	mapfile -t packages < <(awk '{ print $3 }' <<< "$missing" | sort -u)
	echo "Installing: ${packages[*]}"
	install_packages "${packages[@]}" || return 1
	missing=$(missing_requirements "$1")
	[ -z "$missing" ] || { complain "Still missing after the installation: $missing"; return 1; }
}
