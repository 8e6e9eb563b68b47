#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: where a quota is used up a volume ends with a whole block, and the dump goes on on the
#         next one.
# Clause: issue 11; dump.md 7, test 6
# Lanes: drawn
# Vm: --disks 2 --disk-size 64M
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"

# limit FOLDER USER KIB: what a user may occupy in a file system.
limit() {
	cat >/tmp/limit.c <<-'C'
		#include <stdio.h>
		#include <stdlib.h>
		#include <sys/quota.h>
		int main(int argc, char **argv)
		{
			struct dqblk limit = { .dqb_bhardlimit = atoi(argv[3]),
					       .dqb_valid = QIF_BLIMITS };

			if (quotactl(QCMD(Q_SETQUOTA, USRQUOTA), argv[1], atoi(argv[2]),
				     (char *)&limit)) {
				perror(argv[1]);
				return 1;
			}
			return 0;
		}
	C
	run gcc -o /tmp/limit /tmp/limit.c
	run /tmp/limit "$@"
}

# restored VOLUME...: restores volumes to /tmp/restored.
restored() {
	rm -rf /tmp/restored && mkdir /tmp/restored
	local number=0 volume
	for volume; do
		number=$((number + 1))
		cp "$volume" "/tmp/copy$(printf %03d $number)"
	done
	(cd /tmp/restored && run restore -r -M -f /tmp/copy) || fail "restore has errors"
	rm -f /tmp/copy*
}

run mkfs.ext4 -q -b 4096 /dev/sda
run mount /dev/sda /mnt
dd if=/dev/urandom of=/mnt/large bs=1M count=8 status=none
cp -r /etc/default /mnt
tree_checksums /mnt >/tmp/kept
run umount /mnt

note "a quota is used up"
run mkfs.ext4 -q -O quota /dev/sdb
mkdir /quota
run mount -o usrquota /dev/sdb /quota
run limit /dev/sdb 1000 3003
chmod 777 /quota
touch /tmp/rest && chmod 666 /tmp/rest
chmod 644 /dev/sda
run setpriv --reuid 1000 --regid 1000 --clear-groups \
	mddump -0 -f /quota/first,/tmp/rest /dev/sda 2>&1 | tee /tmp/said
grep -q 'Volume 2 begins with blocks from inode' /tmp/said || fail "there was no quota"
bytes=$(stat -c %s /quota/first)
echo "bytes of the first volume: $bytes"
((bytes > 2000 * 1024 && bytes <= 3003 * 1024)) || fail "the quota is 3003 KiB"
same "bytes behind the last whole block" 0 $((bytes % 10240))
restored /quota/first /tmp/rest
(cd /tmp/restored && sha256sum --quiet -c /tmp/kept) || fail "a file is not what was dumped"
