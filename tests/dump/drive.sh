#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what is dumped to tapes is restored from them, by every version of restore: from two
#         tapes, with small and large blocks, also extended attributes where the first one ends;
#         from one of several dumps on a tape, and a file by its position. Behind each dump there is
#         one mark, and a tape is to come out if it shall.
# Clause: issue 11; dump.md 7, tests 8 and 9
# Lanes: long
# Runs: host
# Timeout: 600
# The drives are those of an iSCSI target, which keeps tapes in files.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tools=$(scripts/dump-tools)
cp -a "$tools/." "$dir/"
cp "$(command -v mt)" "$dir/tape/"

cat >"$dir/guest" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"

name=iqn.2026-01.test:tapes

# tool NAME ARG...: a program of the shared folder, with its libraries.
tool() { LD_LIBRARY_PATH=/host/lib "/host/$1" "${@:2}"; }
mt() { run tool tape/mt -f "$@"; }
target() { tool tape/tgtadm --lld iscsi "$@"; }

# drives MIB...: a drive for each tape of so many MiB.
drives() {
	local number=0 size
	ip link set lo up
	tool tape/tgtd
	wait_for 10 target --mode target --op new --tid 1 --targetname $name
	for size; do
		number=$((number + 1))
		tool tape/tgtimg --op new --device-type tape --barcode "T0000$number" \
			--size "$size" --type data --file "/tmp/tape$number"
		target --mode logicalunit --op new --tid 1 --lun $number -b "/tmp/tape$number" \
			--device-type tape
	done
	target --mode target --op bind --tid 1 -I ALL
	modprobe iscsi_tcp
	modprobe st
	mkdir -p /etc/iscsi /run/lock/iscsi
	echo "InitiatorName=$name:us" >/etc/iscsi/initiatorname.iscsi
	: >/etc/iscsi/iscsid.conf
	tool tape/iscsid
	wait_for 10 tool tape/iscsiadm -m discovery -t sendtargets -p 127.0.0.1
	run tool tape/iscsiadm -m node -T $name -p 127.0.0.1 -l
	wait_for 20 test -c "/dev/nst$((number - 1))"
}

# rewound: both tapes are at their start.
rewound() {
	mt /dev/nst0 rewind
	mt /dev/nst1 rewind
}

