#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a dump goes on on the next tape when one ends: nothing is written behind the warning that
#         the end is near but a mark, and both tapes have their records in order. With -l nobody is
#         asked for the next one, but a changer is waited for.
# Clause: issue 11; dump.md 7, test 8
# Lanes: drawn
# Vm: --disks 1 --disk-size 64M
# Timeout: 200
# The tape is scsi_debug's, of 10,000 blocks, which keeps the first four bytes of each block: with
# blocks of a record that is the kind of a header, or the start of data. So it can be seen that
# every record is there and in its place, but nothing can be restored from it.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

# words FILE: the first word of each record.
words() { od -An -v -tx4 -w1024 "$1" | awk '{ print $1 }'; }

# rewound: the tape is at its start; closing this name of it rewinds it.
rewound() { : </dev/st0; }

# change NAME VOLUME: reads the tape that has ended, and puts in the next one: the same one,
# rewound.
change() {
	rewound
	dd if=/dev/nst0 bs=1k of="/tmp/tape$2" status=none
	# Behind the mark there is nothing.
	dd if=/dev/nst0 bs=1k of=/tmp/behind status=none 2>/dev/null || true
	rewound
}
if [ "${1:-}" = /dev/nst0 ]; then
	change "$@"
	exit
fi

modprobe st
modprobe scsi_debug ptype=1 delay=0
wait_for 20 test -c /dev/nst0
run mkfs.ext4 -q /dev/sda
run mount /dev/sda /mnt
dd if=/dev/urandom of=/mnt/large bs=1M count=12 status=none
run umount /mnt

note "the tape ends, and the dump goes on on another one"
run mddump -0 -b 1 -F "$(realpath "$0")" -f /dev/nst0 /dev/sda 2>&1 | tee /tmp/said
grep -q 'Volume 2 begins with blocks from inode' /tmp/said || fail "the tape did not end"
grep -q 'DUMP IS DONE' /tmp/said || fail "the dump is not done"
change /dev/nst0 2
same "bytes behind the mark" 0 "$(stat -c %s /tmp/behind)"

note "both have the records that files would have"
blocks=$(($(stat -c %s /tmp/tape1) / 1024))
echo "blocks on the first tape: $blocks"
((blocks > 9900 && blocks < 10000)) || fail "the tape has 10000 blocks"
run mddump -0 -b 1 -M -B $blocks -f /tmp/file /dev/sda
diff <(words /tmp/tape1) <(words /tmp/file001) || fail "records of the first tape differ"

# The driver says that the end is near of a block that is on the tape. Nobody can rely on that, so
# it is on the next one too; restore leaves out what it has, by the ordinal in the volume's header.
words /tmp/tape2 >/tmp/words2
same "the block that comes again" "$(words /tmp/tape1 | tail -n 1)" "$(sed -n 2p /tmp/words2)"
diff <(sed 2d /tmp/words2) <(words /tmp/file002) || fail "records of the second tape differ"

note "a changer puts the next tape in"
cat >/tmp/load.c <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mtio.h>
int main(void)
{
	struct mtop load = { MTLOAD, 1 };
	int tape = open("/dev/nst0", O_RDONLY | O_NONBLOCK);

	if (tape < 0 || ioctl(tape, MTIOCTOP, &load) < 0) {
		perror("/dev/nst0");
		return 1;
	}
	return 0;
}
C
run gcc -o /tmp/load /tmp/load.c
rewound
: >/tmp/said
changer() {
	wait_for 60 grep -q 'Ejecting /dev/nst0' /tmp/said
	sleep 3
	grep 'Volume 2 started' /tmp/said >/tmp/early || true
	wait_for 20 /tmp/load
}
changer &
run mddump -0 -b 1 -l 100 -f /dev/nst0 /dev/sda </dev/null 2>&1 | tee /tmp/said
same "begun before the tape was there" "" "$(cat /tmp/early)"
! grep 'Is the new volume mounted' /tmp/said || fail "somebody was asked"
grep -q ' blocks on 2 volume' /tmp/said || fail "there are not two volumes"
grep -q 'DUMP IS DONE' /tmp/said || fail "the dump is not done"
refuse 'Input/output error|No medium found' dd if=/dev/nst0 iflag=nonblock bs=1k count=1
