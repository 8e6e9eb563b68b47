#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: two machines share a disk by iSCSI, and one takes it while the other writes. After PREEMPT
#         AND ABORT has returned no write of the other lands any more; after a plain PREEMPT no more
#         than the target had accepted by then, one for each writer. The other one panics within
#         the bound that is stated. After its reboot it cannot write until it has registered again.
# Clause: issue 10: failfast, two guests; take-over at random moments
# Lanes: stock
# Runs: host
# Timeout: 280
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

dir=$(mktemp -d)
target=
trap '[ -z "$target" ] || kill "$target" 2>/dev/null || true; rm -rf "$dir"' EXIT
mkdir "$dir/t" "$dir/v"

# Both machines run it from the folder that they are shown.
cat >"$dir/tool.c" <<'C'
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "mhd.h"

enum { PARTS = 4, SLOTS = 256, BLOCK = 4096, HEAD = 1 << 20, PORT = 4711 };

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Writes numbers to a metadevice for ever, one write at a time for each part. */
static void write_numbers(const char *path, int round)
{
	int fd = open(path, O_WRONLY | O_DIRECT), part = 0;
	char *block = aligned_alloc(BLOCK, BLOCK);

	while (part < PARTS - 1 && fork())
		part++;
	for (long seq = 1;; seq++) {
		off_t slot = part * SLOTS + seq % SLOTS;

		memset(block, 0, BLOCK);
		snprintf(block, BLOCK, "seq %d %d %ld", round, part, seq);
		if (pwrite(fd, block, BLOCK, slot * BLOCK) != BLOCK)
			err(1, "part %d: write %ld", part, seq);
	}
}

/* Prints the largest number of each part in the image of the disk. */
static void print_seen(int fd, int round)
{
	long largest[PARTS] = {};

	for (int slot = 0; slot < PARTS * SLOTS; slot++) {
		char text[64] = {};
		int own, part;
		long seq;

		if (pread(fd, text, sizeof(text) - 1, HEAD + slot * BLOCK) < 0)
			err(1, "image");
		if (sscanf(text, "seq %d %d %ld", &own, &part, &seq) == 3 && own == round &&
		    part >= 0 && part < PARTS && seq > largest[part])
			largest[part] = seq;
	}
	for (int part = 0; part < PARTS; part++)
		printf("%ld ", largest[part]);
	printf("\n");
}

/* Takes the disk from key a1 for key b2, and looks at once what is on it. */
static void preempt(const char *path, int aborts, const char *image, int round)
{
	struct mhd_bind bind = { .fd = -1, .path = (uintptr_t)path };
	mhioc_preemptandabort_t asked = {
		.resvdesc = { .key = { { 0, 0, 0, 0, 0, 0, 0, 0xb2 } }, .type = 5 },
		.victim_key = { { 0, 0, 0, 0, 0, 0, 0, 0xa1 } },
	};
	int fd = open("/dev/md/mhd", O_RDWR), seen = open(image, O_RDONLY);

	if (ioctl(fd, MHD_BIND, &bind))
		err(1, "bind %s", path);
	if (ioctl(fd, aborts ? MHIOCGRP_PREEMPTANDABORT : MHIOCGRP_PREEMPT, &asked))
		err(1, "preempt");
	print_seen(seen, round);
}

static struct sockaddr_in address(const char *host)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	inet_pton(AF_INET, host, &to.sin_addr);
	return to;
}

/* Says every 20 ms that this machine is alive. */
static void beat(const char *host)
{
	struct sockaddr_in to = address(host);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (;; usleep(20000))
		sendto(fd, "", 1, 0, (struct sockaddr *)&to, sizeof(to));
}

/* Listens until the other machine has been silent for 12 s; prints after how many ms it was last
 * heard. */
static void hear(void)
{
	struct sockaddr_in own = address("0.0.0.0");
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	long began = now_ms(), last = 0;
	char byte;

	if (bind(fd, (struct sockaddr *)&own, sizeof(own)))
		err(1, "port");
	while (poll(&poll_fd, 1, 12000) > 0 && recv(fd, &byte, 1, 0) == 1)
		last = now_ms() - began;
	printf("%ld\n", last);
}

int main(int argc, char **argv)
{
	const char *what = argv[1];

	if (!strcmp(what, "write"))
		write_numbers(argv[2], atoi(argv[3]));
	else if (!strcmp(what, "seen"))
		print_seen(open(argv[2], O_RDONLY), atoi(argv[3]));
	else if (!strcmp(what, "preempt"))
		preempt(argv[2], !strcmp(argv[3], "abort"), argv[4], atoi(argv[5]));
	else if (!strcmp(what, "beat"))
		beat(argv[2]);
	else if (!strcmp(what, "hear"))
		hear();
	return argc < 2;
}
C
run gcc -O2 -Wall -static -I "$MD_TEST_LIB" -o "$dir/tool" "$dir/tool.c"

# card ADDRESS: the network card, and modules for iSCSI.
cat >"$dir/net" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
card() {
	modprobe -a virtio_net iscsi_tcp sd_mod md_rs
	wait_for 20 test -e /sys/class/net/eth0
	ip address add "$1/24" dev eth0
	ip link set eth0 up
}
# login TARGET ADDRESS INITIATOR: the disk of a target becomes /dev/sda.
login() {
	run iscsistart -i "iqn.2026-11.md:$3" -t "iqn.2026-11.md:$1" -g 1 -a "$2" -p 3260
	wait_for 60 test -b /dev/sda
}
GUEST

