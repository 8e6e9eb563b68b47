#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: when another host takes a disk that is watched, every metadevice on it fails from then on
#         and nothing of this host reaches the disk, whether a write finds that out or a probe; a
#         mirror keeps both sides in service; with 'log' nothing is done. Taken back, it works. All
#         of it is told by events and uevents.
# Clause: issue 10: failfast, actions fence and log
# Lanes: drawn
# Vm: --disks 3 --disk-size 16M
# Timeout: 180
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/lio.sh
. "$MD_TEST_LIB/lio.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

modprobe md_rs
# shellcheck disable=SC2119
shared_disk

# events: what was told of the disk so far.
events() {
	mdctl monitor --once --json |
		jq -r --arg disk "$ours" '.event | values | select(.device == $disk) | .event' |
		xargs
}
udevadm monitor --kernel --property >/tmp/uevents &
wait_for 10 grep -q KERNEL /tmp/uevents

write() { dd if=/dev/urandom of="$1" bs=4k count=1 oflag=direct conv=notrunc status=none; }
is_lost() { [ "$(mhd_says "$ours" '.lost')" = "$1" ]; }
is_fenced() { [ "$(mhd_says "$ours" '.fenced')" = true ]; }

run metainit d10 1 1 "$ours"
run metainit d21 1 1 /dev/sda
run mdctl mhd action "$ours" fence
run mdctl mhd take "$ours" --min 2000

note "found by a write, before any probe"
run mdctl mhd failfast "$ours" 600000
run write /dev/md/dsk/d10
run rival_seizes
refuse '' write /dev/md/dsk/d10
run is_fenced
same "found by" io "$(mhd_says "$ours" .lost)"
run mdctl mhd status "$ours"
sum=$(sha256sum </tmp/d0.img)
for _ in $(seq 20); do refuse '' write /dev/md/dsk/d10; done >/dev/null
same "what is on the disk" "$sum" "$(sha256sum </tmp/d0.img)"
dmesg | grep 'failfast: .*reservation lost' || fail "nobody was told"
are_told() { [ "$(events)" = "$*" ]; }
# Without any probe.
wait_for 5 are_told lost fenced
mdctl monitor --once --json | jq -se 'any(.[].event; .event == "fenced" and
	.old_state == "Lost" and .new_state == "Fenced")' || fail "its states were not told"

note "taken back, it works"
run rival_releases
run mdctl mhd take "$ours" --min 2000
run write /dev/md/dsk/d10
same "access" yes "$(mhd_says "$ours" .access)"
same "told" "lost fenced back" "$(events)"

note "found by a probe, with nobody writing"
run mdctl mhd failfast "$ours" 300
run rival_seizes
wait_for 10 is_fenced
same "found by" probe "$(mhd_says "$ours" .lost)"
refuse '' write /dev/md/dsk/d10
# What was waiting cannot reach it, though the other host lets go.
run rival_releases
sum=$(sha256sum </tmp/d0.img)
refuse '' write /dev/md/dsk/d10
same "what is on the disk" "$sum" "$(sha256sum </tmp/d0.img)"

note "a mirror fails as a whole, and blames no side"
run mdctl mhd take "$ours" --min 2000
run mdctl mhd failfast "$ours" 300
run metaclear d10
run metainit d22 1 1 "$ours"
run metainit --assume-clean d20 -m d21 d22
run write /dev/md/dsk/d20
run rival_seizes
wait_for 10 is_fenced
refuse '' write /dev/md/dsk/d20
refuse '' dd if=/dev/md/dsk/d20 of=/dev/null bs=4k count=1 iflag=direct status=none
same "states" Okay,Okay "$(states d20)"
run rival_releases
run mdctl mhd take "$ours" --min 2000
run write /dev/md/dsk/d20
same "states" Okay,Okay "$(states d20)"

note "with log nothing is done but to tell"
run mdctl mhd action "$ours" log
run mdctl mhd failfast "$ours" 300
run rival_seizes
wait_for 10 is_lost probe
same "fenced" false "$(mhd_says "$ours" .fenced)"
refuse '' write /dev/md/dsk/d20
run rival_releases
run write /dev/md/dsk/d20
same "states" Okay,Okay "$(states d20)"

note "what was told"
same "told" "lost fenced back lost fenced back lost fenced back lost" "$(events)"
seen() {
	awk -v RS= -v disk="MD_DEVICE=$ours" 'index($0, disk)' /tmp/uevents |
		sed -n 's/^MD_EVENT=//p' | xargs
}
is_seen() { [ "$(seen)" = "$(events)" ]; }
wait_for 10 is_seen
