#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the root of a Debian that runs, on a partition, becomes a metadevice where it is, and
#         after a reboot a mirror: the file system is not copied and never out of use. With the
#         disk that it came from taken away, the machine boots from the other one. Another set is
#         started as its disks appear, by udev, and by a timer if some do not.
# Clause: DURABILITY 2, 18, 19, 23; issue 6
# Lanes: long
# Runs: host
# Timeout: 1200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/installed.sh
. "$MD_TEST_LIB/installed.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

write_at_boot "$dir"
cat >"$dir/check" <<'GUEST'
. /usr/local/lib/at-boot/expect.sh
root() { findmnt -no SOURCE / | sed 's/!/\//g'; }
states() {
	metastat --json | jq -r '[.metadevices[] | select(.name != "d10") | .state] | join(" ")'
}
if dmesg | grep -E 'EXT4-fs .*(recovery complete|warning: mounting)'; then
	fail "the last shutdown was not clean"
fi
# The disks of another set, which is no part of the root, by their places.
places=()
unplug() {
	local place
	for place in "${places[@]}"; do echo 1 >"/sys/class/scsi_device/$place/device/delete"; done
}
# plug COUNT: so many of them are there again.
plug() {
	local place host channel target lun
	for place in "${places[@]:0:$1}"; do
		IFS=: read -r host channel target lun <<<"$place"
		echo "$channel $target $lun" >"/sys/class/scsi_host/host$host/scan"
	done
}
is_running() { metadb --json | jq -e .database.writable >/dev/null; }
is_over() { ! systemctl is-active -q "md_rs-last-resort@$set.timer"; }
case $1 in
appear)
	same "root" /dev/sda1 "$(root)"
	run modprobe md_rs
	run metadb -a -f /dev/sdd
	run metadb -a /dev/sde /dev/sdf
	run metainit d1 1 1 /dev/sdd
	set=$(metadb --json | jq -r .database.set)
	for disk in sdd sde sdf; do
		places+=("$(basename "$(readlink "/sys/block/$disk/device")")")
	done
	for round in 1 2; do
		note "two of three disks appear: they are waited for, and then the set is started"
		run mdctl stop
		unplug
		wait_for 60 is_over
		plug 2
		sleep 5
		if is_running; then fail "the third disk was not waited for"; fi
		wait_for 60 is_running
		same "metadevices" d1 "$(metastat -p | awk '{ print $1 }')"
		note "all of them: it is started at once"
		run mdctl stop
		unplug
		plug 3
		wait_for 15 is_running
	done
	;;
encapsulate)
	same "root" /dev/sda1 "$(root)"
	run modprobe md_rs
	run metadb -a -f /dev/sda2
	run metadb -a /dev/sdb2
	run metadb -a -t /dev/sdc
	refuse 'is mounted on /' metainit d11 1 1 /dev/sda1 --keep-data
	run metainit -f d11 1 1 /dev/sda1 --keep-data
	run metainit d10 -m d11
	metastat
	run sed -i 's|^/dev/sda1 |/dev/md/dsk/d10 |' /etc/fstab
	;;
attach)
	same "root" /dev/md/dsk/d10 "$(root)"
	run metainit d12 1 1 /dev/sdb1
	run metattach d10 d12
	run metasync -r -w d10
	same "states" "Okay Okay" "$(states)"
	;;
alone)
	same "root" /dev/md/dsk/d10 "$(root)"
	metadb -i
	metastat
	[[ $(states) == *Okay* ]] || fail "states: $(states)"
	grep -qx attach /var/lib/at-boot/boots || fail "what was written last is not there"
	;;
esac
same "failed units" "" "$(systemctl --failed --plain --no-legend | xargs)"
echo "$1" >>/var/lib/at-boot/boots
sync
sha256sum --quiet -c /var/lib/at-boot/sums || fail "a file is not what was installed"
echo "all $(wc -l </var/lib/at-boot/sums) programs are what was installed"
GUEST

cat >"$dir/install" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/installed.sh"
printf 'label: gpt\nsize=640M\nsize=8M\n' | sfdisk -q /dev/sda
# The other side has 1 MiB in front of its data.
printf 'label: gpt\nsize=642M\nsize=8M\n' | sfdisk -q /dev/sdb
run mkfs.ext4 -q -m 0 /dev/sda1
run mount /dev/sda1 /mnt
install_debian /dev/sda1
GUEST

install_machine 656M

note "a set appears on other disks than the root's"
for name in x y z; do truncate -s 16M "$dir/$name"; done
boots /dev/sda1 appear "$dir/a" "$dir/b" "$dir/tie" "$dir/x" "$dir/y" "$dir/z"
note "the root that runs becomes d10"
boots /dev/sda1 encapsulate "$dir/a" "$dir/b" "$dir/tie"
note "it is d10, and gets a second side"
boots /dev/md/dsk/d10 attach "$dir/a" "$dir/b" "$dir/tie"
note "the disk that it was on is gone"
boots /dev/md/dsk/d10 alone "$dir/b" "$dir/tie"
