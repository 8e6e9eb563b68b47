# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios, after expect.sh and disks.sh: . "$MD_TEST_LIB/mirror.sh"
# Mirrors: how their components are, and whether their sides are the same.

# sick NAME DISK HOW: makes /dev/mapper/NAME of all of a disk, or changes it while it is in use:
# good, no_reads, no_writes (nor flushes), or nothing.
sick() {
	local size table
	size=$(blockdev --getsz "$2")
	case $3 in
	good) table="0 $size linear $2 0" ;;
	no_reads) table="0 $size flakey $2 0 0 100000 1 error_reads" ;;
	no_writes) table="0 $size flakey $2 0 0 100000 1 error_writes" ;;
	nothing) table="0 $size error" ;;
	*) fail "a disk cannot be '$3'" ;;
	esac
	printf '$ %s is %s now\n' "$1" "$3"
	if [ -e "/dev/mapper/$1" ]; then remap "$1" "$table"; else mapped "$1" "$table"; fi
}

# waits_for_write NAME DISK METADEVICE COMMAND...: while a write to the metadevice is under way, of
# which /dev/mapper/NAME, all of the disk, does not do its part for 4 seconds. The command only ends
# when the write has.
waits_for_write() {
	local name=$1 disk=$2 metadevice=$3 writer
	remap "$name" "0 $(blockdev --getsz "$disk") delay $disk 0 0 $disk 0 4000 $disk 0 0"
	dd if=/dev/urandom of="/dev/md/dsk/$metadevice" bs=4k count=1 oflag=direct status=none &
	writer=$!
	wait_for 3 is_busy "/dev/md/dsk/$metadevice"
	run "${@:4}"
	wait_for 1 has_ended $writer
	wait $writer || fail "the write has failed"
	sick "$name" "$disk" good
}
is_busy() { [ "$(count_of "$1" in_flight)" -gt 0 ]; }
has_ended() { ! kill -0 "$1" 2>/dev/null; }

# states NAME: those of the components of a metadevice, or of the submirrors of a mirror, joined by
# commas.
states() {
	described "$1" ' | [(.submirrors // [.rows[].components[]])[].state] | join(",")'
}

# states_are NAME STATES: whether they are these.
states_are() { [ "$(states "$1")" = "$2" ]; }

# errors NAME COMPONENT read|write: how many a component has counted.
errors() { described "$1" " | [.rows[].components[]][$2].$3_errors"; }

# newest_event: its number.
newest_event() {
	mdctl monitor --json --once | jq -r '.event | values | .sequence' | tail -n 1
}

# resyncs_since NUMBER: what has happened to resyncs since an event, in order.
resyncs_since() {
	mdctl monitor --json --once --after "$1" |
		jq -r '.event | values | select(.event | startswith("resync")) |
			"\(.volume) \(.event)"' | xargs
}

# side_data NAME BYTES: what a side holds, past the page cache.
side_data() {
	dd if="/dev/md/dsk/$1" bs=256K count="$2" iflag=direct,count_bytes status=none
}

# same_sides MIRROR: every block is the same on all of its sides.
same_sides() {
	local bytes sides side
	bytes=$(blockdev --getsize64 "/dev/md/dsk/$1")
	mapfile -t sides < <(described "$1" '.submirrors[].name')
	for side in "${sides[@]:1}"; do
		cmp <(side_data "${sides[0]}" "$bytes") <(side_data "$side" "$bytes") ||
			fail "${sides[0]} and $side of $1 are not the same"
	done
	echo "the ${#sides[@]} sides of $1 are the same: $bytes bytes"
}
