#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a component that fails is replaced by another disk, or enabled again when its disk is
#         good, while a file system on the mirror is in use: nobody sees an error, only that
#         component is written, and the disk that it was is free. Of components that have failed on
#         both sides the last copy comes last, and by force neither. What cannot take a component's
#         place is refused and changes nothing.
# Clause: svm.md 4.2, 4.7, 4.9, 13.3 (14, 15, 16); DURABILITY 5, 7, 10, 11; issue 7
# Lanes: drawn
# Vm: --disks 9 --disk-size 20M --leaks
# Timeout: 400
# What is compared: the sides block by block; files with what was written; sectors written to the
# component next to the one that is replaced; the document of metastat before and after a refusal.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/blocks.sh
. "$MD_TEST_LIB/blocks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/faults.sh
. "$MD_TEST_LIB/faults.sh"

written() { count_of "$1" sectors_written; }

# everything: what there is. How far a resync is changes by itself.
everything() { metastat --json | jq -S 'del(.metadevices[].resync)'; }

# refused_and_same PATTERN COMMAND...: nothing is changed by what is refused.
refused_and_same() {
	everything >/tmp/before
	refuse "$@"
	everything | diff /tmp/before - || fail "what was refused has changed something"
}

# write_all, wrong TAG: all of d10; prints what is wrong.
blocks_of_d10() { echo $(($(blockdev --getsz $d10) / 8)); }
write_all() { /tmp/blocks write batch $d10 0 "$(blocks_of_d10)" "$1" | sed -n 1,5p | xargs; }
wrong() { /tmp/blocks read batch $d10 0 "$(blocks_of_d10)" "$1" | sed -n 1,5p | xargs; }

make_blocks
modprobe md_rs
make_replaceable
replace_under mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0
run metareplace -w d10 /dev/sdg /dev/mapper/b0
same_sides d10

note "only the component that is replaced is written"
same "errors" "" "$(write_all old)"
sick b0 /dev/sde no_writes
same "errors" "" "$(/tmp/blocks write one $d10 0 1 old)"
sick b0 /dev/sde good
same "states" "Okay,Okay Maintenance,Okay" "$(states d11) $(states d12)"
neighbour=$(written /dev/sdf) own=$(written /dev/sde)
run metareplace -e -w d10 /dev/mapper/b0
size=$(($(blockdev --getsz $d10) / 2))
own=$(($(written /dev/sde) - own)) neighbour=$(($(written /dev/sdf) - neighbour))
echo "sectors written: $own to the component, which has $size, and $neighbour to its neighbour"
if [ $own -lt $size ] || [ $own -gt $((size + 128)) ]; then
	fail "not all of it was copied, or some of it twice"
fi
# Its label says what the stripe is made of.
[ $neighbour -le 128 ] || fail "its neighbour was written, too"
same_sides d10

note "what cannot take its place"
mapped small "0 16384 linear /dev/sdh 0"
null_disk large size=20 blocksize=4096
run metainit d20 1 1 /dev/sdi
refused_and_same 'is in service' metareplace -e d10 /dev/mapper/b0
sick b0 /dev/sde no_writes
same "errors" "" "$(/tmp/blocks write one $d10 0 1 old)"
same "states" "Okay,Okay Maintenance,Okay" "$(states d11) $(states d12)"
sick b0 /dev/sde good
refused_and_same 'small: is too small: it has' metareplace d10 /dev/mapper/b0 /dev/mapper/small
refused_and_same 'large: has logical blocks of 4096' metareplace d10 /dev/mapper/b0 /dev/large
for other in sdi sdh mapper/a0 mapper/b1 sdd md/dsk/d12 md/dsk/d10; do
	refused_and_same "/dev/$other: .*(in use|part of|component|mirror|twice|mapper)" \
		metareplace d10 /dev/mapper/b0 "/dev/$other"
done
refused_and_same 'sdg9: there is no such|sdg9: .*No such' metareplace d10 /dev/mapper/b0 /dev/sdg9
refused_and_same 'sdg: is no component of d10' metareplace d10 /dev/sdg /dev/mapper/b0
refused_and_same 'sdg: is no component of d10' metareplace -e d10 /dev/sdg
refused_and_same 'd11: is not a mirror' \
	metareplace d11 /dev/mapper/a0 /dev/sdg
mkfs.ext4 -qF /dev/sdg
refused_and_same 'sdg: carries' metareplace d10 /dev/mapper/b0 /dev/sdg
run metareplace -n -f d10 /dev/mapper/b0 /dev/sdg
same "states" "Okay,Okay Maintenance,Okay" "$(states d11) $(states d12)"
everything | diff /tmp/before - || fail "a check has changed something"
run blkid -o value -s TYPE /dev/sdg
run metareplace -f -w d10 /dev/mapper/b0 /dev/sdg
same_sides d10
same "what is wrong" "" "$(wrong old)"

note "both sides have failed: the last copy comes last"
sick b1 /dev/sdf no_writes
same "errors" "" "$(write_all new)"
sick a1 /dev/sdd no_writes
write_all newer >/dev/null
same "states" "Okay,Last Erred Okay,Maintenance" "$(states d11) $(states d12)"
metastat d10
sick a1 /dev/sdd good
same "errors" "" "$(write_all newest)"
refused_and_same 'a1: holds the last copy of its data: components of submirror 1 come first' \
	metareplace d10 /dev/mapper/a1 /dev/mapper/b0
refused_and_same 'a1: holds the last copy of its data: components of submirror 1 come first' \
	metareplace -e d10 /dev/mapper/a1
# By force neither: nobody else has it.
refused_and_same 'd11: has, or may have, blocks that no other submirror of d10' \
	metareplace -f d10 /dev/mapper/a1 /dev/mapper/b0
refused_and_same 'd11: has, or may have, blocks that no other submirror of d10' \
	metareplace -e -f d10 /dev/mapper/a1
sick b1 /dev/sdf good
run metareplace -e -w d10 /dev/mapper/b1
same "states" "Okay,Maintenance Okay,Okay" "$(states d11) $(states d12)"
same "what is wrong" "" "$(wrong newest)"
metastat d11 | grep -E 'Invoke: metareplace d10 /dev/mapper/a1 <new device>' ||
	fail "what to type is not shown"
run metareplace -w d10 /dev/mapper/a1 /dev/mapper/b0
same "states" "Okay,Okay Okay,Okay" "$(states d11) $(states d12)"
same_sides d10
same "what is wrong" "" "$(wrong newest)"

note "what was replaced stays so after a restart"
metastat -p >/tmp/before
run mdctl stop
run mdctl start
metastat -p | diff /tmp/before - || fail "it is made of something else"
same "states" "Okay,Okay Okay,Okay" "$(states d11) $(states d12)"
same "what is wrong" "" "$(wrong newest)"
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
