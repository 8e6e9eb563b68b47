#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: under ext4 and under xfs, with a load that verifies what it reads, the sides of a mirror
#         go through all that can happen to them, each of it at least once, in an order that is
#         drawn: they are attached and detached, go offline and come back, fail and are replaced,
#         enabled or spared, are checked and repaired, and fail while one is being resynced. Nobody
#         sees an error, and in the end all sides are the same and every file is what was written.
# Clause: svm.md 4.2; DURABILITY 5, 10, 11, 21; issue 7: every transition
# Lanes: drawn
# Vm: --disks 8 --disk-size 48M --smp 2
# Timeout: 900
# What is compared: what fio reads with what it wrote, by and past the page cache; files with what
# was synced; the sides.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"
# shellcheck source=tests/lib/faults.sh
. "$MD_TEST_LIB/faults.sh"

RANDOM=$(small_seed)
letters=(c d e f)

is_at_rest() { [ "$(described d10 .resync)" = null ]; }
settle() { wait_for 120 is_at_rest; }

# The sides by what has become of them: in (Okay when nothing is copied), out (no side), away
# (offline), bad (its component is out of service).
declare -A fate
# with FATE: the sides that have it.
with() {
	local side
	for side in 0 1 2 3; do [ "${fate[$side]}" != "$1" ] || echo "$side"; done
}
# some FATE: one of them, into $side; fails if there is none.
some() {
	local sides
	mapfile -t sides < <(with "$1")
	[ ${#sides[@]} -gt 0 ] || return 1
	draw 0 $((${#sides[@]} - 1)) && side=${sides[REPLY]}
}
# has_others: whether there are two sides that have everything, so that one may go.
has_others() {
	settle
	[ "$(with in | wc -l)" -ge 2 ]
}
# may_wait COMMAND...: a command that resyncs, and sometimes waits for that.
may_wait() {
	draw 0 1
	if [ "$REPLY" = 1 ]; then run "$@" -w d10 "d2$side"; else run "$@" d10 "d2$side"; fi
}

attach() {
	some out || return 1
	may_wait metattach -f
	fate[$side]=in
}
detach() {
	has_others && some in || return 1
	run metadetach d10 "d2$side"
	fate[$side]=out
}
go_offline() {
	has_others && some in || return 1
	run metaoffline d10 "d2$side"
	fate[$side]=away
}
come_online() {
	some away || return 1
	may_wait metaonline
	fate[$side]=in
}
is_bad() { states_are "d2$side" Maintenance; }
go_bad() {
	has_others && some in || return 1
	fail_side
}
fail_side() {
	draw 0 1
	if [ "$REPLY" = 1 ]; then how=nothing; else how=no_writes; fi
	sick "s$side" "/dev/sd${letters[side]}" $how
	wait_for 30 is_bad
	fate[$side]=bad
}
# While one is being resynced that one fails, or one that has everything if it is not the last. The
# resync does not get far before that, since it has a ceiling.
go_bad_meanwhile() {
	local new whole
	has_others || return 1
	mapfile -t whole < <(with in)
	some away || some out || return 1
	new=$side
	run metaparam --resync-floor 1000 --resync-ceiling 2048 d10
	if [ "${fate[$new]}" = away ]; then
		run metaonline d10 "d2$new"
	else
		run metattach -f d10 "d2$new"
	fi
	fate[$new]=in
	if is_at_rest; then fail "the resync was over at once"; fi
	whole+=("$new")
	draw 0 $((${#whole[@]} - 1)) && side=${whole[REPLY]}
	fail_side
	run metaparam --resync-floor 50000 --resync-ceiling none d10
}
enable() {
	some bad || return 1
	sick "s$side" "/dev/sd${letters[side]}" good
	run metareplace -e d10 "/dev/mapper/s$side"
	fate[$side]=in
}
# Replaced by another disk, and that one by it again.
replace() {
	some bad || return 1
	run metareplace -w d10 "/dev/mapper/s$side" /dev/sdg
	sick "s$side" "/dev/sd${letters[side]}" good
	run wipefs -aq "/dev/mapper/s$side"
	run metareplace -f -w d10 /dev/sdg "/dev/mapper/s$side"
	run wipefs -aq /dev/sdg
	fate[$side]=in
}
# A spare stands for it until its disk is good again.
stands_in() { [ "$(described "d2$side" '.rows[0].components[0].hot_spare')" = /dev/sdh ]; }
is_free() { metahs -i hsp001 | grep -q Available; }
spare() {
	some bad || return 1
	settle
	run metaparam -h hsp001 "d2$side"
	wait_for 30 stands_in
	settle
	sick "s$side" "/dev/sd${letters[side]}" good
	run metareplace -e -w d10 "/dev/mapper/s$side"
	run metaparam -h none "d2$side"
	wait_for 30 is_free
	fate[$side]=in
}
check() {
	has_others || return 1
	run metasync --check -w d10
}
repair() {
	has_others || return 1
	run metasync --repair -w d10
}
policies() {
	local reads=(roundrobin geometric first hedged) writes=(parallel serial copy)
	draw 0 3 && read_policy=${reads[REPLY]}
	draw 0 2 && run metaparam -r "$read_policy" -w "${writes[REPLY]}" d10
}
kinds=(attach detach go_offline come_online go_bad go_bad_meanwhile enable replace spare check
	repair policies)
steps=("${kinds[@]}" attach come_online go_bad)

# step NAME: one of them; fails if the sides are not such that it can be.
step() {
	"$1" || return 1
	taken=$((taken + 1))
	keep "step$((taken % 4))"
	kill -0 "$load" || fail "the load has ended after $1"
}
# any_step: one that is drawn of those that can be.
any_step() {
	local n
	for ((n = 0; n < 100; n++)); do
		draw 0 $((${#steps[@]} - 1))
		! step "${steps[REPLY]}" || return 0
	done
	fail "nothing can be done with the sides"
}
# missing_step: the first one that can be of those that were not yet.
missing_step() {
	local n
	for n in "${!missing[@]}"; do
		if step "${missing[n]}"; then
			unset "missing[n]"
			return 0
		fi
	done
	return 1
}
# shuffle: puts all kinds into $missing.
shuffle() {
	local n
	missing=("${kinds[@]}")
	for ((n = ${#missing[@]} - 1; n > 0; n--)); do
		draw 0 $n
		name=${missing[n]}
		missing[n]=${missing[REPLY]}
		missing[REPLY]=$name
	done
	echo "the order: ${missing[*]}"
}

# walk STEPS MKFS...: a mirror of two sides, of which more come and go: each kind of step once, and
# so many more.
walk() {
	local count=$1 n side name taken=0 missing
	shift
	note "$*"
	for side in 0 1 2 3; do
		sick "s$side" "/dev/sd${letters[side]}" good
		run metainit "d2$side" 1 1 "/dev/mapper/s$side"
		fate[$side]=out
	done
	for side in 0 1; do
		run blkdiscard -zf "/dev/md/dsk/d2$side"
		fate[$side]=in
	done
	run metainit d10 -m d20 d21 --assume-clean
	# However slow the machine is: what is waited for is not to be held back by the load.
	run metaparam --resync-floor 50000 d10
	run "$@" $d10
	run mount $d10 /mnt
	mkdir /mnt/kept
	keep healthy
	start_load
	shuffle
	until [ ${#missing[@]} = 0 ]; do missing_step || any_step; done
	for ((n = 0; n < count; n++)); do any_step; done
	echo "$taken steps; in $(with in | xargs), out $(with out | xargs), offline $(with away |
		xargs), bad $(with bad | xargs)"

	note "all are well again"
	while some away; do come_online; done
	while some bad; do enable; done
	while some out; do attach; done
	settle
	same "states" "Okay,Okay,Okay,Okay" "$(states d10)"
	end_load
	files_match
	same_sides_of_mounted
	run umount /mnt
	run metaclear -r d10
	for side in 0 1 2 3; do run dmsetup remove "s$side"; done
}

modprobe md_rs
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
run metainit hsp001 /dev/sdh
count=$(by_lane 2 60 0)
walk "$count" mkfs.ext4 -qF
# It refuses such small ones, except for its own tests.
walk "$count" env TEST_DIR=/ TEST_DEV=/ QA_CHECK_FS=1 mkfs.xfs -qf
run metahs -d hsp001 /dev/sdh
run metaclear hsp001
run mdctl stop
