#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk does not answer. While SCSI tries again nobody sees an error, reads go to the other
#         side, and nothing is taken out of service; when SCSI gives the disk up, the component is,
#         before the write that waits for it is acknowledged; with the disk back it is enabled.
# Clause: DURABILITY 4, 13; issue 7: scsi_debug time-outs
# Lanes: drawn
# Vm: --disks 1 --disk-size 16M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/blocks.sh
. "$MD_TEST_LIB/blocks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
blocks=1792

# inject TYPE COUNT OPCODE: COUNT commands fail in this way: 0 no answer, 3 not to be aborted, 4 not
# to be reset.
inject() {
	printf '$ error injection %s for %s commands 0x%02x\n' "$1" "$2" "$3"
	printf '%d -%d 0x%02x\n' "$1" "$2" "$3" >"$where/error"
}
holds() {
	same "blocks of d10 without what was written" "" \
		"$(/tmp/blocks read one $d10 0 $blocks mirror | sed -n 1,5p | xargs)"
}
# put FIRST COUNT: writes blocks, of which none may fail; how many milliseconds that took.
put() {
	local began
	began=$(date +%s%3N)
	same "errors" "" "$(/tmp/blocks write one $d10 "$1" "$2" mirror)" >&2
	echo $(($(date +%s%3N) - began))
}

make_blocks
modprobe md_rs
modprobe scsi_debug dev_size_mb=8 delay=0
is_there() { [ -n "$(lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print $1 }')" ]; }
wait_for 20 is_there
disk=/dev/$(lsblk -dnro NAME,MODEL | awk '/scsi_debug/ { print $1 }')
device=$(readlink -f "$(in_sysfs "$disk")/device")
where=/sys/kernel/debug/scsi_debug/$(basename "$device")
echo 2 >"$device/timeout"
echo 1 >"$device/eh_timeout"
run metainit d11 1 1 "$disk"
run metainit d12 1 1 /dev/sda
run metainit d10 -m d11 d12
run metasync -r -w
put 0 $blocks

note "one write is not answered: it is tried again"
inject 0 1 0x2a
took=$(put 100 1)
echo "the write took $took ms"
[ "$took" -ge 1000 ] || fail "the time-out did not happen: this shows nothing"
same "states" "Okay Okay" "$(states d11) $(states d12)"
same "errors" "0 0" "$(errors d11 0 read) $(errors d11 0 write)"

note "reads are not answered: the first one waits, the others go to the other side"
run metaparam -r first d10
inject 0 3 0x28
/tmp/blocks read one $d10 0 1 mirror >/tmp/slow &
slow=$!
is_slow() { metastat d11 | grep -q slow; }
sleep 2
began=$(date +%s%3N)
same "errors" "" "$(/tmp/blocks read one $d10 8 200 mirror)"
took=$(($(date +%s%3N) - began))
wait $slow || fail "the read that was stuck had an error"
same "what the stuck read has found" "" "$(cat /tmp/slow)"
echo "200 reads took $took ms"
same "states" "Okay Okay" "$(states d11) $(states d12)"

note "the disk never answers again, and cannot be reset: it is given up"
inject 0 1000 0x2a
for type in 3 4; do inject $type 1000 0xff; done
took=$(put 200 4)
echo "the writes took $took ms"
same "states" "Maintenance Okay" "$(states d11) $(states d12)"
metastat d11 | grep -F "Invoke: metareplace d10 $disk <new device>" ||
	fail "what to type is not shown"
holds
took=$(put 300 100)
[ "$took" -lt 2000 ] || fail "writes still wait for the disk: $took ms"

note "it is back, and is enabled"
for what in "0 0x2a" "0 0x28" "3 0xff" "4 0xff"; do
	echo "- $what" >"$where/error"
done
echo running >"$device/state"
run metareplace -e -w d10 "$disk"
same "states" "Okay Okay" "$(states d11) $(states d12)"
holds
same_sides d10
run metaclear -r d10
run modprobe -r scsi_debug
run modprobe -r md_mirror md_stripe md_rs
