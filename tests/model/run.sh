#!/bin/bash
# tests: the model of the protocol, checked by spin: every state that can be reached, within the bounds of
# each scene.  And the checker checked: with each mutation, a mistake that somebody could make in the code,
# the same search must find what it breaks.  HACKING.md says what is modelled and how to read a counterexample.
set -u
CC=${CC:-cc}
# Megabytes and steps, far above what is needed (340, 250): to reach a bound is to fail.
MEMORY=2000 DEPTH=5000

command -v spin > /dev/null || { echo '1..0 # SKIP spin is not installed (Debian: spin)'; exit 0; }
command -v "${CC%% *}" > /dev/null || { echo '1..0 # SKIP no C compiler for what spin generates'; exit 0; }

place=$(mktemp -d "${TMPDIR:-/tmp}/sftp-drain-model.XXXXXX") || exit 1
trap 'rm -rf "$place"' EXIT
cp "${top_srcdir:?set by make check}"/tests/model/*.pml "$place" && cd "$place" || exit 1
tests=0

report() {
	tests=$((tests + 1))
	echo "$1 $tests - $2"
}

# search MODEL "DEFINITIONS" "C OPTIONS" [PAN OPTION...]: the output is in the file "output".
search() {
	local model=$1 definitions=$2 options=$3
	shift 3
	rm -f ./*.trail pan
	# shellcheck disable=SC2086 # words
	spin $definitions -a "$model.pml" > output 2>&1 &&
		$CC -w $options -DNOFAIR -DMEMLIM=$MEMORY -DVECTORSZ=512 -o pan pan.c >> output 2>&1 &&
		./pan -m$DEPTH -w22 "$@" >> output 2>&1
}

# Whether the search has come to its end, and found nothing.
is_whole() {
	grep -q 'errors: 0$' output && grep -q 'states, stored' output && ! grep -qEi \
		'too small|out of memory|MEMLIM bound|not completed|aborting|^error|truncated' output
}

# show MODEL "DEFINITIONS": what the search said, and the end of the counterexample.
show() {
	sed 's/^/# /' output
	[ -f "$1.pml.trail" ] || return
	# shellcheck disable=SC2086 # words
	spin $2 -t -p "$1.pml" 2>&1 | tail -n 150 | sed 's/^/# /'
}

# holds MODEL "DEFINITIONS" DESCRIPTION: the proof.
holds() {
	search "$1" "$2" '-O1 -DSAFETY'
	if is_whole; then
		report ok "$3: $(sed -nE 's/^ *([0-9]+) states, stored.*/\1/p' output) states"
	else
		report 'not ok' "$3"
		show "$1" "$2"
	fi
}

# is_finite MODEL "DEFINITIONS" DESCRIPTION: there is no cycle, so that every run comes to an end.
is_finite() {
	search "$1" "$2" '-O1 -DNP' -l
	if is_whole; then
		report ok "$3"
	else
		report 'not ok' "$3"
		show "$1" "$2"
	fi
}

# fails MODEL "DEFINITIONS" "EXPRESSION" DESCRIPTION: the mutation breaks that very assertion.
fails() {
	search "$1" "$2" '-O0 -DSAFETY' -c0
	# pan writes its expressions with blanks and parentheses of its own.
	if grep 'assertion violated\|invalid end state' output | tr -d ' ()' | grep -qF "$(tr -d ' ()' <<< "$3")"; then
		report ok "caught: $4"
	else
		report 'not ok' "caught: $4"
		sed 's/^/# /' output
	fi
}

three='-DN=3 -DSTOPS=0' two='-DN=2 -DSTOPS=0'
closed_inside='inside == 0' admitted_late='!released' no_heir='!unnoticed' stuck='wr == 0 && rd == 0'
unknown='plan == order_active' nobody='stops > 0 || rd | wr != 0' unseen='inside & moved & ~woken'
not_ended='!owed || excused'