# The machine with the disk, which also is the one that takes it.
cat >"$dir/target" <<'GUEST'
. /host/net
rounds=$1 seed=$2
card 10.88.0.1
image=/tmp/d0.img
C=/sys/kernel/config/target
modprobe -a target_core_mod target_core_file iscsi_target_mod
mountpoint -q /sys/kernel/config || mount -t configfs config /sys/kernel/config
mkdir -p /var/target/pr $C/core/fileio_0/d0
truncate -s 16M $image
echo "fd_dev_name=$image,fd_dev_size=$((16 << 20))" >$C/core/fileio_0/d0/control
echo md-test-0001 >$C/core/fileio_0/d0/wwn/vpd_unit_serial
echo 1 >$C/core/fileio_0/d0/enable
# portal NAME ADDRESS
portal() {
	local group=$C/iscsi/iqn.2026-11.md:$1/tpgt_1
	mkdir -p "$group/np/$2:3260" "$group/lun/lun_0"
	ln -s $C/core/fileio_0/d0 "$group/lun/lun_0/d0"
	echo 0 >"$group/attrib/authentication"
	echo 1 >"$group/attrib/generate_node_acls"
	echo 0 >"$group/attrib/demo_mode_write_protect"
	echo 1 >"$group/attrib/cache_dynamic_acls"
	echo 1 >"$group/enable"
}
portal other 10.88.0.1
portal own 127.0.0.1
login own 127.0.0.1 taker
run mdctl mhd register /dev/sda --new-key b2
run mdctl mhd reserve /dev/sda --key b2 --type 5
touch /out/ready
# Probes every 500 ms, and a disk that answers within 1.9 s on a machine this busy.
bound=$((500 + 5 * 1900))
RANDOM=$((seed % 32768))
for ((round = 0; round < rounds; round++)); do
	wait_for 200 test -e "/host/v/writing.$round"
	sleep $((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))
	kind=abort more=0
	[ $((round % 2)) = 0 ] || kind=plain more=1
	note "round $round: $kind"
	/host/tool hear >/tmp/heard &
	heard=$!
	at_once=$(/host/tool preempt /dev/sda $kind $image "$round") || fail "not preempted"
	wait $heard
	after=$(/host/tool seen $image "$round")
	echo "at once: $at_once; when the other was silent: $after"
	read -ra early <<<"$at_once"
	read -ra late <<<"$after"
	for part in 0 1 2 3; do
		[ "${early[part]}" -gt 0 ] || fail "part $part: nothing was written"
		[ $((late[part] - early[part])) -le $more ] ||
			fail "part $part: ${late[part]} is on the disk, and ${early[part]} was"
	done
	last=$(cat /tmp/heard)
	echo "the other machine was heard until $last ms after the preemption began"
	[ "$last" -le $bound ] || fail "it was heard for $last ms, and the bound is $bound ms"
	run mdctl mhd keys /dev/sda
	touch "/out/taken.$round"
done
# The other machine still has to see that it is not let in.
wait_for 200 test -e /host/v/over
GUEST

# The machine that loses it: once in each round, and a last time.
cat >"$dir/loser" <<'GUEST'
. /host/net
round=$1 rounds=$2
card 10.88.0.2
wait_for 200 test -e /host/t/ready
[ "$round" = 0 ] || wait_for 60 test -e "/host/t/taken.$((round - 1))"
login other 10.88.0.1 loser
write() { dd if=/dev/zero of=/dev/sda bs=4k seek=128 count=1 oflag=direct conv=notrunc; }
note "not let in"
refuse '' write
refuse '' write
note "let in"
run mdctl mhd register /dev/sda --ignore --new-key a1
run write
if [ "$round" = "$rounds" ]; then
	touch /out/over
	exit 0
fi
run metainit d10 1 1 /dev/sda
run mdctl mhd failfast /dev/sda 500
/host/tool beat 10.88.0.1 &
/host/tool write /dev/md/dsk/d10 "$round" &
sleep 1
touch "/out/writing.$round"
sleep 100
fail "the machine is still there"
GUEST

rounds=${rounds:-3}
vm=(scripts/vm --disks 0 --mem 512M --smp 1 --share "$dir")
"${vm[@]}" --wire "$dir/wire.a" --out "$dir/t" --timeout $((rounds * 300)) \
	"$dir/target" "$rounds" "$SEED" >"$dir/t.log" 2>&1 &
target=$!
loser=("${vm[@]}" --wire "$dir/wire.b" --out "$dir/v" --timeout 300)
# What the one with the disk has seen, if it is not well.
look() {
	kill -0 $target 2>/dev/null || {
		cat "$dir/t.log"
		fail "the machine with the disk has ended"
	}
}
for ((round = 0; round < rounds; round++)); do
	look
	run "${loser[@]}" --expect-panic 'reservation lost' "$dir/loser" "$round" "$rounds"
done
run "${loser[@]}" "$dir/loser" "$rounds" "$rounds"
status=0
wait $target || status=$?
target=
cat "$dir/t.log"
same "status of the machine with the disk" 0 $status
