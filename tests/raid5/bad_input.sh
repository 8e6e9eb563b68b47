#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what RAID5 cannot be, or not yet, is refused with a reason, and changes nothing: without a
#         state database, with too few columns or too small ones, of metadevices or below them; and
#         the last replica stays as long as there is one.
# Clause: svm.md 5.1; issue 9
# Lanes: drawn
# Vm: --disks 6 --disk-size 16M
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/raid.sh
. "$MD_TEST_LIB/raid.sh"

modprobe md_rs
refuse 'state database' metainit d20 -r sda sdb sdc
run metadb -a -f /dev/sde
refuse 'RAID5 has 3 to 64 components, not 2' metainit d20 -r sda sdb
refuse 'given twice' metainit d20 -r sda sdb sdb
refuse 'multiple of 4k' metainit d20 -r sda sdb sdc -i 6k
refuse 'too small' metainit d20 -r sda sdb sdc -i 32m
refuse 'no such hot spare pool' metainit d20 -r sda sdb sdc -h hsp001
refuse 'a number from 3 to 3' metainit d20 -r sda sdb sdc -o 2
refuse 'a number from 10 to 100' metainit d20 -r sda sdb sdc -w 9
run metainit d10 1 1 sdd
refuse 'a column of RAID5 is a disk or partition' metainit -f d20 -r sda sdb d10
run metainit -n d20 -r sda sdb sdc
same "metadevices" d10 "$(metastat --json | jq -r '.metadevices[].name' | xargs)"

run metainit d20 -r sda sdb sdc -i 64k --resync-ceiling 1 --resync-floor 1
refuse 'only soft partitions are made of these' metainit -f d30 1 1 d20
refuse 'only soft partitions are made of these' metainit -f d30 -m d20
refuse 'exists already' metainit d20 -r sda sdb sdc
refuse 'is part of the metadevice d20' metainit d21 -r sda sdb sdf
refuse 'is being made' metattach d20 sdf
refuse 'has one interlace' metattach -i 64k d20 sdf
refuse 'no read or write policy' metaparam -r first d20
refuse 'is not a mirror' metasync --repair=d10 d20
run metaparam -h none d20
run metaparam --resync-ceiling none --resync-floor none d20
refuse 'RAID5' metadb -d -f /dev/sde
wait_for 60 is_made d20
refuse 'a column of RAID5 is a disk or partition' metattach -f d20 d10
refuse 'is no component' metareplace d20 sdf sdf
refuse 'nothing to be enabled' metareplace -e d20 sda
run metastat d20
run metarename d20 d22
same "columns" 3 "$(described d22 ' | .columns | length')"
dd if=/dev/zero of=/dev/md/dsk/d22 bs=64k count=16 oflag=direct status=none
run metaclear d22
run metaclear d10
run metadb -d -f /dev/sde
run modprobe -r md_raid md_stripe md_rs
