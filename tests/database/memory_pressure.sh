#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: with hardly any memory left, and swap on a mirror whose regions have to be recorded before
#         they are written to, commands that change the state database come to an end, and so does
#         all that is swapped out and in.
# Clause: DURABILITY 7; issue 6: no deadlock under memory pressure
# Lanes: drawn,nodebug
# Vm: --mem 320M --disks 4 --disk-size 320M
# Timeout: 900
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

seconds=$(by_lane 30 200 30)
modprobe md_rs
run metadb -a -f /dev/sdc
run metadb -a /dev/sdd
run metainit d1 1 1 /dev/sda
run metainit d2 1 1 /dev/sdb
run metainit --assume-clean d10 -m d1 d2
run mkswap -q /dev/md/dsk/d10
run swapon /dev/md/dsk/d10

# More than there is: each of the two fills its memory, and looks whether it is still so.
stress-ng --vm 2 --vm-bytes 180M --vm-keep --verify --timeout "$seconds" >/tmp/stress.log 2>&1 &
stress=$!
end=$((SECONDS + seconds)) rounds=0
while [ $SECONDS -lt $end ]; do
	run metainit d30 1 1 /dev/sdc
	run metainit d31 -p d30 8m
	run metaparam -p $((rounds % 9 + 1)) d10
	run metaclear d31
	run metaclear d30
	rounds=$((rounds + 1))
done
wait $stress || {
	cat /tmp/stress.log
	fail "stress-ng has found other memory than it has written"
}
echo "$rounds rounds"
[ "$(count_of /dev/md/dsk/d10 sectors_written)" -gt 20480 ] ||
	fail "not even 10 MiB were swapped out: this shows nothing"
run swapoff /dev/md/dsk/d10
run metaclear d10
