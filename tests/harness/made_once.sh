#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what is cached is made once, also when two callers want it at the same time, and is there
#         whole or not at all, also when its maker fails or is killed in the middle.
# Clause: issue 2: safe to interrupt and to run twice at once
# Lanes: drawn
# Runs: host
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

MD_CACHE=$(mktemp -d)
export MD_CACHE
trap 'rm -rf "$MD_CACHE"' EXIT
cd "$MD_CACHE"

# maker NAME HOW: makes "thing". It stands still in the middle until there is NAME.go, but not if
# nobody is left who could say so.
cat >maker <<'MAKER'
name=$1
. "$MD_TOP/scripts/lib.sh"
two_halves() {
	echo "$name" >>makers
	echo "first half" >"$1/content"
	echo "$BASHPID" >"$name.half"
	until [ -e "$name.go" ]; do
		[ -e maker ] || exit 1
		sleep 0.05
	done
	echo "second half" >>"$1/content"
}
failing() {
	echo "first half" >"$1/content"
	false
	echo "second half" >>"$1/content"
}
make_once "$MD_CACHE/thing" "$2"
MAKER
same_content() { same "content" "first half second half" "$(xargs <thing/content)"; }

note "two at a time"
bash maker one two_halves &
one=$!
wait_for 30 test -s one.half
bash maker two two_halves 2>two.said &
two=$!
wait_for 30 grep -q "waiting for another run that makes thing" two.said
[ ! -e thing ] || fail "half a thing is there"
touch one.go two.go
wait $one || fail "the first one ended with status $?"
wait $two || fail "the second one ended with status $?"
same "makers" one "$(xargs <makers)"
same_content
same "what is left" "thing thing.lock" "$(echo thing*)"

note "killed in the middle, and its children go on"
rm -r thing
bash maker three two_halves &
three=$!
wait_for 30 test -s three.half
child=$(cat three.half)
kill -KILL $three
wait $three || true
[ ! -e thing ] || fail "half a thing is there"
kill -0 "$child" || fail "the child is gone: this shows nothing"
bash maker four two_halves &
four=$!
wait_for 30 test -s four.half
touch three.go
gone() { ! kill -0 "$child" 2>/dev/null; }
wait_for 30 gone
touch four.go
wait $four || fail "the next one ended with status $?"
same_content
same "what is left" "thing thing.lock" "$(echo thing*)"

note "a maker that fails"
rm -r thing
if bash maker five failing; then fail "nobody noticed"; fi
[ ! -e thing ] || fail "half a thing is there"
touch six.go
run bash maker six two_halves
same_content

note "nobody waits for ever"
rm -r thing
exec {lock}>thing.lock
flock "$lock"
MD_LOCK_LIMIT=1 refuse "error: another run has been making thing .*fuser -v .*thing.lock" \
	bash maker seven two_halves
