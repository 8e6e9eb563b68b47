#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a system that is powered off while its mirror is in use, or that loses its power in a
#         suspend, leaves the mirror clean: at the next boot nothing is copied. A power cut without
#         that leaves it dirty.
# Clause: DURABILITY 7, 23; issues 6 and 7
# Lanes: drawn
# Runs: host
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/make" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run metadb -a -f -c 2 /dev/sdc
run metadb -a -c 2 /dev/sdd
run metainit d11 1 1 /dev/sda
run metainit d12 1 1 /dev/sdb
run metainit --assume-clean d10 -m d11 d12
run mdctl stop
GUEST

# Writes, waits until all is answered, and leaves at once in one of three ways.
cat >"$dir/leave" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run mdctl start
exec {mirror}<>/dev/md/dsk/d10
run dd if=/dev/urandom of=/dev/md/dsk/d10 bs=64k count=64 oflag=direct conv=notrunc status=none
case $1 in
poweroff) ;;
suspend)
	# The kernel tells everybody, freezes what runs, waits 5 seconds and goes on.
	echo freezer >/sys/power/pm_test
	echo freeze >/sys/power/state
	vmctl cut
	;;
cut) vmctl cut ;;
esac
GUEST

cat >"$dir/check" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/disks.sh"
. "$MD_TEST_LIB/mirror.sh"
modprobe md_rs
run mdctl start
is_at_rest() { ! metastat d10 | grep -q Resync; }
wait_for 60 is_at_rest
run metastat d10
same "states" Okay,Okay "$(states d10)"
same_sides d10
echo "copied: $(awk '{ print $7 }' /sys/block/sdb/stat) sectors"
run mdctl stop
GUEST

vm() { scripts/vm --timeout 100 "$@"; }
disks=()
for n in 0 1 2 3; do
	truncate -s 32M "$dir/disk$n"
	disks+=(--disk "$dir/disk$n")
done
vm "${disks[@]}" "$dir/make" || fail "the set was not made"

for how in poweroff suspend cut; do
	note "$how"
	vm "${disks[@]}" --seed "$SEED" "$dir/leave" $how >"$dir/said" 2>&1 || true
	cat "$dir/said"
	grep -q '^\$ dd' "$dir/said" || fail "the mirror was not written to"
	vm "${disks[@]}" "$dir/check" | tee "$dir/said"
	copied=$(awk '/^copied:/ { print $2 }' "$dir/said")
	[ -n "$copied" ] || fail "the mirror did not start"
	case $how in
	cut) [ "$copied" -gt 0 ] || fail "nothing was dirty: this test shows nothing" ;;
	*) same "sectors that were copied" 0 "$copied" ;;
	esac
done