holds membership "$three -DCRASHES=1 -DCHANGES=1" 'G1, G3, G5, G7: three sessions, an order, a death at any step'
holds membership "$three -DCRASHES=1 -DCHANGES=0 -DCLOSE_LAST" 'G1, G3, G7: three sessions, close = "last", a death'
holds membership "$three -DCRASHES=0 -DCHANGES=0 -DPAM" 'G1, G3: three sessions and the PAM module'
holds membership "-DN=2 -DSTOPS=1 -DCRASHES=1 -DCHANGES=3" 'G3, G5, G9: order, reopen, order; a death, a process that is stopped'
holds membership "-DN=2 -DSTOPS=1 -DCRASHES=0 -DCHANGES=2 -DCLOSE_LAST" 'G3, G5: close = "last", order, reopen; a process that is stopped'
holds membership "$two -DCRASHES=0 -DCHANGES=1 -DPAM" 'G1, G5: an order and the PAM module'
holds membership "-DN=2 -DSTOPS=1 -DCRASHES=0 -DCHANGES=0 -DPAM" 'G1, G9: the PAM module, a process that is stopped'
holds membership "$two -DCRASHES=1 -DCHANGES=0 -DPAM -DCLOSE_LAST" 'G1, G7: close = "last" and the PAM module, a death'
holds membership "$two -DCRASHES=2 -DCHANGES=0 -DPAM" 'G7: the monitor dies and its entry is reaped, another death'
holds membership "$two -DCRASHES=1 -DCHANGES=1 -DGUARD" 'G1, G3, G4, G7: an order and its guard, a death at any step'
holds membership "$two -DCRASHES=0 -DCHANGES=3 -DGUARD" 'G3, G5: an order and its guard, reopen, order'
holds orders '' 'G5, G7: an order_cell, three writers of whom one may die, a reader'
is_finite membership '-DN=2 -DSTOPS=1 -DCRASHES=0 -DCHANGES=3' 'G9: every run ends'
is_finite membership '-DN=2 -DSTOPS=0 -DCRASHES=0 -DCHANGES=2 -DGUARD' 'G9: every run with a guard ends'
is_finite membership '-DN=2 -DSTOPS=0 -DCRASHES=1 -DCHANGES=0 -DPAM' 'G9: every run with the PAM module ends'

two="$two -DCRASHES=0"
fails membership "$two -DCHANGES=1 -DNO_LOCK" "$closed_inside" 'joining without the lock'
fails membership "$two -DCHANGES=1 -DPAM -DORDERS_FIRST" "$admitted_late" "reading the entry's state before the lock"
fails membership "$two -DCHANGES=1 -DORDERS_FIRST" "$unseen" 'reading the orders before the lock'
fails membership "$two -DCHANGES=1 -DNO_MARK" "$unknown" 'writing an order with the epoch unmarked'
fails membership "$two -DCHANGES=1 -DNO_GATE" "$stuck" 'not honouring the gate'
fails membership "$two -DCHANGES=0 -DNO_TURNS" "$nobody" 'leaving without LOCK_LEAVERS'
fails membership "$two -DCHANGES=0 -DNO_TURNS -DTRY_ONCE" "$no_heir" 'leaving without LOCK_LEAVERS, with one try'
fails membership "-DN=2 -DSTOPS=1 -DCRASHES=0 -DCHANGES=0 -DTRY_ONCE" "$no_heir" \
	'leaving with one try, beside one who is stopped with LOCK_LEAVERS held'
fails membership "$two -DCHANGES=3 -DRESUME_AND_GO" "$no_heir" 'a closer that ends as a member'
fails membership "$two -DCHANGES=1 -DCLOSE_LAST -DGATE_LEFT_OPEN" "$stuck" 'closing at an order in linger with the gate open'
fails membership "$two -DCHANGES=0 -DPAM -DONLY_CLOSING_ENDS" "$admitted_late" 'taking an entry that was given up for open'
fails membership "$two -DCHANGES=0 -DPAM -DGENERATION_FIRST" "$admitted_late" "reading an entry's generation before its word"
fails membership "-DN=2 -DSTOPS=0 -DCRASHES=1 -DCHANGES=0 -DPAM -DREAP_BLINDLY" "$closed_inside" \
	'reaping without a second look for members'
fails membership "-DN=2 -DSTOPS=0 -DCRASHES=1 -DCHANGES=1 -DGUARD -DSHARED" "$stuck" 'a guard without a description of its own'
fails membership "$two -DCHANGES=1 -DGUARD -DKEPT_AND_GO" "$not_ended" 'leaving the connection to something else without a guard'
fails membership "$two -DCHANGES=3 -DGUARD -DGO_AT_ONCE" "$not_ended" 'a guard that is called off and goes without a last look'
fails orders -DNO_LOCK 'first==' "writing an order without the writers' lock"
echo "1..$tests"
