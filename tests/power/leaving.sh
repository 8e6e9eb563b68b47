#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a system that is powered off or rebooted while its mirror is in use, or that loses its
#         power in a suspend or after "mdctl stop", leaves the mirror clean: at the next boot
#         nothing is copied. A power cut without that leaves it dirty.
# Clause: DURABILITY 7, 23; issues 6 and 7
# Lanes: drawn
# Runs: host
# Timeout: 800
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

# Writes, waits until all is answered, and leaves at once in one of five ways.
cat >"$dir/leave" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
modprobe md_rs
run mdctl start
exec {mirror}<>/dev/md/dsk/d10
run dd if=/dev/urandom of=/dev/md/dsk/d10 bs=64k count=64 oflag=direct conv=notrunc status=none
case $1 in
poweroff) ;;
reboot) /usr/local/lib/md-vm/busybox reboot -f ;;
suspend)
	# The kernel tells everybody, freezes what runs, waits 5 seconds and goes on.
	echo freezer >/sys/power/pm_test
	echo freeze >/sys/power/state
	vmctl cut
	;;
stop)
	exec {mirror}>&-
	run mdctl stop
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

boot_limit=100
add_disks 32M 32M 32M 32M
make_mirror_set sdc sdd

for how in poweroff reboot suspend stop cut; do
	note "$how"
	boot --seed "$SEED" "$dir/leave" $how >"$dir/said" 2>&1 || true
	cat "$dir/said"
	grep -q '^\$ dd' "$dir/said" || fail "the mirror was not written to"
	boot "$dir/check" | tee "$dir/said"
	copied=$(awk '/^copied:/ { print $2 }' "$dir/said")
	[ -n "$copied" ] || fail "the mirror did not start"
	case $how in
	cut) [ "$copied" -gt 0 ] || fail "nothing was dirty: this test shows nothing" ;;
	*) same "sectors that were copied" 0 "$copied" ;;
	esac
done
