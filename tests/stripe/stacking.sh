#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: metadevices work on partitions, logical volumes and dm-crypt, and carry them: what was
#         written is there after everything was taken down and put together again.
# Clause: svm.md 3.4; DESIGN 7; issue 3
# Lanes: drawn
# Vm: --disks 4 --disk-size 32M
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/layout.sh
. "$MD_TEST_LIB/layout.sh"

d10=/dev/md/dsk/d10

# LVM without udev, which makes its device nodes itself, and looks at every device.
export LVM_SUPPRESS_FD_WARNINGS=1
mkdir -p /etc/lvm
cat >/etc/lvm/lvm.conf <<'CONFIG'
devices {
	use_devicesfile=0
	obtain_device_list_from_udev=0
	external_device_info_source="none"
}
activation {
	udev_sync=0
	udev_rules=0
	verify_udev_operations=0
}
global {
	event_activation=0
}
CONFIG

# fill DEVICE: random data all over it; its checksum is in $sum.
fill() {
	head -c "$(blockdev --getsize64 "$1")" /dev/urandom >/tmp/data
	run dd if=/tmp/data of="$1" bs=256k oflag=direct conv=fsync status=none
	sum=$(sha256sum </tmp/data | cut -d' ' -f1)
}

# is_filled DEVICE: it holds what "fill" has written last.
is_filled() { same "checksum of $1" "$sum" "$(checksum "$1")"; }

# unlock DEVICE NAME: opens dm-crypt on a device.
unlock() {
	mapped "$2" "0 $(blockdev --getsz "$1") crypt aes-xts-plain64 $(printf %064d 7) 0 $1 0"
}

make_numbers
modprobe md_rs

note "partitions on a metadevice"
run metainit d10 1 2 /dev/sda /dev/sdb -i 32k
printf 'label: gpt\nsize=16M\nsize=40M\n' | sfdisk -q $d10
same "nodes" "d10 d10p1 d10p2" "$(names_in /dev/md/dsk)"
fill ${d10}p1
run mkfs.ext4 -q ${d10}p2
run mount ${d10}p2 /mnt
cp -a /etc /mnt/etc
tree_checksums /mnt/etc >/tmp/written
refuse 'd10' metaclear d10
run umount /mnt
run metaclear d10
same "nodes without d10" "" "$(names_in /dev/md/dsk 2>/dev/null)"
run metainit d10 1 2 /dev/sda /dev/sdb -i 32k
same "nodes" "d10 d10p1 d10p2" "$(names_in /dev/md/dsk)"
is_filled ${d10}p1
run mount ${d10}p2 /mnt
(cd /mnt/etc && sha256sum --quiet -c /tmp/written) || fail "the second partition has changed"
run umount /mnt
run metaclear d10

note "a metadevice on partitions; the others stay as they are"
for disk in sda sdc; do
	number_disks /dev/$disk
	printf 'label: dos\nstart=2048,size=12000\nsize=6000\nsize=30001\n' |
		sfdisk -q --wipe never /dev/$disk
done
run metainit d10 2 1 /dev/sda1 2 /dev/sdc3 /dev/sda3 -i 64k
before=$(checksum /dev/sda2)$(checksum /dev/sdc1)$(checksum /dev/sdc2)
fill $d10
run metaclear d10
same "the other partitions" "$before" \
	"$(checksum /dev/sda2)$(checksum /dev/sdc1)$(checksum /dev/sdc2)"
# The reserved heads of the components, of which the sectors still hold their numbers.
for part in sda1 sda3 sdc3; do
	first=$(cat /sys/class/block/$part/start)
	/tmp/numbers list /dev/$part | awk -v first="$first" '
		NR <= 2048 && $0 != NR - 1 " old " first + NR - 1 { changed = 1 }
		END { exit changed }
	' || fail "the reserved head of $part was written"
done
run metainit d10 2 1 /dev/sda1 2 /dev/sdc3 /dev/sda3 -i 64k
is_filled $d10
run metaclear d10
wipefs -qa /dev/sda /dev/sdc

note "dm-crypt on a metadevice"
run metainit d10 1 3 /dev/sdb /dev/sdc /dev/sdd -i 16k
unlock $d10 secret
fill /dev/mapper/secret
refuse 'd10.*secret' metaclear d10
run dmsetup remove secret
if [ "$(checksum $d10)" = "$sum" ]; then fail "d10 holds the data in the clear"; fi
run metaclear d10
run metainit d10 1 3 /dev/sdb /dev/sdc /dev/sdd -i 16k
unlock $d10 secret
is_filled /dev/mapper/secret
run dmsetup remove secret
run metaclear d10

note "a metadevice on dm-crypt"
for disk in a b; do unlock /dev/sd$disk secret_$disk; done
run metainit d10 1 2 /dev/mapper/secret_a /dev/mapper/secret_b -i 8k
fill $d10
refuse 'secret_a' metainit d11 1 1 /dev/mapper/secret_a
run metaclear d10
for disk in a b; do run dmsetup remove secret_$disk; done
for disk in a b; do unlock /dev/sd$disk secret_$disk; done
run metainit d10 1 2 /dev/mapper/secret_a /dev/mapper/secret_b -i 8k
is_filled $d10
run metaclear d10
for disk in a b; do run dmsetup remove secret_$disk; done

note "a logical volume on a metadevice"
run metainit d10 1 2 /dev/sda /dev/sdb -i 64k
run pvcreate -q $d10
run vgcreate -q over $d10
run lvcreate -q -y -n volume -L 40M over
fill /dev/mapper/over-volume
refuse 'd10.*over' metaclear d10
run vgchange -q -an over
run metaclear d10
run metainit d10 1 2 /dev/sda /dev/sdb -i 64k
run vgchange -q -ay over
is_filled /dev/mapper/over-volume
run vgremove -q -f over
run pvremove -q $d10
run metaclear d10

note "a metadevice on logical volumes"
run vgcreate -q -y under /dev/sdc /dev/sdd
run lvcreate -q -y -n one -L 24M under
run lvcreate -q -y -n two -L 28M under
run metainit d10 1 2 /dev/mapper/under-one /dev/mapper/under-two -i 48k
fill $d10
refuse 'under-one' metainit d11 1 1 /dev/mapper/under-one
run metaclear d10
run vgchange -q -an under
run vgchange -q -ay under
run metainit d10 1 2 /dev/mapper/under-one /dev/mapper/under-two -i 48k
is_filled $d10
run metaclear d10
