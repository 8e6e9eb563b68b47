#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: scripts/vm keeps its contract: arguments and statuses pass unharmed, a time-out is 124, a
#         report of the kernel is 86, a guest that does not start is 125, a panic can be expected,
#         folders are shared, disks come in order and can be pulled, and nothing stays behind.
# Clause: DESIGN 7, scripts/vm
# Lanes: drawn
# Runs: host
# Timeout: 900
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

dir=$(mktemp -d)

# If this is ended from outside, what the guest of the moment has said is shown, too.
ended() {
	local status=$?
	[ $status = 0 ] || cat "$dir/said"
	rm -rf "$dir"
}
trap ended EXIT
trap 'exit 143' TERM

# ends_with STATUS TEXT ARG...: scripts/vm must end with this status and have printed this text.
ends_with() {
	local expected=$1 text=$2 status=0
	shift 2
	printf '$ scripts/vm %s\n' "$*"
	scripts/vm "$@" >"$dir/said" 2>&1 || status=$?
	[ $status = "$expected" ] || fail "status $status instead of $expected"
	grep -qF -- "$text" "$dir/said" || fail "the output does not have '$text'"
}

cat >"$dir/arguments" <<'GUEST'
printf '<%s>' "$#" "$@"
echo to the error output >/dev/stderr
read -r line || echo "standard input is empty"
sleep 1000 &
exit 7
GUEST
ends_with 7 "<3><a \"b' \$c><><two
lines>" "$dir/arguments" "a \"b' \$c" '' $'two\nlines'
ends_with 7 "to the error output" "$dir/arguments"
ends_with 7 "standard input is empty" "$dir/arguments" --disks 99

# What SCRIPT leaves running holds its output open, and ends with SCRIPT all the same: a process
# without a command line, as every one is in the middle of an exec; one that is always a new one;
# one of another session that minds no signal.
cat >"$dir/leaves" <<'GUEST'
(exec -a '' sleep 1000) &
always_new() { sleep 0.01 && always_new & }
always_new
setsid bash -c 'trap "" TERM HUP INT; echo "the last one is there"; touch there; sleep 1000' &
until [ -e there ]; do sleep 0.1; done
exit 5
GUEST
ends_with 5 "the last one is there" --timeout 60 "$dir/leaves"

cat >"$dir/machine" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
same "disks in order" "disk0 disk1 disk2 disk3 disk4 disk5" \
	"$(for d in /dev/sd[a-f]; do lsblk -dno SERIAL "$d"; done | xargs)"
same "block sizes" "512 4096" "$(lsblk -dno LOG-SEC,PHY-SEC /dev/sda | xargs)"
same "capacity" 33554432 "$(blockdev --getsize64 /dev/sda)"
same "write cache" "write back" "$(cat /sys/block/sda/queue/write_cache)"
same "FUA" 1 "$(cat /sys/block/sda/queue/fua)"
same "processors" 1 "$(nproc)"
same "seed" 42 "$SEED"
same "shared file" "from the host" "$(cat /host/file)"
touch /host/file 2>/dev/null && fail "/host can be written to"
echo "from the guest" >/out/file
run modprobe dm_flakey
run modprobe xfs
run vmctl unplug disk1
wait_for 60 test ! -e /dev/sdb
run vmctl plug disk1
wait_for 60 test -e /dev/sdb
refuse "there is no disk 'disk9'" vmctl unplug disk9
GUEST
mkdir "$dir/share"
echo "from the host" >"$dir/share/file"
ends_with 0 "" --disks 6 --disk-size 32M --physical-block-size 4096 --smp 1 --seed 42 \
	--share "$dir/share" --out "$dir/out" "$dir/machine"
same "file from the guest" "from the guest" "$(cat "$dir/out/file")"

echo 'echo "made by a crash" >/out/last; echo c >/proc/sysrq-trigger' >"$dir/panic"
ends_with 86 "sysrq triggered crash" --out "$dir/out" "$dir/panic"
same "what was written before the crash" "made by a crash" "$(cat "$dir/out/last")"
ends_with 0 "" --expect-panic "sysrq triggered crash" "$dir/panic"
ends_with 1 "" --expect-panic "another panic" "$dir/panic"
echo 'true' >"$dir/nothing"
ends_with 1 "" --expect-panic "sysrq triggered crash" "$dir/nothing"
echo 'echo "BUG: made up by a test" >/dev/kmsg' >"$dir/report"
ends_with 86 "the kernel reported: BUG: made up by a test" "$dir/report"

echo 'sleep 1000' >"$dir/sleep"
ends_with 124 "while SCRIPT ran" --timeout 5 "$dir/sleep"
ends_with 0 "power cut, seed 3" --kill-after 1 --seed 3 "$dir/sleep"
ends_with 7 "" --kill-after 300 "$dir/arguments"
printf 'echo $((6 * 7))\nexit 9\n' >"$dir/typed"
ends_with 9 "42" -i <"$dir/typed"

note "a guest gives up before the test that it is part of"
MD_DEADLINE=1 ends_with 125 "before SCRIPT started" "$dir/nothing"

note "a harness that is killed takes its machine along"
scripts/vm "$dir/sleep" >"$dir/said" 2>&1 &
harness=$!
has_machine() { pgrep -P $harness qemu >/dev/null; }
wait_for 120 has_machine
machine=$(pgrep -P $harness qemu)
kill -KILL $harness
gone() { ! kill -0 "$machine" 2>/dev/null || grep -q '^State:.Z' "/proc/$machine/status"; }
wait_for 60 gone
