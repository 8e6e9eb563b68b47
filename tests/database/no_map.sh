#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a mirror in a state database of version 1, which knows nothing of regions, counts as dirty
#         all over: a block reads as the same thing every time, though the sides differ everywhere,
#         and all of the first side is copied to the second one.
# Clause: DURABILITY 11, 12; issue 7
# Lanes: drawn
# Runs: host
# Timeout: 300
# What is compared: sectors that the second side is written with, as its disk counts them, with the
# size of the mirror; what is read from the mirror; the sides block by block.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

cat >"$dir/check" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/disks.sh"
. "$MD_TEST_LIB/mirror.sh"

# bytes FILE OFFSET HEX: puts bytes into a file.
bytes() { xxd -r -p <<<"$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# crc32c FILE: its checksum, lowest byte first.
crc32c() {
	local crc=$((0xffffffff)) byte bit
	for byte in $(od -An -v -tu1 "$1"); do
		crc=$((crc ^ byte))
		for bit in 1 2 3 4 5 6 7 8; do
			crc=$(((crc >> 1) ^ (0x82f63b78 & -(crc & 1))))
		done
	done
	crc=$((crc ^ 0xffffffff))
	printf '%02x%02x%02x%02x\n' $((crc & 255)) $((crc >> 8 & 255)) $((crc >> 16 & 255)) \
		$((crc >> 24))
}

# labelled DISK BYTE: gives a disk the label of a component whose uuid is that byte, in hex, over
# and over (docs/format.md).
labelled() {
	local page=/tmp/label
	truncate -s 0 $page
	truncate -s 4096 $page
	# Magic and version; set, from uuid to sequence; place, and bytes in use.
	bytes $page 0 "$(printf md_rs:component | xxd -p)0001000000"
	bytes $page 24 "$(printf '5e%.0s' {1..16})00000000000000000100000000000000"
	bytes $page 56 0100000040000000
	# The component, and the name of the set; where data is; the only page.
	bytes $page 64 "$(printf "$2%.0s" {1..16})$(printf local | xxd -p)"
	bytes $page 112 000800000000000000000100
	bytes $page 20 "$(crc32c $page)"
	dd if=$page of="$1" bs=4k seek=1 oflag=direct status=none
}

# d12 had failed when the image was made. That is its newest commit, which nothing is left of here
# but records: the one before it counts.
grep -v '^#' /host/v1-two-replicas.hex | xxd -r -c 32 >/tmp/image
truncate -s 1M /tmp/image
for page in 33 57; do
	dd if=/dev/zero of=/tmp/image bs=4k seek=$page count=2 conv=notrunc status=none
done
run dd if=/tmp/image of=/dev/sdc bs=1M oflag=direct status=none
for disk in a b; do
	dd if=/dev/urandom of=/dev/sd$disk bs=1M seek=1 count=63 oflag=direct status=none
done
labelled /dev/sda c1
labelled /dev/sdb c2
mdctl dump /dev/sdc >/tmp/dump || true
grep 'd0: mirror of d11 d12' /tmp/dump
grep -q regions /tmp/dump && fail "it is known what is dirty: this shows nothing"

contents() { dd if=/dev/md/dsk/d0 bs=64k count=64 iflag=direct status=none | sha256sum; }
modprobe md_rs
before=$(count_of /dev/sdb sectors_written)
run mdctl start
run metastat d0
contents=$(contents)
same "read again" "$contents" "$(contents)"
is_at_rest() { [ "$(described d0 .resync)" = null ]; }
wait_for 100 is_at_rest
copied=$(($(count_of /dev/sdb sectors_written) - before))
size=$(blockdev --getsz /dev/md/dsk/d0)
echo "copied: $copied of $size sectors"
[ "$copied" -ge "$size" ] || fail "not all of the mirror is copied"
same "states" Okay,Okay "$(states d0)"
same_sides d0
same "after the resync" "$contents" "$(contents)"
run mdctl stop
run mdctl start
same "resync after a clean stop" null "$(described d0 .resync)"
run mdctl stop
GUEST

boot_limit=280
add_disks 64M 64M 16M
boot --share tests/images "$dir/check"
