#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk is taken from another host, kept, given up and reserved; whoever does not have it
#         is told so; the disk itself says the same. What must not be mixed is refused, and a disk
#         without reservations says that it has none. What is done when one is lost is the module's
#         parameter, until somebody says otherwise.
# Clause: issue 10: mhd(7I) MHIOCTKOWN, MHIOCRELEASE, MHIOCSTATUS, MHIOCQRESERVE
# Lanes: drawn
# Vm: --disks 2 --disk-size 16M
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/lio.sh
. "$MD_TEST_LIB/lio.sh"

modprobe md_rs
# shellcheck disable=SC2119
shared_disk

note "a disk that nobody has"
run mdctl mhd status "$ours"
same "access" yes "$(mhd_says "$ours" .access)"
run mdctl mhd quick-reserve "$ours"
same "way" reserve "$(mhd_says "$ours" .way)"
refuse 'eservation [Cc]onflict' rival_reserves
run mdctl mhd release "$ours"
run rival_reserves

note "a disk that another host has"
same "access" no "$(mhd_says "$ours" .access)"
refuse 'another host has it' mdctl mhd quick-reserve "$ours"

note "it is taken, and stays ours"
began=$SECONDS
run mdctl mhd take "$ours" --min 2000
[ $((SECONDS - began)) -ge 2 ] || fail "nobody can be sure that soon"
same "access" yes "$(mhd_says "$ours" .access)"
same "owned" true "$(mhd_says "$ours" .owned)"
refuse 'eservation [Cc]onflict' rival_reserves
refuse '' dd if="$theirs" of=/dev/null bs=4k count=1 iflag=direct status=none
run dd if="$ours" of=/dev/null bs=4k count=1 iflag=direct status=none

note "what must not be mixed"
refuse 'exclude each other' mdctl mhd register "$ours" --new-key 1
run mdctl mhd release "$ours"
run mdctl mhd register "$ours" --new-key a1
refuse 'exclude each other' mdctl mhd take "$ours"
run mdctl mhd register "$ours" --key a1 --new-key 0

note "a reset drops the reservation; it is put back"
run mdctl mhd take "$ours" --min 2000 --reinstate 1000
resets=$(mhd_says "$ours" .resets)
run sg_reset -d "$ours"
is_back() { [ "$(mhd_says "$ours" " | (.resets > $resets) and (.reinstating | not)")" = true ]; }
wait_for 20 is_back
refuse 'eservation [Cc]onflict' rival_reserves
run mdctl mhd release "$ours"
run rival_reserves
run rival_releases

note "a module that looks after a disk stays"
run mdctl mhd take "$ours" --min 2000
refuse 'in use' modprobe -r md_failfast
run mdctl mhd release "$ours"
run modprobe -r md_failfast

note "what the module says is done when a disk is lost"
run modprobe md_failfast action=2
same "action" fence "$(mhd_says "$ours" .action)"
