#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: an NVMe disk, which has persistent reservations only, is taken, kept and given up by them;
#         when another host preempts the key, a probe finds that out and the disk is fenced.
# Clause: issue 10: the non-shared operations on top of persistent reservations
# Lanes: drawn
# Vm: --disks 2 --disk-size 16M
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/lio.sh
. "$MD_TEST_LIB/lio.sh"

modprobe md_rs
modprobe nvme_core multipath=N
modprobe -a nvmet nvme_loop
mountpoint -q /sys/kernel/config || mount -t configfs config /sys/kernel/config
nvmet=/sys/kernel/config/nvmet
mkdir "$nvmet/subsystems/nqn.md" "$nvmet/ports/1"
echo 1 >"$nvmet/subsystems/nqn.md/attr_allow_any_host"
mkdir "$nvmet/subsystems/nqn.md/namespaces/1"
echo /dev/sdb >"$nvmet/subsystems/nqn.md/namespaces/1/device_path"
echo 1 >"$nvmet/subsystems/nqn.md/namespaces/1/resv_enable"
echo 1 >"$nvmet/subsystems/nqn.md/namespaces/1/enable"
echo loop >"$nvmet/ports/1/addr_trtype"
ln -s "$nvmet/subsystems/nqn.md" "$nvmet/ports/1/subsystems/nqn.md"

# host LETTER: connects as another host, and says which disk it has.
disks() { find /dev -maxdepth 1 -name 'nvme*n1' | sort; }
host() {
	local before id=00000000-0000-0000-0000-00000000000$1
	before=$(disks)
	echo "transport=loop,nqn=nqn.md,hostnqn=nqn.host$1,hostid=$id" \
		>/dev/nvme-fabrics
	new() { disks | grep -vxF "${before:-none}"; }
	wait_for 10 new >&2
	new | tail -n 1
}
ours=$(host a | tail -n 1)
theirs=$(host b | tail -n 1)
note "this host has $ours, the other one $theirs"
write() { dd if=/dev/urandom of="$1" bs=4k count=1 oflag=direct conv=notrunc status=none; }
is_fenced() { [ "$(mhd_says "$ours" '.fenced')" = true ]; }

note "taken, by a persistent reservation"
run write "$theirs"
run mdctl mhd take "$ours" --min 2000
same "way" persistent "$(mhd_says "$ours" .way)"
same "kind" exclusive-access "$(mhd_says "$ours" .reservation.kind)"
refuse '' write "$theirs"
run write "$ours"
run mdctl mhd release "$ours"
run write "$theirs"

note "lost to a preemption, found by a probe"
run metainit d10 1 1 "$ours"
run mdctl mhd action "$ours" fence
run mdctl mhd take "$ours" --min 2000
run mdctl mhd failfast "$ours" 300
run write /dev/md/dsk/d10
key=$(mhd_says "$ours" .reservation.key)
cat >/tmp/rival.c <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <linux/pr.h>

/* Registers key 0xb2, and preempts the one that is given; with one more word, aborts as well. */
int main(int argc, char **argv)
{
	struct pr_registration registration = { .new_key = 0xb2 };
	struct pr_preempt preempt = {
		.old_key = 0xb2,
		.new_key = strtoull(argv[2], 0, 16),
		.type = PR_EXCLUSIVE_ACCESS,
	};
	int fd = open(argv[1], O_RDWR);
	int how = argc > 3 ? IOC_PR_PREEMPT_ABORT : IOC_PR_PREEMPT;
	int registered, preempted;

	registration.flags = PR_FL_IGNORE_KEY;
	registered = ioctl(fd, IOC_PR_REGISTER, &registration);
	preempted = ioctl(fd, how, &preempt);

	printf("register: %d, preempt: %d\n", registered, preempted);
	return registered || preempted;
}
C
run gcc -o /tmp/rival /tmp/rival.c
run /tmp/rival "$theirs" "$key"
wait_for 10 is_fenced
refuse '' write /dev/md/dsk/d10
same "access" no "$(mhd_says "$ours" .access)"

note "taken back"
run mdctl mhd take "$ours" --min 2000
run write /dev/md/dsk/d10
refuse '' write "$theirs"

note "keys of several hosts: who preempts also aborts what is under way"
run mdctl mhd release "$ours"
run mdctl mhd register "$ours" --ignore --new-key a1
run mdctl mhd reserve "$ours" --key a1 --type exclusive-access
run mdctl mhd failfast "$ours" 300
run write /dev/md/dsk/d10
run /tmp/rival "$theirs" a1 abort
wait_for 10 is_fenced
refuse '' write /dev/md/dsk/d10
run mdctl mhd register "$ours" --ignore --new-key a1
run mdctl mhd preempt "$ours" --key a1 --victim b2 --type exclusive-access --abort
run write /dev/md/dsk/d10
refuse '' write "$theirs"
