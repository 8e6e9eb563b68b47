#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a side that fails a write is out of service before the write is acknowledged: whoever
#         reads after that, on any CPU, never gets the data from before it. Nor does anybody get it
#         from that side when the other one fails to read, or is gone: the answer is an error.
# Clause: DURABILITY 5, 11; svm.md 4.4, 4.7; issue 4
# Lanes: drawn
# Vm: --disks 2 --disk-size 48M --smp 4
# Timeout: 400
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
# Components of each side, of which 1 MiB each is used.
count=$(by_lane 12 12 4)
mib=2048

# race DEVICE BLOCK NUMBER: writes a block that is full of a number, which is larger than the one
# before, while three processes read it all the time; it must never be less than what had been
# acknowledged when the read began.
cat >/tmp/race.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 4096
#define READERS 3
#define AFTER 50

struct shared {
	_Atomic uint64_t acknowledged;
	_Atomic int ready, done;
};

static int reader(const char *device, off_t where, struct shared *shared)
{
	uint64_t *data = aligned_alloc(BLOCK, BLOCK), least;
	int fd = open(device, O_RDONLY | O_DIRECT), more = AFTER;

	if (fd < 0)
		return 2;
	shared->ready++;
	while (more > 0) {
		if (shared->done)
			more--;
		least = shared->acknowledged;
		if (pread(fd, data, BLOCK, where) != BLOCK) {
			perror("read");
			return 2;
		}
		if (data[0] < least) {
			printf("%ju was acknowledged, then %ju was read\n", (uintmax_t)least,
			       (uintmax_t)data[0]);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	off_t where = atol(argv[2]) * (off_t)BLOCK;
	uint64_t number = atol(argv[3]), *data = aligned_alloc(BLOCK, BLOCK);
	int fd = open(argv[1], O_WRONLY | O_DIRECT), n, status, failed = 0;

	for (n = 0; n < BLOCK / 8; n++)
		data[n] = number;
	for (n = 0; n < READERS; n++)
		if (!fork())
			return reader(argv[1], where, shared);
	while (shared->ready < READERS)
		usleep(100);
	if (pwrite(fd, data, BLOCK, where) == BLOCK)
		shared->acknowledged = number;
	else
		failed = 1;
	if (failed)
		perror("write");
	shared->done = 1;
	while (wait(&status) > 0)
		failed |= status;
	return !!failed;
}
C
gcc -O2 -Wall -o /tmp/race /tmp/race.c

# slices SIDE DISK HOW: components of 2 MiB each that are parts of a disk, in place of those there
# are. HOW is linear, or flakey with its arguments.
slices() {
	local n
	for ((n = 0; n < count; n++)); do
		dmsetup remove "$1$n" 2>/dev/null || true
		mapped "$1$n" "0 $((2 * mib)) $3 $2 $((2 * mib * n)) ${4-}"
	done
}

# rows SIDE: as metainit wants them, each component a row.
rows() {
	local n
	echo "$count"
	for ((n = 0; n < count; n++)); do echo "1 /dev/mapper/$1$n"; done
}

# filled CHARACTER BYTES: so many of them.
filled() { head -c "$2" /dev/zero | tr '\0' "$1"; }

modprobe md_rs
declare -A disks=([a]=/dev/sda [b]=/dev/sdb)
failing_side=
number=0
for policies in "roundrobin parallel b" "geometric serial b" "first parallel a" "first serial a"; do
	read -r reads writes side <<<"$policies"
	note "side $side takes no writes; reads $reads, writes $writes"
	if [ "$side" != "$failing_side" ]; then
		if [ "$side" = a ]; then other=b; else other=a; fi
		slices "$side" "${disks[$side]}" flakey "0 100000 1 error_writes"
		slices $other "${disks[$other]}" linear
		failing_side=$side
	fi
	# shellcheck disable=SC2046
	metainit d11 $(rows a) && metainit d12 $(rows b) && metainit --assume-clean d10 -m d11 d12
	run metaparam -r "$reads" -w "$writes" d10
	for ((n = 0; n < count; n++)); do
		number=$((number + 1))
		/tmp/race $d10 $((n * 256 + 7 * n)) $number || fail "component $n of side $side"
	done
	if [ "$side" = a ]; then bad=d11 good=d12; else bad=d12 good=d11; fi
	same "components in Maintenance, and others" "$count 0" \
		"$(states $bad | tr , '\n' | grep -c Maintenance) $(states $good |
			tr , '\n' | grep -vc Okay || true)"
	run metaclear -f d10
	run metaclear d11
	run metaclear d12
done
for ((n = 0; n < count; n++)); do run dmsetup remove "a$n" "b$n"; done

note "the side that is left fails to read: what the other one has is not the answer"
for device in /dev/sda /dev/sdb; do
	filled o $((48 * mib * 512)) | dd of=$device bs=1M iflag=fullblock oflag=direct status=none
done
for how in no_reads nothing; do
	sick bad /dev/sda good
	sick good /dev/sdb good
	run metainit d11 1 1 /dev/mapper/bad
	run metainit d12 1 1 /dev/mapper/good
	run metainit --assume-clean d10 -m d11 d12
	sick bad /dev/sda no_writes
	filled n 65536 | dd of=$d10 bs=64k iflag=fullblock oflag=direct status=none
	same "states" "Maintenance Okay" "$(states d11) $(states d12)"
	sick bad /dev/sda good
	sick good /dev/sdb $how
	for policy in roundrobin geometric first; do
		run metaparam -r $policy d10
		for _ in 1 2 3; do
			refuse 'Input/output error' \
				dd if=$d10 of=/tmp/found bs=64k count=1 iflag=direct status=none
		done
	done
	# A write that nobody takes does not bring the other side back either.
	if [ $how = nothing ]; then
		refuse 'Input/output error' \
			dd if=/dev/zero of=$d10 bs=64k count=1 oflag=direct status=none
		same "states" "Maintenance Last Erred" "$(states d11) $(states d12)"
		refuse 'Input/output error' \
			dd if=$d10 of=/tmp/found bs=64k count=1 iflag=direct status=none
	fi
	sick good /dev/sdb good
	run dd if=$d10 of=/tmp/found bs=64k count=1 iflag=direct status=none
	same "what is read" n "$(tr -s n </tmp/found)"
	run metaclear -f d10
	run metaclear d11
	run metaclear d12
	run dmsetup remove bad
	run dmsetup remove good
	filled o $((3 * mib * 512)) | dd of=/dev/sda bs=1M iflag=fullblock oflag=direct status=none
	filled o $((3 * mib * 512)) | dd of=/dev/sdb bs=1M iflag=fullblock oflag=direct status=none
done
