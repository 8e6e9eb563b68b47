#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what the kernel says of a metadevice is true: the counts in diskstats are those of what
#         was done, lsblk, holders and slaves show the tree, and size and queue limits follow from
#         the layout and from what the disks can do.
# Clause: DESIGN 4, 7; svm.md 3.1; issue 3
# Lanes: drawn
# Vm: --disks 4 --disk-size 16M
# Timeout: 240
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

d10=/dev/md/dsk/d10
d20=/dev/md/dsk/d20

# counts DEVICE...: reads, sectors read, writes, sectors written and flushes of all of them.
counts() {
	local what device
	for what in reads sectors_read writes sectors_written flushes; do
		for device in "$@"; do count_of "$device" $what; done
	done | awk -v devices=$# '{ sum += $1 } NR % devices == 0 { print sum; sum = 0 }'
}

# does DEVICE OWN BELOW COMMAND...: what the command adds to the counts of a metadevice and to those
# of its disks. The disks are in $disks.
does() {
	local device=$1 own=$2 below=$3
	shift 3
	paste <(counts "$device") <(counts "${disks[@]}") >/tmp/before
	run "$@"
	paste /tmp/before <(counts "$device") <(counts "${disks[@]}") >/tmp/counts
	same "counts of $device" "$own" "$(awk '{ print $3 - $1 }' /tmp/counts | xargs)"
	same "counts of its disks" "$below" "$(awk '{ print $4 - $2 }' /tmp/counts | xargs)"
}

