# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios that cut the power of RAID5: guests that make one, write to it until the
# power goes, and say what is on it then; and what may be there. They are in $dir.

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/make" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/disks.sh"
. "$MD_TEST_LIB/raid.sh"
modprobe md_rs
run metadb -a -f -c 2 /dev/sde
run metadb -a -c 2 /dev/sdf
run metainit d20 -r /dev/sda /dev/sdb /dev/sdc /dev/sdd -i 16k "$@"
wait_for 60 is_made d20
# Sector n holds n, and the round in which it was written.
. "$MD_TEST_LIB/data.sh"
size=$(blockdev --getsz /dev/md/dsk/d20)
sectors 0 0 "$size" >/dev/md/dsk/d20
run mdctl stop
# What the other boots use.
echo "$size" >/out/size
raid_tool
cp /tmp/raid_tool /out
cat >/tmp/w.c <<'C'
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Four of these write at once, each a quarter: sectors with their number and a round. */
int main(int argc, char **argv)
{
	long size = atol(argv[2]), part = atol(argv[3]), first = atol(argv[4]);
	long quarter = size / 4, last = first + atol(argv[5]);
	char *buffer = aligned_alloc(4096, 384 * 512), text[513];
	int only_say = argc > 6, fds[2] = { -1, -1 };

	for (int i = 0; !only_say && i < 2; i++) {
		fds[i] = open(argv[1], O_WRONLY | O_DIRECT | (i ? O_SYNC : 0));
		if (fds[i] < 0)
			err(2, "open");
	}
	srandom(first + part);
	for (long round = first; round < last; round++) {
		long count = 1 + random() % 128, row = 3 * 32;
		long at = part * quarter + random() % (quarter - count);
		int fd = fds[random() % 2];

		if (random() % 2) {
			/* Whole rows. */
			count = row * (1 + random() % 4);
			at = part * quarter + random() % (quarter - count - row) + row;
			at = at / row * row;
		}
		if (only_say) {
			printf("plan %ld %ld %ld %ld\n", part, round, at, count);
			continue;
		}
		for (long n = 0; n < count; n++) {
			snprintf(text, sizeof(text), "%ld %ld", round, at + n);
			memset(buffer + n * 512, ' ', 511);
			memcpy(buffer + n * 512, text, strlen(text));
			buffer[n * 512 + 511] = '\n';
		}
		if (pwrite(fd, buffer, count * 512, at * 512) != count * 512)
			err(2, "write");
		if (fd == fds[0] && fdatasync(fd))
			err(2, "flush");
		printf("done %ld %ld\n", part, round);
		fflush(stdout);
	}
	return 0;
}
C
gcc -O2 -o /out/w /tmp/w.c
cat >/tmp/r.c <<'C'
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char *block = aligned_alloc(4096, 4096);
	long size = atol(argv[2]), round, number;
	int fd = open(argv[1], O_RDONLY | O_DIRECT);

	if (argc < 3 || fd < 0)
		err(2, "open");
	for (long at = 0; at < size; at += 8) {
		int is_lost = pread(fd, block, 4096, at * 512) != 4096;

		for (long n = at; n < at + 8; n++) {
			char *text = block + (n - at) * 512;

			if (is_lost)
				printf("lost %ld\n", n);
			else if (text[511] != '\n' ||
				 sscanf(text, "%ld %ld", &round, &number) != 2 || number != n)
				printf("bad sector %ld\n", n);
			else
				printf("sector %ld %ld\n", n, round);
		}
	}
	return 0;
}
C
gcc -O2 -o /out/r /tmp/r.c
GUEST

# Writes rounds of sectors here and there, each round of a part only when the one before it was
# acknowledged. What will be written is on the host before the first write: a line that says it is
# begun would be lost now and then with the guest that printed it.
cat >"$dir/write" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"
. "$MD_TEST_LIB/disks.sh"
. "$MD_TEST_LIB/raid.sh"
what=$1 delay=$2 first=$3
modprobe md_rs
run mdctl start
if [ "$what" = degraded ]; then vmctl unplug disk1; fi
d20=/dev/md/dsk/d20
size=$(blockdev --getsz $d20)
for part in 0 1 2 3; do /host/w $d20 "$size" $part "$first" 4000 only_say; done >/out/plan
(sleep "$delay" && vmctl cut) &
for part in 0 1 2 3; do /host/w $d20 "$size" $part "$first" 4000 & done
wait
GUEST

