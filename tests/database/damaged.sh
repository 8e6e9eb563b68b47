#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: parts of one replica are zeroed, overwritten with noise, or old: the set starts with what
#         was committed last, and a replica that can still be recognised is repaired, by its tail
#         also if it is of another length, or one of two on its disk. With the same damage in all of
#         them nothing is invented.
# Clause: DURABILITY 1, 3, 20; issue 6
# Lanes: drawn
# Vm: --disks 4 --disk-size 8M
# Timeout: 400
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

RANDOM=$(small_seed)
flags() { metadb | awk 'NR > 2 { print $1 }' | sort | uniq -c | awk '{ print $1 $2 }' | xargs; }
units() { metastat -p | sort | awk '{ print $1 ($1 == "d10" && / -r / ? "r" : "") }' | xargs; }
all_current() { [ "$(flags)" = 3au ]; }
all_four() { [ "$(flags)" = 4au ]; }

# pages DISK FIRST COUNT FROM: writes that over pages of 4 KiB of a disk.
pages() {
	dd if="$4" of="$1" bs=4k seek="$2" count="$3" conv=notrunc oflag=direct iflag=fullblock \
		status=none
}

modprobe md_rs
run metadb -a -f /dev/sda
run metadb -a /dev/sdb /dev/sdc
run metainit d1 1 1 /dev/sdd
run metainit d10 -m d1
run mdctl stop
run mdctl start
run metaparam -r first d10
run mdctl stop

# The replica is at page 32, with 192 pages: head 32, roots 33 to 36, slots from 37 on, tail 223.
note "one replica"
for what in "32 1" "33 2" "35 2" "33 4" "37 186" "223 1" "32 192" "$((37 + RANDOM % 20)) 3"; do
	for with in /dev/zero /dev/urandom; do
		read -r first count <<<"$what"
		echo "pages $first to $((first + count - 1)) of sdb from $with"
		pages /dev/sdb "$first" "$count" $with
		run mdctl start
		same "metadevices" "d1 d10r" "$(units)"
		if [ "$first $count" = "32 192" ]; then
			same "replicas" "1W 2au" "$(flags)"
			run metadb -d "$(metadb | awk '/missing/ { print $NF }')"
			run metadb -a /dev/sdb
		fi
		wait_for 60 all_current
		run mdctl stop
	done
done

note "replicas of other lengths, of which the head is lost: the tail tells"
run mdctl start
run metadb -d /dev/sdb
run metadb -a -l 192 /dev/sdb
run metadb -d /dev/sdc
run metadb -a -c 2 -l 800 /dev/sdc
# The second copy of a component's label would be in the middle of the second one.
refuse 'room for them up to block 1792' metainit d2 1 1 /dev/sdc
run mdctl stop
# Those of sdc have 100 pages from 32 and from 132 on, that of sdb has 24 from 32 on.
for what in "sdb 32" "sdc 32" "sdc 132" "sdb 55"; do
	for with in /dev/zero /dev/urandom; do
		read -r disk first <<<"$what"
		echo "page $first of $disk from $with"
		pages "/dev/$disk" "$first" 1 $with
		same "what is found" "$(printf '%s\n' 1 1 2)" \
			"$(mdctl scan --json | jq -r '.members[] | select(.replicas > 0).replicas')"
		run mdctl start
		same "metadevices" "d1 d10r" "$(units)"
		wait_for 60 all_four
		run mdctl stop
		run mdctl dump "/dev/$disk" >/tmp/dump || fail "it is not mended: $(cat /tmp/dump)"
	done
done

note "a disk with nothing but two replicas is called by the name of the set, too"
run mdctl start
run metadb -d /dev/sda /dev/sdb
run mdctl stop
run mdctl start
same "name" local "$(metadb --json | jq -r .database.name)"
mdctl probe --udev /dev/sdc | grep ID_FS_LABEL=local || fail "the name is not on the disk"
run metadb -a /dev/sda /dev/sdb
run metadb -d /dev/sdc
refuse 'nothing of a set' mdctl probe /dev/sdc
run metadb -a /dev/sdc
run mdctl stop

note "an older state of one replica"
dd if=/dev/sdb of=/tmp/older bs=1M count=2 status=none
run mdctl start
run metaparam -r roundrobin d10
run mdctl stop
pages /dev/sdb 0 512 /tmp/older
run mdctl start
same "metadevices" "d1 d10" "$(units)"
wait_for 60 all_current
run mdctl stop

note "the same damage in all: pages of records"
for disk in a b c; do
	dd if=/dev/sd$disk of=/tmp/sd$disk bs=1M count=2 status=none
	pages /dev/sd$disk 37 186 /dev/zero
done
refuse 'no replica that was found has all of it|damaged' mdctl start
for disk in a b c; do pages /dev/sd$disk 0 512 /tmp/sd$disk; done
run mdctl start
same "metadevices" "d1 d10" "$(units)"
