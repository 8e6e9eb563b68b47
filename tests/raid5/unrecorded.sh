#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a column of RAID5 fails at a flush while most of the replicas of the state database cannot
#         be written, so that nothing excuses it: that flush fails, and each one after it, since the
#         record says that the column has what it was not flushed of. Nothing is written any more;
#         what is there can be read. After a restart each block is what it was or what was written,
#         and the parity fits.
# Clause: DURABILITY 1, 5, 7; issue 9
# Lanes: drawn
# Vm: --disks 6 --disk-size 16M
# Timeout: 200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

d20=/dev/md/dsk/d20
columns=(/dev/mapper/sa /dev/mapper/sb /dev/mapper/sc)

# flush: asks for a flush of all that was written, and writes nothing.
flush() { dd if=/dev/null of=$d20 conv=fsync,notrunc status=none; }
fails_to_flush() { refuse 'Input/output error' dd if=/dev/null of=$d20 conv=fsync,notrunc; }

# filled TAG: two whole rows, which are only announced in the logs.
filled() { sectors "$1" 0 128; }
write_rows() { filled "$1" | dd of=$d20 bs=64k count=1 iflag=fullblock oflag=direct status=none; }
rows() { dd if=$d20 bs=64k count=1 iflag=direct status=none | sha256sum; }

raid_tool
modprobe md_rs
for n in a b c d e; do sick "s$n" "/dev/sd$n" good; done
run metadb -a -f /dev/mapper/sd
run metadb -a /dev/mapper/se /dev/sdf
run metainit d20 -r "${columns[@]}" -i 16k
wait_for 60 is_made d20
write_rows old
run flush
old=$(rows)

note "a column fails at a flush, and that cannot be recorded"
write_rows new
new=$(rows)
for n in d e; do sick "s$n" "/dev/sd$n" no_writes; done
sick sb /dev/sdb no_writes
fails_to_flush
same "states" Okay,Maintenance,Okay "$(column_states d20)"
for _ in 1 2 3; do fails_to_flush; done
refuse 'Input/output error' dd if=/dev/zero of=$d20 bs=4k seek=100 count=1 oflag=direct
same "what is read" "$new" "$(rows)"

note "nor does it help that they can be written again"
for n in b d e; do sick "s$n" "/dev/sd$n" good; done
fails_to_flush
metastat d20

note "after a restart the columns fit"
run mdctl stop
run mdctl start
# One replica may have heard of it.
columns_are d20 Okay,Okay,Okay || run metareplace -e -w d20 /dev/mapper/sb
same "states" Okay,Okay,Okay "$(column_states d20)"
found=$(rows)
[ "$found" = "$old" ] || [ "$found" = "$new" ] || fail "the rows are neither old nor new"
columns_tell d20 "${columns[@]}"
write_rows newer
run flush
columns_tell d20 "${columns[@]}"
run mdctl stop

note "where nothing may be written nothing has to be flushed"
run mdctl start --read-only
run sync $d20
run mdctl stop
run modprobe -r md_raid md_rs
