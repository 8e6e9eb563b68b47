#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: keys and persistent reservations by our commands are what sg_persist sees on the other
#         host, and the other way round; a preempted key is told of.
# Clause: issue 10: mhd(7I) MHIOCGRP_*
# Lanes: drawn
# Vm: --disks 1 --disk-size 16M
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/lio.sh
. "$MD_TEST_LIB/lio.sh"

modprobe md_rs
# shellcheck disable=SC2119
shared_disk

keys_there() { rival_keys -i -k | grep -oE '0x[0-9a-f]+$' | sort | xargs; }

note "keys"
run mdctl mhd keys "$ours"
run mdctl mhd register "$ours" --new-key a1
same "keys" 0xa1 "$(keys_there)"
run rival_keys -o -G -S 0xb2
same "our list" "0x00000000000000a1 0x00000000000000b2" \
	"$(mdctl mhd keys --json "$ours" | jq -r '.multihost[0].keys | sort | join(" ")')"
refuse 'another key' mdctl mhd register "$ours" --key 77 --new-key a2
run mdctl mhd register "$ours" --key a1 --new-key a2
run mdctl mhd register "$ours" --ignore --new-key a1 --aptpl
same "keys" "0xa1 0xb2" "$(keys_there)"

note "a reservation"
run mdctl mhd reservation "$ours"
run mdctl mhd reserve "$ours" --key a1 --type 5
run rival_keys -i -r
same "reservation" "write-exclusive-registrants 0x00000000000000a1" \
	"$(mdctl mhd reservation --json "$ours" |
		jq -r '.multihost[0].reservation | "\(.kind) \(.key)"')"

note "preempted, and preempting"
run rival_keys -o -P -K 0xb2 -S 0xa1 -T 5
same "keys" 0xb2 "$(keys_there)"
same "access" no "$(mhd_says "$ours" .access)"
refuse 'another key' mdctl mhd reserve "$ours" --key a1 --type 5
run mdctl mhd register "$ours" --ignore --new-key a1
run mdctl mhd preempt "$ours" --key a1 --victim b2 --type 5
same "keys" 0xa1 "$(keys_there)"
same "access" yes "$(mhd_says "$ours" .access)"
run mdctl mhd clear "$ours" --key a1
same "keys" "" "$(keys_there)"

note "a disk that has neither"
modprobe scsi_debug dev_size_mb=8
udev_free() { ls /sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block 2>/dev/null; }
wait_for 10 udev_free
plain=/dev/$(udev_free)
refuse 'has no command for that' mdctl mhd keys "$plain"
