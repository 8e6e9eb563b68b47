#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a disk that does not answer, loses its path or is pulled is not taken for lost: nothing is
#         done, and other disks are asked on time meanwhile.
# Clause: issue 10: a disk that is merely gone or slow is not a lost reservation
# Lanes: drawn
# Vm: --disks 1 --disk-size 16M
# Timeout: 180
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/lio.sh
. "$MD_TEST_LIB/lio.sh"

modprobe md_rs
# shellcheck disable=SC2119
shared_disk
faulty_disk 8

note "a disk that does not answer"
for disk in "$faulty" "$ours"; do
	run mdctl mhd action "$disk" fence
	run mdctl mhd quick-reserve "$disk"
	run mdctl mhd failfast "$disk" 500
done
probes() { mhd_in_sight "$ours" .probes; }
# 'keys' does not wait for the disk that we look at, as 'status' would.
mhd_in_sight() { mdctl mhd action --json "$1" fence | jq -r ".multihost[0]$2"; }
run mhd_in_sight "$faulty" .probes
# The next TEST UNIT READY never answers.
echo "0 -1 0x00" >"$faults"
sleep 3
before=$(probes)
sleep 5
after=$(probes)
[ $((after - before)) -ge 6 ] || fail "the other disk was asked $((after - before)) times in 5 s"
is_told() { dmesg | grep -q 'failfast: .*no answer to a probe'; }
wait_for 30 is_told
! dmesg | grep 'reservation lost' || fail "a stall was taken for a loss"

note "a path that is gone"
echo offline >"$TARGET/loopback/naa.6001405000000001/tpgt_1/transport_status"
sleep 2
same "lost" null "$(mhd_in_sight "$ours" .lost)"
same "fenced" false "$(mhd_in_sight "$ours" .fenced)"
echo online >"$TARGET/loopback/naa.6001405000000001/tpgt_1/transport_status"
is_seen() { [ "$(mhd_in_sight "$ours" '.good_ms < 1000')" = true ]; }
wait_for 20 is_seen

note "a disk that is pulled"
echo 1 >"/sys/block/${ours#/dev/}/device/delete"
is_gone() { dmesg | grep -q 'failfast: .*the disk is gone'; }
wait_for 20 is_gone
! dmesg | grep 'reservation lost' || fail "a pulled disk was taken for a lost one"
