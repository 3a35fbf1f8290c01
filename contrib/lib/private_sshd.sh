# contrib: a private sshd on 127.0.0.1 with users, a PAM service and a session table of its own, for
# the quickstart and the end-to-end tests.  Sourced by bash scripts run as root.
# Never touches a file, a user or a process of the host that was there before.
# shellcheck shell=bash

# What place_make and sshd_start fill in.
place=         # a directory for everything; root's, and every user may pass through it
config=        # the policy, as sftp-drain.conf
rundir=        # the session table
shmdir=        # the members files
server=        # the sftp-server of sftp-drain
control=       # the operator's command
service=       # our PAM service, and the name under which sshd runs
sshd_log=      # sshd's own log
sessions_log=  # what the sftp-server processes log
sessions_level=VERBOSE
pam_auth='required pam_deny.so'  # the lines of the PAM service for passwords, without "auth"
pam_options=   # more arguments of the PAM module
sshd_extra=    # more lines of sshd's configuration, which go before the others
sessions_stderr=  # where they do so, as the shell understands it; nothing: sshd's pipe
sshd_port=
sshd_pid=
users=()

# useradd and sshd live where root's PATH may not lead (su without a login shell).
PATH=$PATH:/usr/sbin:/sbin
SSHD=${SSHD:-/usr/sbin/sshd}
PRIVSEP_DIR=/run/sshd

complain() {
	printf '%s\n' "$*" >&2
}

# Runs a command until it succeeds, for up to so many seconds.
poll() {
	local limit=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -le "$limit" ] || return 1
		sleep 0.05
	done
}

