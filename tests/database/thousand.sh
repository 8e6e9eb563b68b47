#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a thousand metadevices are made from md.tab, listed, stopped and started again, each with
#         its own data; a commit writes no more pages when there are many.
# Clause: issue 6: room for 8192 metadevices; the cost of a commit
# Lanes: long,nodebug
# Vm: --disks 2 --disk-size 4G --mem 2G
# Timeout: 400
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"

count=1000
# Each component has 3 MiB: its reserved head, and 2 MiB of data.
table() {
	local n
	for ((n = 0; n < count; n++)); do
		printf 'c%d,,,rw,0 6144 linear /dev/sdb %d;' $n $((n * 6144))
	done
}
modprobe md_rs
modprobe dm_mod
table >/tmp/table
dmsetup create --concise "$(sed 's/;$//' /tmp/table)"
run dmsetup mknodes
for ((n = 0; n < count; n++)); do echo "d$n 1 1 /dev/mapper/c$n"; done >/tmp/md.tab

# sectors_of COMMAND...: what a command writes to the replica's disk.
sectors_of() {
	local before
	before=$(count_of /dev/sda sectors_written)
	"$@" >/dev/null
	echo $(($(count_of /dev/sda sectors_written) - before))
}

run metadb -a -f /dev/sda
first=$(sectors_of metainit -T /tmp/md.tab d0)
# With -f, or wipefs would be asked a thousand times.
run metainit -f -a -T /tmp/md.tab >/tmp/said
same "made" $((count - 1)) "$(grep -c 'is setup' /tmp/said)"
same "listed" $count "$(metastat -p | wc -l)"
run metaclear d500
last=$(sectors_of metainit -T /tmp/md.tab d500)
echo "the first one wrote $first sectors, the thousandth $last"
[ "$last" -le $((first + 16)) ] || fail "a commit writes more with many metadevices"
for n in 0 499 999; do
	printf 'this is d%s\n' $n | dd of=/dev/md/dsk/d$n bs=4k conv=sync oflag=direct status=none
done
run mdctl stop
run mdctl start
same "listed" $count "$(metastat -p | wc -l)"
for n in 0 499 999; do
	same "first words of d$n" "this is d$n" "$(head -n 1 /dev/md/dsk/d$n | tr -d '\0')"
done
metastat -p | sort >/tmp/found
sort /tmp/md.tab | diff - /tmp/found | head -n 20 || true
cmp <(sort /tmp/md.tab) /tmp/found || fail "they are not what was asked for"
run mdctl stop
