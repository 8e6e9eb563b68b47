#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: both sides of a mirror die under a load that verifies what it reads, below ext4 and xfs,
#         one after the other or both at once, and one of them comes back. If it is the one that was
#         the last, everything is there that was synced; if it is the other one, which lacks what
#         was written since, nothing of it is read, until the last one is back, too.
# Clause: svm.md 4.2, 4.7; DURABILITY 5, 8; issue 7
# Lanes: drawn
# Vm: --disks 4 --disk-size 64M
# Timeout: 300
# What is compared: files with what was synced; what is read with an error.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/faults.sh
. "$MD_TEST_LIB/faults.sh"

# Errors are expected from here on: the load ends when there is nobody left to ask.
await_end_of_load() {
	local ended=0
	load_has_ended() { ! kill -0 "$load" 2>/dev/null; }
	wait_for 60 load_has_ended
	wait "$load" || ended=$?
	[ $ended != 0 ] || fail "the load had no error"
	# What it read before was right.
	if grep -E 'verify: bad' /tmp/fio.log; then fail "the load has read something else"; fi
}

# is_unreadable: d10, which nobody guesses at.
is_unreadable() {
	refuse 'Input/output error' dd if=$d10 of=/dev/null bs=4k count=1 skip=64 iflag=direct \
		status=none
}

# both_die KIND MKFS...
both_die() {
	local kind=$1
	shift
	note "$kind: the sides die one after the other"
	sick a0 /dev/sdc good
	sick b0 /dev/sdd good
	run metainit d11 1 1 /dev/mapper/a0
	run metainit d12 1 1 /dev/mapper/b0
	for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
	run metainit d10 -m d11 d12 --assume-clean
	run "$@" $d10
	run mount $d10 /mnt
	mkdir /mnt/kept
	keep healthy
	start_load
	sick a0 /dev/sdc nothing
	keep without_a0
	same "states" "Maintenance Okay" "$(states d11) $(states d12)"
	sick b0 /dev/sdd nothing
	await_end_of_load
	same "states" "Maintenance Last Erred" "$(states d11) $(states d12)"
	umount /mnt || run umount -l /mnt

	note "$kind: the first one is back, which lacks what was written since: it is not read"
	sick a0 /dev/sdc good
	is_unreadable
	refuse 'holds the last copy of its data' metareplace -e d10 /dev/mapper/b0
	run mdctl stop
	run mdctl start
	metastat d10
	is_unreadable
	run mdctl stop

	note "$kind: the last one is back: everything is there that was synced"
	sick b0 /dev/sdd good
	run mdctl start
	same "state of the one that lacks something" Maintenance "$(states d11)"
	recover_"$kind"
	run mount $d10 /mnt
	files_match
	run metareplace -e -w d10 /dev/mapper/a0
	[ "$(states d12)" = Okay ] || run metareplace -e -w d10 /dev/mapper/b0
	same "states" "Okay Okay" "$(states d11) $(states d12)"
	keep again
	same_sides_of_mounted

	note "$kind: both at the same time"
	start_load
	sleep 1
	printf '$ both are nothing now\n'
	for name in a0 b0; do
		dmsetup load $name --table "0 $(blockdev --getsz /dev/mapper/$name) error"
	done
	for name in a0 b0; do dmsetup suspend --nolockfs $name; done
	for name in a0 b0; do dmsetup resume $name; done
	await_end_of_load
	umount /mnt || run umount -l /mnt
	metastat d10
	# Which one was the last is for the mirror to say.
	case "$(states d11) $(states d12)" in
	"Maintenance Last Erred") last=b0 disk=/dev/sdd other=a0 first=/dev/sdc ;;
	"Last Erred Maintenance") last=a0 disk=/dev/sdc other=b0 first=/dev/sdd ;;
	*) fail "the states are $(states d11) and $(states d12)" ;;
	esac
	sick $other $first good
	is_unreadable
	sick $last $disk good
	recover_"$kind"
	run mount $d10 /mnt
	files_match
	run umount /mnt
	# What nobody could read was not made equal: that is tried again when somebody says so.
	run metasync -w d10
	run metareplace -e -w d10 /dev/mapper/$other
	same_sides d10
	run metaclear -f -r d10
	for name in a0 b0; do run dmsetup remove $name; done
}

recover_ext4() { e2fsck -fy $d10 || [ $? = 1 ] || fail "e2fsck gave up"; }
recover_xfs() {
	# The log is replayed by mounting.
	run mount $d10 /mnt
	run umount /mnt
	run xfs_repair -n $d10
}

modprobe md_rs
# So that nobody finds a disk under its own name while what is made of it is nothing.
for disk in c d; do
	mapped hold$disk "0 8 linear /dev/sd$disk $(($(blockdev --getsz /dev/sd$disk) - 8))"
done
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
both_die ext4 mkfs.ext4 -qF
# It refuses such small ones, except for its own tests.
both_die xfs env TEST_DIR=/ TEST_DEV=/ QA_CHECK_FS=1 mkfs.xfs -qf
run mdctl stop
