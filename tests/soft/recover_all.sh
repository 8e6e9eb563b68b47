#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: every replica of the state database is destroyed, and 'metarecover --all' makes the set
#         again by the labels of its components and by watermarks: a stripe, a mirror when
#         somebody has chosen its good side, soft partitions on a disk, on the stripe and on the
#         mirror, and a stripe of soft partitions, with all their data. Until its good side is
#         chosen, the mirror and what is below of it waits, and its labels say what they said. Its
#         sides can be looked at in memory.
# Clause: svm.md 6.6; DURABILITY 1, 5, 18; issue 8
# Lanes: drawn
# Vm: --disks 8 --disk-size 64M --leaks
# Timeout: 240
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

units="d20 d21 d30 d31 d45"
# fill UNIT: random data, all over it.
fill() {
	head -c "$(described "$1" .size)" /dev/urandom |
		dd of=/dev/md/dsk/"$1" bs=1M iflag=fullblock oflag=direct conv=fsync status=none
}
sums() { for unit in $units; do checksum /dev/md/dsk/"$unit"; done; }

# destroy: every replica is gone, and so is what is in memory.
destroy() {
	run mdctl stop
	head -c 16M /dev/zero | dd of=/dev/sdg bs=1M iflag=fullblock oflag=direct status=none
	run modprobe -r md_sp md_mirror md_stripe
	modprobe md_rs
}

modprobe md_rs
run metadb -a -f /dev/sdg
run metainit d1 1 2 /dev/sda /dev/sdb -i 64k
run metainit d11 1 1 /dev/sdc
run metainit d12 1 1 /dev/sdd
run metainit d10 -m d11 d12 -r 3
run metasync -r -w
run metainit d20 -p d1 20m
run metainit d21 -p d10 10m
run metainit d30 -p d10 15m
run metattach d21 5m
run metainit d31 -p /dev/sde 10m
run metainit d41 -p /dev/sde 10m
run metainit d42 -p /dev/sdf 10m
run metainit d45 1 2 d41 d42 -i 32k
for unit in $units; do fill "$unit"; done
before=$(metastat -p | sort)
data=$(sums)

note "nothing is left but the components"
destroy
refuse 'no state database was found' mdctl start
run metadb -a -f /dev/sdg
same "metadevices" "" "$(metastat -p)"
refuse 'd10: waits' metarecover -n --all
same "metadevices" "" "$(metastat -p)"
refuse 'd10: waits: .* d11, d12' metarecover --all
metastat -p
grep -q '^d45 ' <(metastat -p) || fail "the stripe of soft partitions was not made"
for unit in d10 d11 d12 d21 d30; do
	if metastat "$unit" >/dev/null 2>&1; then fail "$unit does not wait"; fi
done
run mdctl dump /dev/sdc >/tmp/dump
grep -q 'd10' /tmp/dump || fail "the label has lost what it is part of"
refuse 'submirror of no mirror' metarecover --all --good d1
run metarecover --all --good d12
same "metadevices" "${before/d10 -m d11 d12/d10 -m d12 d11}" "$(metastat -p | sort)"
run metasync -r -w
same_sides d10
same "data" "$data" "$(sums)"
for base in d1 d10 /dev/sde /dev/sdf; do run metarecover $base -p; done

note "it is a set as any other one"
run mdctl stop
run mdctl start
same "data" "$data" "$(sums)"

note "without a state database the sides of a mirror can be looked at"
destroy
refuse 'd10: waits' metarecover --all
same "metadevices" "d1 d11 d12" "$(metastat -p | awk '{ print $1 }' | sort | xargs)"
sum=$(checksum /dev/md/dsk/d11)
same "sides" "$sum" "$(checksum /dev/md/dsk/d12)"
run metaclear -a
run metadb -a -f /dev/sdg
run metarecover --all --good d11
run metasync -r -w
same "data" "$data" "$(sums)"
run metaclear -a
