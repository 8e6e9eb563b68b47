# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios that run on the host, after expect.sh: . "$MD_TEST_LIB/boots.sh"
# A machine that is booted again and again with the same disks, and loses its power. The scripts
# that it runs are files in $dir, which the scenario writes.

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

disks=()
# Seconds that a boot may take.
boot_limit=120

# add_disks SIZE...: gives the machine disks.
add_disks() {
	local size
	for size in "$@"; do
		truncate -s "$size" "$dir/disk${#disks[@]}"
		disks+=(--disk "$dir/disk${#disks[@]}")
	done
}

# boot [--seed N] SCRIPT [ARG...]: runs a script in the machine.
boot() { scripts/vm --timeout "$boot_limit" "${disks[@]}" "$@"; }

# make_mirror_set DISK DISK: a set with replicas on two disks, such as sdc and sdd, and the mirror
# d10 on the first two.
make_mirror_set() {
	cat >"$dir/make" <<-GUEST
		. "\$MD_TEST_LIB/expect.sh"
		modprobe md_rs
		run metadb -a -f -c 2 /dev/$1
		run metadb -a -c 2 /dev/$2
		run metainit d11 1 1 /dev/sda
		run metainit d12 1 1 /dev/sdb
		run metainit --assume-clean d10 -m d11 d12
		run mdctl stop
	GUEST
	boot "$dir/make" || fail "the set was not made"
}

# The array has, for each change with a number, an extended regular expression of what may be found
# after it was confirmed: that, or also the next one.
may_be=()

# cut_changes ROUNDS LONG: so many rounds, or in "make test-long" so many: $dir/change makes
# changes and confirms them by their numbers (confirm.sh), until the power is cut, when the seed
# decides; $dir/check then says what is "found: ".
cut_changes() {
	local rounds=${MD_LONG:+$2} round limit delay last count found
	rounds=${rounds:-$1}
	RANDOM=$((SEED % 32768))
	for ((round = 0; round < rounds; round++)); do
		note "round $round"
		limit=$((1 + RANDOM % 20)) delay=0.$((RANDOM % 10))$((RANDOM % 10))
		boot --seed $((SEED + round)) "$dir/change" $limit $delay >"$dir/said" 2>&1 || true
		last=$(sed -n 's/^confirmed: \([0-9]\).*/\1/p' "$dir/said" | tail -n 1)
		count=$(grep -c '^confirmed: ' "$dir/said" || true)
		echo "the power went after $count changes, the last of them number $last"
		[ -n "$last" ] || {
			cat "$dir/said"
			fail "the set did not start"
		}
		boot "$dir/check" >"$dir/found" 2>&1 || {
			cat "$dir/found"
			fail "what is there cannot be used"
		}
		found=$(sed -n 's/^found: *//p' "$dir/found" | tr -d '\r')
		[[ $found =~ ${may_be[last]} ]] || {
			cat "$dir/found"
			fail "found '$found' after change number $last"
		}
		echo "found: '$found'"
	done
}
