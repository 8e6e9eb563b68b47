#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: files copied to ext4 on a striped d10 are the same after a remount, and after the modules
#         were unloaded and the metadevice made again.
# Clause: svm.md 3.1, 3.3; issue 2, first slice
# Lanes: stock,smoke,debug
# Vm: --disks 4 --disk-size 128M
# Timeout: 180
set -euo pipefail

make_d10() { metainit d10 1 4 /dev/sda /dev/sdb /dev/sdc /dev/sdd -i 64k; }
sums() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

# Real files: the system's own configuration and some of its programs.
files=(/etc /usr/lib/x86_64-linux-gnu/libcrypto.so.3 /usr/bin/bash /usr/sbin/mkfs.xfs)

modprobe md_rs
make_d10
metastat d10
mkfs.ext4 -q -E lazy_itable_init=0 /dev/md/dsk/d10
mkdir -p /mnt
mount /dev/md/dsk/d10 /mnt
mkdir /mnt/files
cp -a "${files[@]}" /mnt/files/
sums /mnt/files >/tmp/written
umount /mnt

mount /dev/md/dsk/d10 /mnt
sums /mnt/files | cmp - /tmp/written
umount /mnt
e2fsck -fn /dev/md/dsk/d10

# The data is on the disks, not in the modules.
metaclear d10
[ ! -e /dev/md/dsk/d10 ]
modprobe -r md_stripe md_rs
modprobe md_rs
make_d10
mount -o ro /dev/md/dsk/d10 /mnt
sums /mnt/files | cmp - /tmp/written
umount /mnt
metaclear d10
echo "$(wc -l </tmp/written) files are the same"