# restored VERSION ARG...: restores to /restored, and compares; it reads names of tapes, or a dump.
restored() {
	rm -rf /restored/*
	printf '$ restore %s\n' "$*"
	(cd /restored && tool "$1/restore" -r "${@:2}") || fail "restore has errors"
	(cd /restored && sha256sum --quiet -c /tmp/kept) || fail "a file is not what was dumped"
	# A drive that cannot go back has a volume end where restore loses an attribute.
	[ -n "${torn:-}" ] ||
		(cd /restored && /tmp/attributes many/* | cmp - /tmp/attributes.kept) ||
		fail "an attribute is not what was dumped"
}

# sized VERSION KIB: how restore is told how large blocks are. From 0.4b49 on it must not be told of
# a tape: it takes the first bytes of each block for something else then.
sized() { [ "$1" != 0.4b47 ] || echo "-b $2"; }

# Shows an attribute of files, which it sets first if they have none.
cat >/tmp/attributes.c <<'C'
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
int main(int argc, char **argv)
{
	char value[300];

	while (*++argv) {
		ssize_t size = getxattr(*argv, "user.name", value, sizeof(value));

		if (size < 0 && setxattr(*argv, "user.name", *argv, strlen(*argv), 0))
			perror(*argv);
		printf("%s: %.*s\n", *argv, (int)(size < 0 ? 0 : size), value);
	}
	return 0;
}
C
run gcc -o /tmp/attributes /tmp/attributes.c

drives 10 40
run mkfs.ext4 -q /dev/sdc
mkdir /restored
run mount /dev/sdc /restored
run mkfs.ext4 -q /dev/sda
run mount /dev/sda /mnt
dd if=/dev/urandom of=/mnt/large bs=1M count=4 status=none
cp -r /etc/default /etc/init.d /mnt
mkdir /mnt/many
for ((n = 0; n < 1500; n++)); do echo $n >/mnt/many/$n; done
(cd /mnt && /tmp/attributes many/* >/dev/null && /tmp/attributes many/* >/tmp/attributes.kept)
ln -s large /mnt/link
echo last >/mnt/last
tree_checksums /mnt >/tmp/kept
run umount /mnt
versions=$(cd /host && echo 0.*)

for block in 10 64 512; do
	note "two tapes with blocks of $block KiB"
	rewound
	run mddump -0 -b $block -f /dev/nst0,/dev/nst1 /dev/sda 2>&1 | tee /tmp/said
	grep -q 'Volume 2 begins with blocks from inode' /tmp/said || fail "the tape did not end"
	grep -q 'End of tape detected' /tmp/said || fail "nobody is told that the tape ended"
	torn=
	! grep 'within extended attributes' /tmp/said || torn=1
	for version in $versions; do
		# Without being told it reads blocks of up to 32 KiB.
		[ $block -le 32 ] || [ "$version" = 0.4b47 ] || continue
		rewound
		# shellcheck disable=SC2046 # two words, or none
		echo /dev/nst1 | restored "$version" $(sized "$version" $block) -f /dev/nst0
	done
done

torn=
note "large blocks through a pipe"
mt /dev/nst1 rewind
run mddump -0 -b 64 -f /dev/nst1 /dev/sda
for version in $versions; do
	mt /dev/nst1 rewind
	dd if=/dev/nst1 bs=64k status=none | restored "$version" -b 64 -f -
done

note "several dumps on a tape, with a mark behind each"
mt /dev/nst1 rewind
run mkfs.ext4 -q /dev/sdb
for disk in /dev/sdb /dev/sda; do
	run mddump -0 -Q /tmp/positions -f /dev/nst1 $disk
done
tool tape/mt -f /dev/nst1 status | tee /tmp/status
grep -qiE 'file number *= *2\b' /tmp/status || fail "there are not two marks"
for version in $versions; do
	mt /dev/nst1 rewind
	restored "$version" -s 2 -f /dev/nst1 </dev/null
	mt /dev/nst1 rewind
	mt /dev/nst1 fsf 1
	restored "$version" -f /dev/nst1 </dev/null
done

note "a file by its position"
for version in $versions; do
	mt /dev/nst1 rewind
	mt /dev/nst1 fsf 1
	rm -rf /restored/*
	(cd /restored && tool "$version/restore" -x -Q /tmp/positions -f /dev/nst1 ./last) ||
		fail "restore $version has errors"
	same "the file by restore $version" last "$(cat /restored/last)"
done

note "the tape comes out"
# These drives keep it, but go back to its start for that; tests/dump/tape.sh has one that does not.
mt /dev/nst1 rewind
run mddump -0 --eject -f /dev/nst1 /dev/sdb 2>&1 | tee /tmp/said
grep -q 'Ejecting /dev/nst1' /tmp/said || fail "nobody is told that the tape comes out"
same "bytes at the start" 10240 "$(dd if=/dev/nst1 bs=10k count=1 status=none | wc -c)"

note "the tape of another machine comes out as well"
cat >/tmp/shell <<'SHELL'
#!/bin/sh
for last; do :; done
LD_LIBRARY_PATH=/host/lib exec "$last"
SHELL
chmod +x /tmp/shell
mt /dev/nst0 rewind
RSH=/tmp/shell RMT=/host/${versions##* }/rmt run mddump -0 --eject -f host:/dev/nst0 /dev/sdb
same "bytes at the start" 10240 "$(dd if=/dev/nst0 bs=10k count=1 status=none | wc -c)"
GUEST
run timeout 580 scripts/vm --disks 3 --disk-size 64M --share "$dir" "$dir/guest"
