#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what is discarded or zeroed on a metadevice is discarded or zeroed on its disks, at the
#         right sectors and nowhere else, in one range for each disk; discard is offered if all
#         disks have it, and zeroing works in any case.
# Clause: DESIGN 4; svm.md 3.3; issue 3
# Lanes: drawn
# Vm: --disks 4 --disk-size 4M
# Timeout: 1200
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/layout.sh
. "$MD_TEST_LIB/layout.sh"

d10=/dev/md/dsk/d10

# make_rows: d10 over three disks in a row and one behind it; /tmp/map says where its sectors lie.
make_rows() {
	run metainit d10 2 3 "$1" "$2" "$3" -i "$5b" 1 "$4"
	printf '%s\n' "$5 $(part "$1") $(part "$2") $(part "$3")" "16 $(part "$4")" |
		place_sectors 1 >/tmp/map
}

# punch_d10 COUNT BLOCK COMMAND...: zeroes random ranges of d10; then d10 and its disks must hold
# zeros there and everywhere else what they did; see punch. The disks are in $disks.
punch_d10() {
	number_disks "${disks[@]}"
	number_metadevice d10 /tmp/map
	punch "$1" "$2" $d10 "${@:3}"
	awk '
		NR == FNR { zeroed[$1]; next }
		{ print $1, $2, $3 in zeroed ? "zero" : "d10 " $3 }
	' /tmp/zeroed /tmp/map >/tmp/contents
	must_hold /tmp/contents "${disks[@]}"
}

rounds=$(by_lane 25 200 6)
RANDOM=$(small_seed)
make_numbers
modprobe md_rs
for disk in n0 n1 n2 n3; do null_disk $disk size=4 discard=1; done
null_disk plain size=4

note "null_blk discards single sectors, and reads zeros from them"
disks=(/dev/n0 /dev/n1 /dev/n2 /dev/n3)
make_rows "${disks[@]}" 19
punch_d10 "$rounds" 1 blkdiscard
punch_d10 5 1 blkdiscard -z

note "a large discard is one range for each disk"
for disk in "${disks[@]}"; do count_of "$disk" discards; done >/tmp/before
run blkdiscard -o $((19 * 512)) -l $((19 * 512 * 3 * 50)) $d10
run blkdiscard $d10
for disk in "${disks[@]}"; do count_of "$disk" discards; done >/tmp/after
same "discards of the four disks" "2 2 2 1" \
	"$(paste /tmp/before /tmp/after | awk '{ print $2 - $1 }' | xargs)"
same "sectors that hold something" 0 "$(/tmp/numbers list $d10 | grep -vc ' zero$' || true)"
run metaclear d10

note "discards of a file system"
run metainit d10 1 4 "${disks[@]}" -i 8k
run mkfs.ext4 -q $d10
run mount $d10 /mnt
head -c 2M /dev/urandom >/mnt/kept
head -c 4M /dev/urandom >/mnt/removed
sync
written=$(sha256sum </mnt/kept)
before=$(count_of /dev/n1 sectors_discarded)
rm /mnt/removed
sync
run fstrim -v /mnt
[ "$(count_of /dev/n1 sectors_discarded)" -ge $((before + 1024)) ] ||
	fail "a quarter of the removed 4 MiB was not discarded on n1"
run umount /mnt
run e2fsck -fn $d10
run mount $d10 /mnt
same "file that was kept" "$written" "$(sha256sum </mnt/kept)"
run umount /mnt
run metaclear d10

note "one disk does not discard, so d10 does not"
disks=(/dev/n0 /dev/plain /dev/n1 /dev/n2)
make_rows "${disks[@]}" 24
same "largest discard" 0 "$(limit $d10 discard_max_bytes)"
number_disks "${disks[@]}"
number_metadevice d10 /tmp/map
refuse 'not supported' blkdiscard $d10
contents d10 /tmp/map >/tmp/contents
must_hold /tmp/contents "${disks[@]}"
punch_d10 5 1 blkdiscard -z
run metaclear d10

note "the disks of the machine zero by themselves, and discard blocks of 4 KiB"
disks=(/dev/sda /dev/sdb /dev/sdc /dev/sdd)
make_rows "${disks[@]}" 24
[ "$(limit $d10 write_zeroes_max_bytes)" -gt 0 ] || fail "d10 does not zero by itself"
punch_d10 "$rounds" 1 blkdiscard -z
punch_d10 "$rounds" 1 fallocate -z
punch_d10 "$rounds" 1 fallocate -p
punch_d10 "$rounds" 8 blkdiscard
run metaclear d10

note "through two levels"
disks=(/dev/n0 /dev/n1 /dev/n2 /dev/n3)
run metainit d11 1 2 /dev/n0 /dev/n1 -i 17b
run metainit d12 2 1 /dev/n2 1 /dev/n3
run metainit d10 1 2 d11 d12 -i 23b
echo "17 $(part /dev/n0) $(part /dev/n1)" | place_sectors 1 >/tmp/map11
printf '16 %s\n' "$(part /dev/n2)" "$(part /dev/n3)" | place_sectors 1 >/tmp/map12
echo "23 $(part d11) $(part d12)" | place_sectors 1 |
	resolve d11 /tmp/map11 | resolve d12 /tmp/map12 >/tmp/map
punch_d10 "$rounds" 1 blkdiscard
for name in d10 d11 d12; do run metaclear $name; done
