#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what a flush or a FUA write has confirmed on a striped metadevice is there after the power
#         was cut, whichever of the unflushed sectors the disks lost.
# Clause: DURABILITY 7, 9, 24
# Lanes: stock
# Runs: host
# Timeout: 600
set -euo pipefail
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
stripe='modprobe md_rs; metainit d10 1 3 /dev/sda /dev/sdb /dev/sdc -i 8k'

cat >"$dir/write" <<GUEST
set -euo pipefail
$stripe
# Numbered records over the whole device, each confirmed in the round's way before it is reported.
for n in \$(seq 0 79); do
	printf 'record %d %s' \$n "\$1" |
		dd of=/dev/md/dsk/d10 bs=4k seek=\$((n * 7 % 1000)) conv=sync\$2 status=none
	echo \$n >/out/confirmed
done
vmctl cut
sleep 60
GUEST
cat >"$dir/verify" <<GUEST
set -euo pipefail
$stripe
for n in \$(seq 0 "\$1"); do
	found=\$(dd if=/dev/md/dsk/d10 bs=4k skip=\$((n * 7 % 1000)) count=1 status=none |
		tr -d '\0 ')
	[ "\$found" = "record\$n\$2" ] || {
		echo "record \$n was confirmed and is lost: found '\$found'"
		exit 1
	}
done
GUEST

# round NAME CONFIRM: writes, cuts the power and reads; CONFIRM follows "conv=sync" in dd's words.
# The ways have a round each: a FUA write flushes its whole disk here, and would hide a lost flush.
round() {
	local seed disks=() disk confirmed
	seed=$(small_seed)
	for disk in a b c; do
		truncate -s 16M "$dir/$1.$disk"
		disks+=(--disk "$dir/$1.$disk")
	done
	rm -rf "$dir/out"
	mkdir "$dir/out"
	scripts/vm "${disks[@]}" --out "$dir/out" --kill-after 120 --seed "$seed" \
		"$dir/write" "$1" "$2"
	confirmed=$(cat "$dir/out/confirmed")
	scripts/vm "${disks[@]}" "$dir/verify" "$confirmed" "$1"
	echo "$1: records 0 to $confirmed are there (seed $seed)"
}
round flush ,fsync
round fua ' oflag=direct,dsync'
