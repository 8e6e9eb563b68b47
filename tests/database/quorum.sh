#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a set with three replicas starts with any two of them; with one it does not, says why, and
#         can be started to read. Two disks with a replica each and a tie-breaker on a third device
#         start with either of them, and without the tie-breaker when both are there; with half
#         alone they do not. A replica that was away is brought up to date. A set that runs goes on
#         with half, if the tie-breaker is there or there is none.
# Clause: DURABILITY 1, 2, 3, 6; issue 6
# Lanes: stock
# Vm: --disks 5 --disk-size 32M
# Timeout: 500
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

# away SERIAL...: disks are pulled.
away() {
	local serial
	for serial in "$@"; do
		run vmctl unplug "$serial"
		wait_for 20 is_gone "$serial"
	done
}

# back SERIAL...: they are there again, perhaps by another name.
back() {
	local serial
	for serial in "$@"; do
		run vmctl plug "$serial"
		wait_for 20 is_there "$serial"
	done
}
is_there() { [ -n "$(disk_named "$1")" ]; }
is_gone() { [ -z "$(disk_named "$1")" ]; }

# flags: of the replicas, by the serial numbers of their disks.
flags() { metadb | awk 'NR > 2 { print $1 }' | sort | uniq -c | awk '{ print $1 $2 }' | xargs; }

# starts UNITS...: the set starts, with these metadevices.
starts() {
	run mdctl start
	same "metadevices" "$*" "$(metastat -p | awk '/^d/ { print $1 }' | sort | xargs)"
}

modprobe md_rs
note "a tie-breaker and a voter on one disk, each in a partition"
printf 'size=8M\nsize=8M\n' | sfdisk -q /dev/sde
run metadb -a -f /dev/sde1
refuse 'tie-breaker belongs on a disk' metadb -a -t /dev/sde2
run metadb -a /dev/sda /dev/sde2
run metadb -d /dev/sde1 /dev/sde2
for part in 1 2; do refuse 'has nothing of a set' mdctl probe /dev/sde$part; done
run metadb -a -t /dev/sde1
refuse 'tie-breaker belongs on a disk' metadb -a /dev/sde2
run metadb -d /dev/sde1
run metadb -d -f /dev/sda
same "what is left of the set" "" "$(mdctl scan)"
run mdctl start --at-last
run wipefs -q -a /dev/sde

note "three disks"
run metadb -a -f /dev/sda
run metadb -a /dev/sdb /dev/sdc
refuse 'has a replica of this kind already' metadb -a /dev/sdb
refuse 'tie-breaker belongs on a disk' metadb -a -t /dev/sdb
run metainit d1 1 1 /dev/sda
run metainit d2 1 1 /dev/sdb
run metadb -d /dev/sdb
same "what is on a component" ", component" "$(mdctl probe /dev/sdb | grep -o ', component')"
run metadb -a /dev/sdb
run mdctl stop

note "two of three"
for gone in disk0 disk1 disk2; do
	away $gone
	run mdctl start
	same "replicas" "1W 2au" "$(flags)"
	run metainit "d1${gone#disk}" 1 1 "$(disk_named disk3)"
	run metaclear "d1${gone#disk}"
	run mdctl stop
	back $gone
done
starts d1 d2
same "replicas" 3au "$(flags)"
run mdctl stop

note "one of three: nothing newer may be missed"
away disk1 disk2
refuse '1 of 3 voting replicas are there' mdctl start
run mdctl start --read-only | tee /tmp/said
grep -q 'mdctl start --give-up-missing' /tmp/said || fail "it does not say what to type"
metadb | grep -q READ-ONLY || fail "metadb does not say that the set is read-only"
metadb -i | grep -q 'mdctl start --give-up-missing' || fail "nor what to type"
run dd if=/dev/md/dsk/d1 of=/dev/null bs=64k count=1 status=none
refuse 'not permitted|Read-only' dd if=/dev/zero of=/dev/md/dsk/d1 bs=64k count=1 oflag=direct
refuse 'read-only' metainit d9 1 1 "$(disk_named disk3)"
run mdctl stop
back disk1 disk2

note "two disks and a tie-breaker"
starts d1 d2
run metadb -d "$(disk_named disk2)"
run metadb -a -t "$(disk_named disk4)"
metadb -i
same "replicas" "2au 1aut" "$(flags)"
run mdctl stop
for gone in disk0 disk1; do
	away $gone
	starts d1 d2
	run mdctl stop
	back $gone
	starts d1 d2
	same "replicas" "2au 1aut" "$(flags)"
	run mdctl stop
done

note "a disk that was away while the other went on is old: the tie-breaker knows it"
away disk0
starts d1 d2
run mdctl stop
back disk0
away disk1
refuse '1 of 2 voting replicas are there' mdctl start
back disk1
starts d1 d2
run mdctl stop

note "without the tie-breaker"
away disk4
starts d1 d2
run mdctl stop
away disk0
refuse '1 of 2 voting replicas are there' mdctl start
back disk0 disk4
starts d1 d2
same "replicas, without the tie-breaker that was lost" "2au" "$(flags)"
run metadb -d "$(disk_named disk1)"
run metaclear d1
run metaclear d2
run metadb -d -f "$(disk_named disk0)"

note "two disks with two replicas each, and a tie-breaker"
run metadb -a -f -c 2 "$(disk_named disk0)"
run metadb -a -c 2 "$(disk_named disk1)"
# It has what is left of the set that it was lost from.
run metadb -f -a -t "$(disk_named disk4)"
run metainit d3 1 1 "$(disk_named disk3)"
run mdctl stop
for gone in disk0 disk1; do
	away $gone
	starts d3
	same "replicas" "2W 2au 1aut" "$(flags)"
	run mdctl stop
	back $gone
	starts d3
	run mdctl stop
done

note "half of the voters goes while the set runs, and then the tie-breaker"
starts d3
away disk0
run metainit hsp001
same "replicas" "2W 2au 1aut" "$(flags)"
away disk4
refuse 'the set is read-only' metainit hsp002
metadb -i | grep -q 'mdctl start --give-up-missing' || fail "metadb does not say what to type"
back disk0 disk4
run mdctl stop
starts d3
run metahs -i hsp001

note "without a tie-breaker half of them is enough to go on with, and not to start with"
run metadb -d "$(disk_named disk4)"
away disk1
run metainit hsp003
run mdctl stop
refuse '2 of 4 voting replicas are there' mdctl start
back disk1
starts d3
run metahs -i hsp003
