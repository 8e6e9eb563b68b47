#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a flush that fails on one side is a write error there: fsync succeeds, the component is in
#         Maintenance and not read or flushed any more; on the last side fsync fails. Writes reached
#         all sides before, and so did flushes.
# Clause: DURABILITY 8, 9; svm.md 4.7; issue 4
# Lanes: drawn,smoke
# Vm: --disks 4 --disk-size 16M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
disks=(/dev/sda /dev/sdb /dev/sdc /dev/sdd)

# counts WHAT: of the four disks, in one line.
counts() {
	local disk
	for disk in "${disks[@]}"; do count_of "$disk" "$1"; done | xargs
}

# more WHAT COMMAND...: which of the four disks have more of it after a command.
more() {
	local what=$1 before after n grown=
	read -ra before <<<"$(counts "$what")"
	"${@:2}" || fail "'${*:2}' ended with status $?"
	read -ra after <<<"$(counts "$what")"
	for n in 0 1 2 3; do [ "${after[n]}" = "${before[n]}" ] || grown+=" ${disks[n]#/dev/}"; done
	printf '%s\n' "${grown# }"
}

# write_16: an interlace to each component, past the page cache.
write_16() {
	dd if=/dev/urandom of=$d10 bs=64k count=16 oflag=direct conv=notrunc status=none
}
read_16() { dd if=$d10 of=/dev/null bs=64k count=16 iflag=direct status=none; }

# fsync_after_write: fsync(2) of d10, with 64 KiB that nobody has flushed.
fsync_after_write() {
	dd if=/dev/urandom of=$d10 bs=64k count=1 seek="$1" conv=notrunc,fsync status=none
}

modprobe md_rs
sick a0 /dev/sda good
sick b1 /dev/sdd good
run metainit d11 1 2 /dev/mapper/a0 /dev/sdb -i 64k
run metainit d12 1 2 /dev/sdc /dev/mapper/b1 -i 64k
run metainit --assume-clean d10 -m d11 d12

for writes in parallel serial; do
	run metaparam -w $writes d10
	same "disks that are written ($writes)" "sda sdb sdc sdd" "$(more writes write_16)"
	same "disks that are flushed ($writes)" "sda sdb sdc sdd" \
		"$(more flushes fsync_after_write 0)"
done

note "a flush fails on the first side"
run write_16
sick a0 /dev/sda no_writes
run sync -d $d10
same "states" "Maintenance,Okay Okay,Okay" "$(states d11) $(states d12)"
same "write errors" 1 "$(errors d11 0 write)"
sick a0 /dev/sda good
same "disks that are flushed" "sdb sdc sdd" "$(more flushes fsync_after_write 1)"
same "disks that are written" "sdb sdc sdd" "$(more writes write_16)"
for policy in roundrobin geometric first; do
	run metaparam -r $policy d10
	same "disks that are read ($policy)" "sdc sdd" "$(more reads read_16)"
done

note "a flush fails on both sides, in places of which each has a copy in service"
sick b1 /dev/sdd no_writes
run sync -d $d10
same "states" "Maintenance,Okay Okay,Maintenance" "$(states d11) $(states d12)"
same "disks that are flushed" "sdb sdc" "$(more flushes fsync_after_write 2)"
same "disks that are read" "sdb sdc" "$(more reads read_16)"
run metaclear -f d10
run metaclear d11
run metaclear d12

note "a flush fails on the last side"
sick a0 /dev/sda good
sick b1 /dev/sdd good
run metainit d11 1 1 /dev/mapper/a0
run metainit d12 1 1 /dev/mapper/b1
for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit --assume-clean d10 -m d11 d12
run write_16
sick b1 /dev/sdd no_writes
run fsync_after_write 0
sick a0 /dev/sda no_writes
refuse 'Input/output error' sync -d $d10
same "states" "Last Erred Maintenance" "$(states d11) $(states d12)"
refuse 'Input/output error' sync -d $d10
refuse 'Input/output error' fsync_after_write 0
sick a0 /dev/sda good
run fsync_after_write 0
run sync -d $d10
same "states" "Last Erred Maintenance" "$(states d11) $(states d12)"
run metaclear -f d10
run metaclear d11
run metaclear d12
