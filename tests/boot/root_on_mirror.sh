#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: Debian boots with its root on a mirror: the initramfs and udev find the set and start it.
#         It does so unattended with either disk missing, since a tie-breaker is on a third device;
#         with one that missed the other's changes the root is read-only, and nothing old is taken
#         for new. udev knows the members, and /dev/md/mhd is there, for the first that opens it.
#         Each shutdown leaves a clean file system and mirror: at the next boot nothing is resynced.
# Clause: DURABILITY 2, 18, 23; issue 6
# Lanes: drawn
# Runs: host
# Timeout: 900
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/installed.sh
. "$MD_TEST_LIB/installed.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

write_at_boot "$dir"
cat >"$dir/check" <<'GUEST'
. /usr/local/lib/at-boot/expect.sh
same "root" /dev/md/dsk/d10 "$(findmnt -no SOURCE / | sed 's/!/\//g')"
metadb -i
metastat
states=$(metastat --json | jq -r '[.metadevices[] | select(.name != "d10") | .state] | join(" ")')
clean() {
	if dmesg | grep -E 'EXT4-fs .*(recovery complete|warning: mounting)'; then
		fail "the last shutdown was not clean"
	fi
}
[ "$1" = old ] || clean
case $1 in
both)
	same "states" "Okay Okay" "$states"
	if dmesg | grep 'resync is started'; then fail "the last shutdown left regions dirty"; fi
	# As the static nodes of the modules that are installed are made.
	same "the device for mhd(7I)" "character special file 600 a:f8 root" \
		"$(stat -c '%F %a %t:%T %U' /dev/md/mhd)"
	! [ -d /sys/module/md_failfast ] || fail "md_failfast is loaded, and nobody asked"
	: <>/dev/md/mhd || fail "it cannot be opened"
	[ -d /sys/module/md_failfast ] || fail "opening it did not load md_failfast"
	set=$(metadb --json | jq -r .database.set)
	for disk in sda sdb sdc; do
		same "what udev knows of $disk" "md_rs_member $set local" \
			"$(lsblk -dnfro FSTYPE,UUID,LABEL /dev/$disk)"
		udevadm info /dev/$disk | grep -q "ID_FS_USAGE=raid" || fail "no raid member"
	done
	;;
one)
	[[ $states == *Okay* && $states != "Okay Okay" ]] || fail "states: $states"
	;;
old)
	# The other side has gone on without this one.
	metadb | grep -q READ-ONLY || fail "an old replica may be written"
	if touch /var/lib/at-boot/new 2>/dev/null; then fail "the root can be written"; fi
	echo "read-only, as it must be"
	exit 0
	;;
esac
same "failed units" "" "$(systemctl --failed --plain --no-legend | xargs)"
echo "$1" >>/var/lib/at-boot/boots
sync
sha256sum --quiet -c /var/lib/at-boot/sums || fail "a file is not what was installed"
echo "all $(wc -l </var/lib/at-boot/sums) programs are what was installed"
GUEST

# Puts a Debian onto the mirror d10, and its initramfs where the host finds it.
cat >"$dir/install" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/installed.sh"
modprobe md_rs
run metadb -a -f /dev/sda
run metadb -a /dev/sdb
run metadb -a -t /dev/sdc
run metainit d11 1 1 /dev/sda
run metainit d12 1 1 /dev/sdb
run metainit --assume-clean d10 -m d11 d12
run mkfs.ext4 -q -m 0 /dev/md/dsk/d10
run mount /dev/md/dsk/d10 /mnt
install_debian /dev/md/dsk/d10
run mdctl stop
GUEST

install_machine 640M
root=/dev/md/dsk/d10

note "both disks"
boots $root both "$dir/a" "$dir/b" "$dir/tie"
note "and again: nothing is resynced"
boots $root both "$dir/a" "$dir/b" "$dir/tie"
note "either disk is missing"
sides=(b)
[ -z "${MD_LONG:-}" ] || sides=(a b)
for side in "${sides[@]}"; do
	for name in a b tie; do cp --sparse=always "$dir/$name" "$dir/$name.copy"; done
	boots $root one "$dir/$side.copy" "$dir/tie.copy"
done
note "the other one has missed that"
boots $root old "$dir/a.copy" "$dir/tie.copy"
