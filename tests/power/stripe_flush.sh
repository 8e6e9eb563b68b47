#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what a flush or a FUA write has confirmed on a striped metadevice is there after the power
#         was cut, whichever of the unflushed sectors the disks lost.
# Clause: DURABILITY 7, 9, 24
# Lanes: drawn
# Runs: host
# Timeout: 600
set -euo pipefail
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
stripe='modprobe md_rs; metainit d10 1 3 /dev/sda /dev/sdb /dev/sdc -i 8k'

# Numbered records, each confirmed before it is reported: by a flush of the device; or by being
# written with FUA and no flush behind it, which is how ext4 overwrites a file for O_DSYNC. The ways
# have a round each: a FUA write flushes its whole disk here, and would hide a flush that was lost.
cat >"$dir/flush" <<GUEST
$stripe
to=/dev/md/dsk/d10
how=conv=sync,notrunc,fsync
GUEST
cat >"$dir/fua" <<GUEST
$stripe
[ "\$1" = verify ] || mkfs.ext4 -q /dev/md/dsk/d10
mount -o commit=300 /dev/md/dsk/d10 /mnt
to=/mnt/records
how="conv=sync,notrunc oflag=direct,dsync"
[ "\$1" = verify ] || { head -c 4M /dev/zero >\$to; sync; }
GUEST
cat >"$dir/write" <<'GUEST'
set -euo pipefail
. "/host/$1" write
for n in $(seq 0 79); do
	# shellcheck disable=SC2086
	printf 'record %d %s' $n "$1" | dd of=$to bs=4k seek=$((n * 7 % 1000)) $how status=none
	echo $n >/out/confirmed
done
vmctl cut
echo "the power is still on"
exit 1
GUEST
cat >"$dir/verify" <<'GUEST'
set -euo pipefail
. "/host/$1" verify
for n in $(seq 0 "$2"); do
	found=$(dd if=$to bs=4k skip=$((n * 7 % 1000)) count=1 status=none | tr -d '\0 ')
	[ "$found" = "record$n$1" ] || {
		echo "record $n was confirmed and is lost: found '$found'"
		exit 1
	}
done
GUEST

for round in flush fua; do
	seed=$(small_seed)
	disks=(--share "$dir")
	for disk in a b c; do
		truncate -s 16M "$dir/$round.$disk"
		disks+=(--disk "$dir/$round.$disk")
	done
	rm -rf "$dir/out"
	mkdir "$dir/out"
	scripts/vm "${disks[@]}" --out "$dir/out" --seed "$seed" \
		"$dir/write" $round
	confirmed=$(cat "$dir/out/confirmed")
	scripts/vm "${disks[@]}" "$dir/verify" $round "$confirmed"
	echo "$round: records 0 to $confirmed are there (seed $seed)"
done
