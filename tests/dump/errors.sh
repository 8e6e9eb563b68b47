#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what cannot be read of a disk is zeros in the dump, is told and counted, and all else is
#         right; behind 32 sectors the dump is for the user to end, and it ends. A disk that does
#         not answer at all does not keep a dump that shall stop.
# Clause: issue 11; dump.md 7, test 16
# Lanes: drawn
# Vm: --disks 1 --disk-size 64M
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

run mkfs.ext4 -q -b 4096 /dev/sda
run mount /dev/sda /mnt
dd if=/dev/urandom of=/mnt/large bs=1M count=8 status=none
cp -r /etc/default /mnt
tree_checksums /mnt >/tmp/kept
run umount /mnt
block=$(debugfs -R 'blocks /large' /dev/sda 2>/dev/null | awk '{ print $100 }')
size=$(blockdev --getsz /dev/sda)

# bad SECTORS: the disk, with so many sectors from block 99 of the file on that cannot be read.
bad() {
	local at=$((block * 8))
	mapped bad <<-END
		0 $at linear /dev/sda 0
		$at $1 error
		$((at + $1)) $((size - at - $1)) linear /dev/sda $((at + $1))
	END
}

# ended PID: waits for a process to end; says where it stands if it does not.
ended() {
	local pid=$1 n
	for ((n = 0; n < 300; n++)); do
		[ -d "/proc/$pid" ] || return 0
		sleep 0.1
	done
	cat /tmp/said
	grep . /proc/"$pid"/task/*/{comm,wchan,syscall,stack}
	fail "it does not end"
}

note "three sectors of a file cannot be read, which is less than a page"
run bad 3
mddump -0 -q -f /tmp/dump /dev/mapper/bad >/tmp/said 2>&1 &
ended $!
run wait $!
cat /tmp/said
same "sectors that were told" 3 "$(grep -c 'read error from /dev/mapper/bad: ' /tmp/said)"
grep -q "\[sector $((block * 8))\]: count=512" /tmp/said || fail "another sector was told"
grep -q '3 sectors could not be read and are zeros' /tmp/said || fail "it was not told at the end"
run dmsetup remove bad

note "these are zeros, and all else is what it was"
mkdir /tmp/restored
(cd /tmp/restored && run restore -rf /tmp/dump) || fail "restore has errors"
run mount -o ro /dev/sda /mnt
cmp -l /tmp/restored/large /mnt/large | awk '{ print int(($1 - 1) / 512) " " $2 }' |
	sort -u >/tmp/differ || true
run umount /mnt
same "what differs: the first sectors of block 99, which are zeros" \
	"$(printf '%d 0\n' 792 793 794)" "$(cat /tmp/differ)"
grep -v ' ./large$' /tmp/kept >/tmp/others
(cd /tmp/restored && sha256sum --quiet -c /tmp/others) || fail "another file differs"

note "more than can be borne"
run bad 80
status=0
mddump -0 -q -f /tmp/dump /dev/mapper/bad >/tmp/said 2>&1 &
ended $!
wait $! || status=$?
cat /tmp/said
same "status" 3 $status
grep -q 'More than 32 block read errors from /dev/mapper/bad' /tmp/said || fail "it did not count"
grep -q 'The ENTIRE dump is aborted' /tmp/said || fail "it was not aborted"
run mddump -0 -q -I 200 -f /tmp/dump /dev/mapper/bad
run dmsetup remove bad

note "a disk that does not answer"
run mapped mute "0 $size linear /dev/sda 0"
run dmsetup suspend mute
status=0
mddump -0 -q -f /tmp/dump /dev/mapper/mute >/tmp/said 2>&1 &
dump=$!
sleep 1
run kill -TERM $dump
ended $dump
wait $dump || status=$?
cat /tmp/said
same "status" 3 $status
grep -q '/dev/mapper/mute: does not answer' /tmp/said || fail "it does not say which disk"
grep -q '^next: ' /tmp/said || fail "it does not say what to do next"
run dmsetup resume mute
wait_for 20 dmsetup remove mute