# place_make PARENT-DIRECTORY NAME: makes the directory, the keys and an empty policy.  The programs
# (SD_SERVER, SD_CONTROL) are copied there: a build below /root is out of the users' reach.
place_make() {
	place=$(mktemp -d "$1/$2.XXXXXX") || return 1
	chmod 755 "$place"
	config=$place/sftp-drain.conf
	rundir=$place/run
	shmdir=/dev/shm/${place##*/}
	service=$2-$$
	sshd_log=$place/sshd.log
	sessions_log=$place/sessions.log
	sessions_stderr="2>>$sessions_log"
	server=$place/bin/sftp-server
	control=$place/bin/sftp-drain
	mkdir "$place/bin" "$place/home" "$place/keys"
	install "$SD_SERVER" "$server" && install "$SD_CONTROL" "$control" || return 1
	touch "$config"
	: > "$sshd_log"
	: > "$sessions_log"
	chmod 666 "$sessions_log"
	ln -s "$SSHD" "$place/$service"
	ssh-keygen -q -t ed25519 -N '' -f "$place/hostkey" &&
		ssh-keygen -q -t ed25519 -N '' -f "$place/userkey" &&
		privsep_dir_take
}

# sshd confines its unprivileged half to an empty directory, which a host without a running sshd
# lacks.  Several of us may be at work: each holds a shared lock, and the last one out removes the
# directory when it is ours.
privsep_dir_take() {
	local try
	for try in {1..50}; do
		[ -d "$PRIVSEP_DIR" ] || {
			mkdir -m 755 "$PRIVSEP_DIR" && touch "$PRIVSEP_DIR/.sftp-drain"
		} 2> /dev/null
		exec {privsep_fd}< "$PRIVSEP_DIR" || continue
		# Removed between the two, when it is not the same directory any more.
		flock -s "$privsep_fd" && [ "$PRIVSEP_DIR" -ef "/proc/self/fd/$privsep_fd" ] && return 0
		exec {privsep_fd}<&-
	done
	complain "cannot use $PRIVSEP_DIR (after $try tries)"
	return 1
}

privsep_dir_drop() {
	[ -n "${privsep_fd:-}" ] || return 0
	if flock -n -x "$privsep_fd" && [ -e "$PRIVSEP_DIR/.sftp-drain" ]; then
		rm -f "$PRIVSEP_DIR/.sftp-drain"
		# The host's sshd may have been started meanwhile.
		pgrep -x sshd > /dev/null || rmdir "$PRIVSEP_DIR"
	fi
	exec {privsep_fd}<&-
	privsep_fd=
}

# A number that no user and no process has. What the users run is killed in the end, and a container's users
# need not be in the user database of the host that runs their processes.
free_uid() {
	local uid=$((200 + RANDOM % 800))
	! getent passwd "$uid" > /dev/null && ! pgrep -U "$uid" > /dev/null && ! pgrep -u "$uid" > /dev/null && echo "$uid"
}

new_user() {
	local uid
	uid=$(free_uid) && useradd --system --uid "$uid" --no-create-home --home-dir "$place/home/$1" \
		--shell "$2" --password '*' --comment 'sftp-drain, temporary' "$1"
}

# user_add NAME SHELL: a user who can log in with our key only.
user_add() {
	! id -u "$1" > /dev/null 2>&1 || return 1
	users+=("$1")
	poll 30 new_user "$1" "$2" || return 1
	install -d -o "$1" -g "$1" -m 755 "$place/home/$1"
	cp "$place/userkey.pub" "$place/keys/$1"
}

# user_pids USER [COMMAND-NAME]: what the user runs.  Not the dead that nobody has waited for: in a
# container they may stay for ever.
user_pids() {
	ps -u "$1" -o pid=,stat=,comm= | awk -v name="${2:-}" '$2 !~ /^Z/ && (name == "" || $3 == name) { print $1 }'
}

user_is_idle() {
	[ -z "$(user_pids "$1")" ]
}

user_remove() {
	id -u "$1" > /dev/null 2>&1 || return 0
	pkill -KILL -u "$1"
	poll 10 user_is_idle "$1"
	poll 30 userdel "$1"
}

# The shape of Debian's /etc/pam.d/sshd, less what belongs to interactive logins.
pam_service_write() {
	local options="config=$config rundir=$rundir shmdir=$shmdir debug $pam_options"
	set -o noclobber
	cat > "/etc/pam.d/$service" <<-END
		# A private sshd of sftp-drain's; to be removed by the script that made it.
		$(sed "s|^|auth  |; s|SD_PAM|$SD_PAM $options|" <<< "$pam_auth")
		account  required  pam_nologin.so
		account  required  pam_unix.so
		account  required  $SD_PAM $options
		session  optional  pam_keyinit.so force revoke
		session  required  pam_unix.so
		session  required  $SD_PAM $options
	END
	local rc=$?
	set +o noclobber
	return $rc
}

# Whether this sshd knows a setting.
sshd_takes() {
	"$SSHD" -t -f /dev/null -h "$place/hostkey" -o "$1" > /dev/null 2>&1
}

# Older sshd take the PAM service from the name under which they run, newer ones from a setting; newer
# ones also shut out an address whose connections ended oddly, which is all that tests do.
sshd_config_newer() {
	if sshd_takes "PAMServiceName=$service"; then
		echo "PAMServiceName $service"
	fi
	if sshd_takes PerSourcePenalties=no; then
		echo 'PerSourcePenalties no'
	fi
}

# sshd_config_write yes|no PORT: with PAM or without.  A subsystem's stderr is thrown away by sshd,
# hence the log file in its command; sanitizers learn their options from the environment.
sshd_config_write() {
	cat <<-END
		$sshd_extra
		ListenAddress 127.0.0.1:$2
		HostKey $place/hostkey
		PidFile $place/sshd.pid
		AuthorizedKeysFile $place/keys/%u
		StrictModes no
		UsePAM $1
		AllowUsers ${users[*]}
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		UseDNS no
		MaxSessions 64
		MaxStartups 300
		LogLevel VERBOSE
		Subsystem sftp $server --config $config --rundir $rundir --shmdir $shmdir -e -l $sessions_level $sessions_stderr
	END
	if [ -n "${ASAN_OPTIONS:-}${UBSAN_OPTIONS:-}" ]; then
		echo "SetEnv \"ASAN_OPTIONS=${ASAN_OPTIONS:-}\" \"UBSAN_OPTIONS=${UBSAN_OPTIONS:-}\""
	fi
	sshd_config_newer
}

# A module that was built with the address sanitizer needs it loaded before all else.
sanitizer_of_module() {
	ldd "$SD_PAM" 2> /dev/null | awk '/libasan/ { print $3 }'
}

# Without the search for leaks: it would search sshd's own memory, and sshd's confined half may not.
sshd_run() {
	local sanitizer
	sanitizer=$(sanitizer_of_module)
	if [ -n "$sanitizer" ]; then
		export LD_PRELOAD=$sanitizer ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	fi
	exec setpriv --pdeathsig TERM "$place/$service" -D -f "$place/sshd_config" -E "$sshd_log" 2> "$place/sshd.stderr"
}

sshd_has_started_or_died() {
	[ -s "$place/sshd.pid" ] || ! job_runs "$sshd_pid"
}

# sshd_start yes|no: starts it, with PAM or without, on a free port.
sshd_start() {
	local try
	[ "$1" = no ] || [ -e "/etc/pam.d/$service" ] || pam_service_write || return 1
	for try in {1..20}; do
		sshd_port=$((20000 + RANDOM % 12000))
		sshd_config_write "$1" "$sshd_port" > "$place/sshd_config"
		rm -f "$place/sshd.pid"
		sshd_run &
		sshd_pid=$!
		poll 20 sshd_has_started_or_died
		[ ! -s "$place/sshd.pid" ] || return 0
		wait "$sshd_pid"
		sshd_pid=
		grep -q 'Address already in use' "$sshd_log" || break
		: > "$sshd_log"
	done
	complain "sshd did not start (try $try):"
	complain "$(cat "$place/sshd.stderr" "$sshd_log")"
	return 1
}

# process_id PID: the process as PID/START-TIME, which no later one has; fails for a dead one.  A pid alone
# may soon be another process's: much here is awaited by asking again and again.
process_id() {
	local stat fields
	{ read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 1
	# The command may hold spaces and parentheses: the last one ends it (proc(5)).
	read -ra fields <<< "${stat##*) }"
	[ "${fields[0]}" != Z ] && echo "$1/${fields[19]}"
}

is_running() {
	[ "$(process_id "${1%/*}")" = "$1" ]
}

all_gone() {
	local id
	for id in "$@"; do
		! is_running "$id" || return 1
	done
}

# signal_processes SIGNAL PID/START-TIME...
signal_processes() {
	local id signal=$1
	shift
	for id in "$@"; do
		! is_running "$id" || kill "-$signal" "${id%/*}" 2> /dev/null
	done
}

# A process and all that descend from it.
process_tree() {
	local child
	process_id "$1"
	for child in $(pgrep -P "$1"); do
		process_tree "$child"
	done
}

# Ends the private sshd, its connections and whatever the users run.
sshd_stop() {
	local ids user
	[ -n "$sshd_pid" ] || return 0
	mapfile -t ids < <(process_tree "$sshd_pid")
	for user in "${users[@]}"; do
		pkill -KILL -u "$user"
	done
	signal_processes TERM "${ids[@]}"
	if ! poll 10 all_gone "${ids[@]}"; then
		signal_processes KILL "${ids[@]}"
		poll 5 all_gone "${ids[@]}"
	fi
	wait "$sshd_pid" 2> /dev/null
	sshd_pid=
}

# Whether a background process of this shell still runs.
job_runs() {
	jobs -pr | grep -qxF "$1"
}

# Ends the background processes of this shell.
jobs_stop() {
	local pid
	for pid in $(jobs -pr); do
		kill "$pid" 2> /dev/null
	done
}

# Options for ssh, sftp and scp that leave the caller's own configuration and known hosts out.
ssh_options() {
	printf '%s\n' -F none -i "$place/userkey" -o IdentitiesOnly=yes -o IdentityAgent=none \
		-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o LogLevel=ERROR -o "Port=$sshd_port"
}

# The operator's command, on the private table.
drain_control() {
	"$control" --config "$config" --rundir "$rundir" --shmdir "$shmdir" "$@"
}

# Leaves nothing behind; may be called at any point, and again.
place_remove() {
	local user
	[ -n "$place" ] || return 0
	sshd_stop
	for user in "${users[@]}"; do
		user_remove "$user"
	done
	users=()
	rm -f "/etc/pam.d/$service"
	rm -rf --one-file-system "$place" "$shmdir" "$shmdir"-*
	privsep_dir_drop
	place=
}
