#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: disks of a mirror are pulled under a load that verifies what it reads: as long as a copy
#         of every block is there nobody sees an error, and metastat says what is out of service and
#         what to type. With the last copy of a block the errors come, and nothing hangs.
# Clause: svm.md 4.2, 4.7, 10.1; issue 4
# Lanes: drawn
# Vm: --disks 4 --disk-size 32M
# Timeout: 400
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10

# shown EXPECTED: the lines of metastat that say how things are, without blanks at their ends.
shown() {
	metastat d10 >/tmp/metastat
	grep -A 1 -E '^d1|State: |Invoke: |^[[:space:]]+/dev/sd' /tmp/metastat |
		grep -E '^d1|State: |Invoke: |metareplace|^[[:space:]]+/dev/sd' |
		sed -E 's/[[:space:]]+/ /g; s/ $//; s/^ //; s/ [0-9]+ read.*//; s/ none$//' \
			>/tmp/found
	diff "$1" /tmp/found || {
		cat /tmp/metastat
		fail "metastat says something else (< expected, > found)"
	}
	cat /tmp/found
}

# load SECONDS: reads and writes all over d10, of which each read is compared.
load() {
	fio --name=load --filename=$d10 --direct=1 --ioengine=libaio --iodepth=16 \
		--bssplit=4k/60:16k/20:64k/20 --rw=randrw --numjobs=2 --size=50% \
		--offset_increment=50% \
		--verify=crc32c --verify_backlog=64 --verify_fatal=1 --randseed="$(small_seed)" \
		--time_based --runtime="$1" --output=/tmp/fio.log
}

# under_load SECONDS COMMAND...: runs a command in the middle of a load, which must not notice.
under_load() {
	local seconds=$1 load
	shift
	load "$seconds" &
	load=$!
	sleep 2
	"$@"
	wait $load || {
		cat /tmp/fio.log
		fail "the load had errors"
	}
}

gone_is() { states_are "$1" "$2"; }

modprobe md_rs
run metainit d11 1 2 /dev/sda /dev/sdb -i 32k
run metainit d12 1 2 /dev/sdc /dev/sdd -i 32k
run metainit --assume-clean d10 -m d11 d12

note "a disk is pulled when nobody uses it: it is not there, but nothing is wrong with it"
run vmctl unplug disk1
wait_for 20 gone_is d11 "Okay,Unavailable"
cat >/tmp/expected <<'T'
d10: Mirror
State: Unavailable
State: Okay
d11: Submirror of d10
State: Unavailable
Invoke: after the missing device is back:
metareplace -e d10 /dev/sdb
/dev/sda 2048 No Okay
/dev/sdb 2048 No Unavailable
d12: Submirror of d10
State: Okay
/dev/sdc 2048 No Okay
/dev/sdd 2048 No Okay
T
shown /tmp/expected

note "with the first use it is out of service"
run load 2
wait_for 20 gone_is d11 "Okay,Maintenance"

note "a disk of the other side is pulled under load, which has another part of the data"
under_load 6 run vmctl unplug disk2
same "states" "Okay,Maintenance Maintenance,Okay" "$(states d11) $(states d12)"
run load 2

note "the last copy of some blocks is pulled under load"
load 60 &
load=$!
sleep 2
run vmctl unplug disk0
ends() { ! kill -0 $load 2>/dev/null; }
wait_for 60 ends
if wait $load; then fail "the load had no error"; fi
same "states" "Last Erred,Maintenance Maintenance,Okay" "$(states d11) $(states d12)"
refuse 'Input/output error' dd if=$d10 of=/dev/null bs=4k count=1 iflag=direct status=none
run dd if=$d10 of=/dev/null bs=32k skip=1 count=1 iflag=direct status=none
refuse 'Input/output error' sync -d $d10
refuse d10 metaclear d10
run metaclear -f d10
run metaclear d11
run metaclear d12
run modprobe -r md_mirror md_stripe md_rs
