#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the tool on real devices: metainit -n changes nothing, disks with something on them need
#         -f, md.tab makes everything in any order and comes back from metastat -p, --keep-data
#         keeps a file system, metaclear takes trees down; every refusal names the device, the
#         reason and the next command, and changes nothing.
# Clause: svm.md 10, 10.1, 10.4; DESIGN 7; DURABILITY 19; issue 3
# Lanes: drawn
# Vm: --disks 5 --disk-size 320M
# Timeout: 240
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

# state: everything that a refused command must not change.
state() {
	metastat --json
	ls /dev/md/dsk /sys/block/*/holders 2>/dev/null || true
}

# refused DEVICE PATTERN COMMAND ARG...: a command is refused because of this device, for a reason
# that matches, and nothing has changed.
refused() {
	local device=$1 pattern=$2 status=0
	shift 2
	state >/tmp/before
	printf '$ %s   (must be refused)\n' "$*"
	"$1" --json "${@:2}" >/tmp/said 2>&1 || status=$?
	jq -r '.error | .device, .reason, .next // empty' /tmp/said >/tmp/error || cat /tmp/said
	cat /tmp/error
	same "status" 1 $status
	same "device" "$device" "$(sed -n 1p /tmp/error)"
	sed -n 2p /tmp/error | grep -qiE -- "$pattern" || fail "the reason is not '$pattern'"
	grep -q . <(sed -n 3p /tmp/error) || fail "it does not say what to type next"
	state | diff /tmp/before - || fail "a refused command has changed something"
}

# shape: what the metadevices are made of, without what depends on the moment.
shape() { metastat --json | jq -S '.metadevices[] | {name, size, rows}'; }

modprobe md_rs

note "metainit -n makes nothing, and finds what is wrong"
state >/tmp/before
run metainit -n d10 1 2 /dev/sda /dev/sdb -i 64k
state | diff /tmp/before - || fail "metainit -n has changed something"
mapped small "0 2048 linear /dev/sda 0"
refused /dev/mapper/small 'too small.*2049' metainit -n d10 1 1 /dev/mapper/small
refused /dev/mapper/small 'too small.*2049' metainit d10 1 1 /dev/mapper/small
remap small "0 2049 linear /dev/sda 0"
run metainit d10 1 1 /dev/mapper/small
same "size of d10" 512 "$(described d10 .size)"
refused d10 'exists' metainit -n d10 1 1 /dev/sdb
run metaclear d10
dmsetup remove small
refused /dev/nothing 'no such' metainit -n d10 1 1 /dev/nothing
refused d10 'interlace|-i' metainit -n d10 1 2 /dev/sda /dev/sdb -i 4k

note "a disk with something on it needs -f"
# carries PATTERN COMMAND...: a disk on which this command has left its mark is refused.
carries() {
	local pattern=$1
	shift
	run "$@"
	refused /dev/sda "$pattern" metainit -n d10 1 2 /dev/sdb /dev/sda
	refused /dev/sda "$pattern" metainit d10 1 2 /dev/sdb /dev/sda
	run metainit -n -f d10 1 2 /dev/sdb /dev/sda
	run metainit -f d10 1 2 /dev/sdb /dev/sda
	run metaclear d10
	run wipefs -qa /dev/sda
}
printf 'label: gpt\nsize=8M\n' >/tmp/table
carries ext4 mkfs.ext4 -q /dev/sda
carries xfs mkfs.xfs -q /dev/sda
carries swap mkswap -q /dev/sda
carries 'gpt|partition table' sfdisk -q /dev/sda </tmp/table
carries LVM pvcreate -q /dev/sda
sfdisk -q /dev/sdb </tmp/table
run mkfs.ext4 -q /dev/sdb1
refused /dev/sdb1 ext4 metainit d10 1 1 /dev/sdb1
run wipefs -qa /dev/sdb1 /dev/sdb
run metainit d10 1 1 /dev/sda
run mkfs.ext4 -q /dev/md/dsk/d10
run metaclear d10
run metainit d10 1 1 /dev/sda
run metaclear d10

note "md.tab: order does not matter, and a bad line does not stop the others"
mkdir -p /etc/mdctl
cat >/etc/mdctl/md.tab <<'TAB'
# Parents may come first.
d20 1 2 d10 d11 -i 32k
d10 1 2 /dev/sda /dev/sdb \
    -i 16k
d12 1 1 /dev/nothing

d11 2 1 /dev/sdc 1 sdd	# A name without a slash is one in /dev.
TAB
state >/tmp/before
metainit -n -a || true
state | diff /tmp/before - || fail "metainit -n -a has changed something"
if metainit -a >/tmp/said 2>&1; then fail "the line of d12 was no error"; fi
cat /tmp/said
grep -q '/dev/nothing' /tmp/said || fail "the bad line is not named"
same "metadevices" "d10 d11 d20" "$(metastat --json | jq -r '.metadevices[].name' | sort | xargs)"
refused /dev/nothing 'no such' metainit d12
refused d13 'md.tab' metainit d13
run metaclear d20
run metainit d20
same "interlace of d20" 32768 "$(described d20 '.rows[0].interlace')"

note "what metastat -p prints makes the same again"
run mkfs.ext4 -q /dev/sde
run mount /dev/sde /mnt
cp -a /etc /mnt/etc
tree_checksums /mnt/etc >/tmp/written
refused /dev/sde 'mounted' metainit --keep-data d14 1 1 /dev/sde
run umount /mnt
refused d14 'one component|keep-data' metainit --keep-data d14 2 1 /dev/sde 1 d20
run metainit --keep-data d14 1 1 /dev/sde
same "start and size of d14" "0 $(blockdev --getsize64 /dev/sde)" \
	"$(described d14 ' | .rows[0].components[0].start, .size' | xargs)"
shape >/tmp/shape
metastat -p | tee /tmp/tab
run metaclear -a
same "metadevices" "" "$(metastat -p)"
tac /tmp/tab >/tmp/reversed
run metainit -a -T /tmp/reversed
shape | diff /tmp/shape - || fail "the same line makes something else"

note "an existing file system, as a metadevice and as a disk"
run mount /dev/md/dsk/d14 /mnt
(cd /mnt/etc && sha256sum --quiet -c /tmp/written) || fail "the file system has changed"
cp -a /usr/bin/bash /mnt/new
run umount /mnt
run metaclear d14
run mount /dev/sde /mnt
run cmp /usr/bin/bash /mnt/new
run umount /mnt

note "metaclear takes trees down"
run metastat -c
metastat -c | grep -q '^    d10 ' || fail "metastat -c does not show that d10 is part of d20"
refused d10 'd20' metaclear d10
exec 3</dev/md/dsk/d20
refused d20 'open' metaclear -r d20
exec 3<&-
run metaclear -r d20
same "metadevices" "" "$(metastat -p)"
run metainit -a -T /tmp/reversed
run metaclear -a
same "metadevices" "" "$(metastat -p)"

note "metastat -i asks each component, -t has the times"
mapped sick "0 655360 linear /dev/sda 0"
run metainit d10 1 2 /dev/mapper/sick /dev/sdb
run metastat -i d10
same "read errors" 0 "$(described d10 '.rows[0].components[0].read_errors')"
remap sick "0 655360 error"
run metastat -i d10
# Its first block and its last one are asked for.
same "read errors" 2 "$(described d10 '.rows[0].components[0].read_errors')"
run metastat -t d10
metastat -t d10 | grep -q "$(date +%Y)" || fail "the time of the error is not there"
run metaclear -a
