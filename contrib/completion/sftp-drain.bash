# bash completion for sftp-drain(8).  Source it, or install it as "sftp-drain" in bash-completion's
# directory of completions; it needs nothing of that package.

# The IDs of the connections that the caller may see, in the directories that the line names.
_sftp_drain_connections()
{
	local word dirs=()
	for word in $1; do
		[[ $word == --rundir=* || $word == --shmdir=* ]] && dirs+=("$word")
	done
	command sftp-drain "${dirs[@]}" list -o CONNECTION 2>/dev/null | grep -E '^[0-9]' | sort -u
}

_sftp_drain_columns()
{
	command sftp-drain list --help 2>/dev/null | sed -n 's/^  [* ] \([A-Z]*\)  .*/\1/p'
}

# What option $1 takes; $2 is what there is of it.  Fails where that is anything.
_sftp_drain_arguments()
{
	case $1 in
	--drain) printf '%s\n' session transfer now ;;
	--deadline | --timeout) printf '%s\n' 30s 1m 5m 10m 1h ;;
	-o | --output) _sftp_drain_columns | sed "s|^|${2%"${2##*,}"}|" ;;
	--config) compgen -f -- "$2" ;;
	--rundir | --shmdir) compgen -d -- "$2" ;;
	--message | --address | --key) ;;
	*) return 1 ;;
	esac
}

# The words that can stand after the verb $1; $2 is what there is of one, $3 the line.
_sftp_drain_words()
{
	case $1 in
	list) [[ $2 == -* ]] && printf '%s\n' --json --output= ;;
	close) [[ $2 == -* ]] && printf '%s\n' --drain= --deadline= --message= --wait --timeout= --quiet ;;
	abort) [[ $2 == -* ]] && printf '%s\n' --message= --quiet ;;
	wait) [[ $2 == -* ]] && printf '%s\n' --timeout= --quiet ;;
	reopen) [[ $2 == -* ]] && printf '%s\n' --quiet ;;
	policy)
		[[ $2 == -* ]] && printf '%s\n' --address= --key=
		[[ $2 != -* ]] && compgen -u
		;;
	check) ;;
	*) [[ $2 != -* ]] && printf '%s\n' list close abort wait reopen policy check ;;
	esac
	[[ $2 == -* ]] && printf '%s\n' --config= --rundir= --shmdir= --help --version
	[[ $1 == list || $1 == close || $1 == abort || $1 == wait || $1 == reopen ]] || return
	case $2 in
	-*) ;;
	user=*) compgen -u -P user= ;;
	connection=*) _sftp_drain_connections "$3" | sed 's/^/connection=/' ;;
	*) printf '%s\n' host user= connection= ;;
	esac
}

_sftp_drain()
{
	# The words as they were typed: bash has split them at "=".
	local line=${COMP_LINE:0:COMP_POINT} word verb='' before='' current typed='' all
	current=${line##*[[:space:]]}
	for word in ${line%"$current"}; do
		[[ -z $verb && $word =~ ^(list|close|abort|wait|reopen|policy|check)$ ]] && verb=$word
		before=$word
	done
	if [[ $current == --*=* ]]; then
		before=${current%%=*}
		typed=$before=
		current=${current#*=}
	fi
	if ! all=$(_sftp_drain_arguments "$before" "$current"); then
		all=$(_sftp_drain_words "$verb" "$current" "$line")
	fi
	mapfile -t COMPREPLY < <(compgen -W "${all//\\/}" -- "$current")
	# bash replaces what follows the last "=" only.
	if [[ $COMP_WORDBREAKS == *=* && $current == *=* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*=}"}"}")
	elif [[ $COMP_WORDBREAKS != *=* ]]; then
		COMPREPLY=("${COMPREPLY[@]/#/$typed}")
	fi
	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
	return 0
}

complete -F _sftp_drain sftp-drain