# inherits LIMIT VALUE DISK...: a stripe over these disks has this limit.
inherits() {
	metainit d30 1 $(($# - 2)) "${@:3}" -i 64k >/dev/null
	same "$1 over ${*:3}" "$2" "$(limit /dev/md/dsk/d30 "$1")"
	metaclear d30 >/dev/null
}

# has_size DEVICE NAME: all who know its size say the same.
has_size() {
	local size name=${1#/dev/}
	size=$(cat "$(in_sysfs "$1")/size")
	same "sectors of $2" "$size $size $size" "$(xargs <<<"
		$(blockdev --getsz "$1") $(($(described "$2" .size) / 512))
		$(awk -v name="${name//\//!}" '$4 == name { print $3 * 2 }' /proc/partitions)")"
}

modprobe md_rs
disks=(/dev/sda /dev/sdb)
run metainit d10 1 2 "${disks[@]}" -i 64k

note "counts"
does $d10 "10 80 0 0 0" "10 80 0 0 0" \
	dd if=$d10 of=/dev/null bs=4k skip=40 count=10 iflag=direct status=none
does $d10 "0 0 10 80 0" "0 0 10 80 0" \
	dd if=/dev/zero of=$d10 bs=4k seek=40 count=10 oflag=direct status=none
does $d10 "3 384 0 0 0" "3 384 0 0 0" \
	dd if=$d10 of=/dev/null bs=64k count=3 iflag=direct status=none
# Every flush is a write of no sectors, too. A disk by itself counts as d10 does.
does $d10 "0 0 4 2 2" "0 0 6 2 4" \
	dd if=/dev/zero of=$d10 bs=512 count=2 oflag=direct,dsync status=none
does $d10 "0 0 1 0 1" "0 0 2 0 2" sync -d $d10
same "requests in flight" 0 "$(count_of $d10 in_flight)"
same "line in /proc/diskstats" "$(xargs <"$(in_sysfs $d10)/stat")" \
	"$(awk '$3 == "md!dsk!d10" { $1 = $2 = $3 = ""; print }' /proc/diskstats | xargs)"

note "the tree"
same "lsblk of sda" "sda md/dsk/d10" "$(lsblk -nro NAME /dev/sda | xargs)"
same "what d10 stands on, for lsblk" "md/dsk/d10 sda sdb" "$(lsblk -nsro NAME $d10 | xargs)"
same "children of sda, sdb and sdc in JSON" "md/dsk/d10 md/dsk/d10" \
	"$(lsblk -J /dev/sd[abc] | jq -r '.blockdevices[].children[]?.name' | xargs)"
same "holders of sda" 'md!dsk!d10' "$(names_in /sys/block/sda/holders)"
same "slaves of d10" "sda sdb" "$(names_in "$(in_sysfs $d10)/slaves")"
same "name of the node" "DEVNAME=md/dsk/d10" "$(grep DEVNAME "$(in_sysfs $d10)/uevent")"

note "sizes and limits of a stripe of two"
has_size $d10 d10
same "sectors" $((2 * (32768 - 2048))) "$(blockdev --getsz $d10)"
for limit in "chunk_sectors 0" "minimum_io_size 65536" "optimal_io_size 131072" \
	"logical_block_size 512" "zoned none" "iostats 1" "nomerges 0" "stable_writes 0"; do
	same "${limit% *}" "${limit#* }" "$(limit $d10 "${limit% *}")"
done
for limit in rotational write_cache fua physical_block_size discard_granularity; do
	same "$limit, which is that of its disks" "$(limit /dev/sda $limit)" "$(limit $d10 $limit)"
done
grep -qF '[none]' "$(in_sysfs $d10)/queue/scheduler" || fail "d10 has a scheduler"
for limit in discard_max_bytes write_zeroes_max_bytes; do
	[ "$(limit $d10 $limit)" -gt 0 ] || fail "$limit is 0, and not for the disks"
done

note "limits of disks that differ"
null_disk plain size=8
null_disk cached size=8 cache_size=1 fua=1
null_disk turning size=8 rotational=1 discard=1
null_disk large size=8 blocksize=4096 discard=1
null_disk short size=8 max_sectors=64
inherits write_cache "write through" /dev/plain /dev/turning
inherits write_cache "write back" /dev/plain /dev/cached
inherits fua 0 /dev/plain /dev/turning
inherits fua 1 /dev/sdc /dev/cached
inherits rotational 0 /dev/plain /dev/cached
inherits rotational 1 /dev/plain /dev/turning
inherits logical_block_size 4096 /dev/plain /dev/large
inherits discard_max_bytes 0 /dev/turning /dev/plain
inherits discard_granularity 4096 /dev/turning /dev/large
inherits write_zeroes_max_bytes 0 /dev/sdd /dev/plain

note "what is too large for a disk is split there, and is one request until then"
run metainit d30 1 1 /dev/short
disks=(/dev/short)
does /dev/md/dsk/d30 "1 512 0 0 0" "8 512 0 0 0" \
	dd if=/dev/md/dsk/d30 of=/dev/null bs=256k count=1 iflag=direct status=none
does /dev/md/dsk/d30 "0 0 1 512 0" "0 0 8 512 0" \
	dd if=/dev/zero of=/dev/md/dsk/d30 bs=256k count=1 oflag=direct status=none
run metaclear d30

note "a metadevice on metadevices"
run metainit d11 1 2 /dev/sdc /dev/sdd -i 16k
run metainit d20 1 2 d10 d11 -i 256k
disks=(/dev/sda /dev/sdb /dev/sdc /dev/sdd)
has_size $d20 d20
does $d20 "5 40 0 0 0" "5 40 0 0 0" \
	dd if=$d20 of=/dev/null bs=4k count=5 iflag=direct status=none
does $d20 "0 0 5 40 0" "0 0 5 40 0" \
	dd if=/dev/zero of=$d20 bs=4k seek=64 count=5 oflag=direct status=none
does $d20 "0 0 1 0 1" "0 0 4 0 4" sync -d $d20
same "lsblk of sdc" "sdc md/dsk/d11 md/dsk/d20" "$(lsblk -nro NAME /dev/sdc | xargs)"
same "slaves of d20" 'md!dsk!d10 md!dsk!d11' "$(names_in "$(in_sysfs $d20)/slaves")"
for limit in logical_block_size write_cache fua rotational; do
	same "$limit, which is that of its disks" "$(limit /dev/sda $limit)" "$(limit $d20 $limit)"
done
[ "$(limit $d20 discard_max_bytes)" -gt 0 ] || fail "d20 does not discard, and its disks do"
for name in d20 d11 d10; do run metaclear $name; done
