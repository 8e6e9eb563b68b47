#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: the modules load by insmod, the core first, and by modprobe in any order; metainit loads
#         what it needs; and all of them unload again.
# Clause: issue 4: insmod and modprobe
# Lanes: stock,smoke
# Vm: --disks 2 --disk-size 32M
# Timeout: 120
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

folder=$(dirname "$(modinfo -n md_rs)")
same "folder" "modules/$(uname -r)/updates" "${folder#*/lib/}"
personalities=()
for file in "$folder"/md_*.ko; do
	name=$(basename "$file" .ko)
	[ "$name" = md_rs ] || personalities+=("$name")
done
[ ${#personalities[@]} -gt 0 ] || fail "there is only the core"
loaded() { sed -nE 's/^(md_[a-z]+) .*/\1/p' /proc/modules | sort | xargs; }
works() {
	run metainit d10 1 2 /dev/sda /dev/sdb
	run dd if=/dev/md/dsk/d10 of=/dev/null bs=64k count=4 status=none
	run metaclear d10
}
# insert NAME: with what it needs of the kernel's own, which insmod does not look for.
insert() {
	local needed
	for needed in $(modinfo -F depends "$1" | tr , ' '); do
		[[ $needed == md_* ]] || run modprobe "$needed"
	done
	run insmod "$folder/$1.ko"
}
is_gone() { [ ! -e "/sys/module/$1" ]; }

note "insmod"
for name in "${personalities[@]}"; do
	refuse 'Unknown symbol' insmod "$folder/$name.ko"
done
run insmod "$folder/md_rs.ko"
for name in "${personalities[@]}"; do insert "$name"; done
works
for name in "${personalities[@]}"; do run rmmod "$name"; done
run rmmod md_rs
same "modules" "" "$(loaded)"

note "modprobe"
for name in "${personalities[@]}"; do
	run modprobe "$name"
	same "modules" "$(printf '%s\n' md_rs "$name" | sort | xargs)" "$(loaded)"
	run modprobe -r "$name"
	wait_for 30 is_gone "$name"
	[ ! -e /sys/module/md_rs ] || run rmmod md_rs
done
run modprobe md_rs
works
run modprobe -r md_stripe
[ ! -e /sys/module/md_rs ] || run modprobe -r md_rs
same "modules" "" "$(loaded)"
