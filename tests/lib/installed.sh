# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios that boot an installed Debian, on the host and in the guest that installs it,
# after expect.sh: . "$MD_TEST_LIB/installed.sh"

# write_at_boot DIR: on the host, what the installed system does at each boot: the scenario's
# DIR/check, with the word that the kernel's command line has as "md.check=WORD".
write_at_boot() {
	cat >"$1/at-boot" <<'GUEST'
#!/bin/bash
state() { echo "$*" >/dev/virtio-ports/md.state; }
state start
check=$(sed -nE 's/.*md\.check=([a-z_]+).*/\1/p' /proc/cmdline)
bash /usr/local/lib/at-boot/check "$check" >/dev/virtio-ports/md.output 2>&1
status=$?
state left
state exit $status
systemctl --no-block poweroff
GUEST
	cat >"$1/at-boot.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/at-boot
UNIT
}

# install_machine SIZE: on the host, two disks of SIZE and a small one, $dir/a, $dir/b and $dir/tie,
# that $dir/install has put Debian on; $dir is the scenario's.
install_machine() {
	local image
	run make -s install KERNEL=7.3 DESTDIR="$dir/stage" PREFIX=/usr
	image=$(scripts/guest-image boot)
	run truncate -s "$1" "$dir/a" "$dir/b"
	run truncate -s 16M "$dir/tie"
	mkdir "$dir/out"
	run scripts/vm --timeout 500 --share "$dir" --out "$dir/out" --disk "$dir/a" \
		--disk "$dir/b" --disk "$dir/tie" --disk "$image" "$dir/install"
}

# boots ROOT WORD IMAGE...: on the host, that machine with these disks; WORD is for write_at_boot.
boots() {
	local root=$1 word=$2 image disks=()
	shift 2
	for image in "$@"; do disks+=(--disk "$image"); done
	run scripts/vm --timeout 300 --initrd "$dir/out/initrd" "${disks[@]}" \
		--append "root=$root ro md.check=$word"
}

# install_debian ROOT: in a guest, puts the Debian that is the disk /dev/sdd onto the file system in
# /mnt, which will be found as ROOT, and its initramfs where the host finds it; /mnt is unmounted
# then.
install_debian() {
	local release folder name
	run mkdir -p /debian
	run mount -t erofs -o ro /dev/sdd /debian
	run cp -a /debian/. /mnt
	release=$(uname -r)
	# Only the modules that this machine needs.
	folder=/lib/modules/$release
	mkdir -p "/mnt$folder"
	cp "$folder"/modules.builtin* "$folder"/modules.order "/mnt$folder"
	for name in virtio_pci virtio_scsi virtio_console sd_mod ext4 crc32c_cryptoapi \
		erofs vfat isofs autofs4; do
		modprobe --show-depends $name 2>/dev/null | awk '$1 == "insmod" { print $2 }'
	done | sort -u | xargs -r cp --parents -t /mnt
	run cp -a /host/stage/lib/. /mnt/lib/
	run cp -a /host/stage/usr/. /mnt/usr/
	run depmod -b /mnt "$release"
	cp "/host/at-boot" /mnt/usr/local/sbin/at-boot
	cp /host/at-boot.service /mnt/etc/systemd/system/at-boot.service
	chmod +x /mnt/usr/local/sbin/at-boot
	mkdir -p /mnt/usr/local/lib/at-boot /mnt/var/lib/at-boot
	cp /host/check /mnt/usr/local/lib/at-boot/check
	cp "$MD_TEST_LIB/expect.sh" /mnt/usr/local/lib/at-boot/expect.sh
	echo "$1 / ext4 defaults 0 1" >/mnt/etc/fstab
	echo guest >/mnt/etc/hostname
	printf 'MODULES=list\nCOMPRESS=gzip\n' >/mnt/etc/initramfs-tools/conf.d/test
	printf '%s\n' virtio_pci virtio_scsi virtio_console sd_mod ext4 \
		>/mnt/etc/initramfs-tools/modules
	mount --bind /proc /mnt/proc
	mount --bind /sys /mnt/sys
	mount --bind /dev /mnt/dev
	mkdir -p /mnt/etc/systemd/system/multi-user.target.wants
	ln -sf /etc/systemd/system/at-boot.service \
		/mnt/etc/systemd/system/multi-user.target.wants/at-boot.service
	run chroot /mnt update-initramfs -c -k "$release"
	cp "/mnt/boot/initrd.img-$release" /out/initrd
	(cd /mnt && find usr/bin -type f -print0 | sort -z | xargs -0 sha256sum) |
		sed 's|  |  /|' >/mnt/var/lib/at-boot/sums
	run umount /mnt/proc /mnt/sys /mnt/dev
	run umount /mnt
}