# Prints all sectors, as they are read.
cat >"$dir/check" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"
. "$MD_TEST_LIB/disks.sh"
. "$MD_TEST_LIB/raid.sh"
cp /host/raid_tool /tmp
modprobe md_rs
run mdctl start "$@"
metastat d20
size=$(blockdev --getsz /dev/md/dsk/d20)
/host/r /dev/md/dsk/d20 "$size" >/out/sectors
# A column that is out of service is made of the others, which must not change what is read.
for n in 0 1 2 3; do
	[ "$(described d20 ".columns[$n].state")" = Maintenance ] || continue
	device=$(described d20 ".columns[$n].device")
	letters=(a b c d)
	case $device in
	missing*) run metareplace -w d20 "${device#missing }" "/dev/sd${letters[n]}" ;;
	*) run metareplace -e -w d20 "$device" ;;
	esac
	/host/r /dev/md/dsk/d20 "$size" | cmp - /out/sectors ||
		fail "the new column is not what was read without it"
done
wait_for 60 is_made d20
if columns_are d20 Okay,Okay,Okay,Okay && ! grep -q '^lost' /out/sectors; then
	columns_tell d20 /dev/sda /dev/sdb /dev/sdc /dev/sdd
fi
# What reads as errors is listed until it is written again.
listed() { described d20 '.lost // [] | .[] | range(.start / 512; (.start + .size) / 512)'; }
listed >/tmp/listed
sed -n 's/^lost //p' /out/sectors | cmp - /tmp/listed || fail "others are listed as lost"
if [ -s /tmp/listed ]; then
	read -r lost </tmp/listed
	sectors 0 "$lost" 8 >/tmp/again
	dd if=/tmp/again of=/dev/md/dsk/d20 bs=4k seek=$((lost / 8)) oflag=direct status=none
	dd if=/dev/md/dsk/d20 bs=4k skip=$((lost / 8)) count=1 iflag=direct status=none |
		cmp - /tmp/again || fail "block $lost was written and is not there"
	listed | diff /tmp/listed - >/tmp/gone || true
	same "sectors that are off the list" "$(grep -c '^<' /tmp/gone)" 8
	note "$(wc -l </tmp/listed) sectors were listed"
fi
run mdctl stop
GUEST

# judge FOUND PLAN JOURNAL BEFORE: every sector has the round that was acknowledged last, or one
# that comes after it. One that was being written then may be lost, if a disk was; what was said of
# the last writes may not have got out of the guest.
judge() {
	awk '
		FILENAME == ARGV[1] { before[$2] = $3; next }
		FILENAME == ARGV[2] { acked[$2] = $3; next }
		FILENAME == ARGV[3] {
			if (!($2 in last)) last[$2] = $2 in acked ? acked[$2] : $3 - 1
			for (n = $4; n < $4 + $5; n++) {
				planned[n] = planned[n] " " $3
				if ($3 <= last[$2]) newest[n] = $3
				else if ($3 <= last[$2] + 64) begun[n] = 1
			}
			next
		}
		$1 == "lost" && $2 in begun { lost++; next }
		$1 == "lost" { wrong = "sector " $2 " is lost, but nobody was writing it" }
		$1 == "bad" { wrong = "sector " $3 " is nothing that was written" }
		$1 == "sector" && ($2 in newest && $3 < newest[$2] ||
				$3 != before[$2] && !index(planned[$2] " ", " " $3 " ")) {
			wrong = "sector " $2 " has round " $3 ", not "
			wrong = wrong newest[$2] " or later, nor " before[$2]
		}
		wrong { print wrong; all_wrong = 1; wrong = "" }
		END { if (lost) print lost " sectors are lost"; exit all_wrong }
	' "$4" "$3" "$2" "$1"
}

vm() { scripts/vm --timeout 150 "$@"; }
