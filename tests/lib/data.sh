# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by scenarios: . "$MD_TEST_LIB/data.sh"
# Data that can be recognised again.

# sectors TAG FIRST COUNT: sectors of 512 bytes, each holding its tag and its number.
sectors() {
	awk -v tag="$1" -v first="$2" -v count="$3" 'BEGIN {
		for (n = first; n < first + count; n++) printf "%-511s\n", tag " " n
	}'
}

# count_sectors FILE FIRST COUNT TAG: how many of these sectors of a disk hold this tag. A sector
# that holds anything but its own number is an error: it was misdirected or made up.
count_sectors() {
	dd if="$1" bs=512 skip="$2" count="$3" status=none | awk -v first="$2" -v tag="$4" '
		length($0) != 511 || $2 != first + NR - 1 { bad = bad " " NR - 1; next }
		$1 == tag { found++ }
		END {
			if (bad == "") { print found + 0; exit }
			print "these sectors hold something else:" bad > "/dev/stderr"
			exit 1
		}'
}

# checksum FILE: read past the page cache.
checksum() {
	dd if="$1" bs=64K iflag=direct status=none | sha256sum | cut -d' ' -f1
}

# tree_checksums DIR: of all files below, by name.
tree_checksums() {
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0r sha256sum)
}

# small_seed: the run's seed, as a number that fits in 32 bits.
small_seed() { printf '%d\n' "$((10#$(printf %s "${SEED:?}" | tail -c 9)))"; }

# draw LOW HIGH: puts a number of that range into $REPLY; a scenario starts with
# RANDOM=$(small_seed).
draw() { REPLY=$(($1 + RANDOM % ($2 - $1 + 1))); }

# verify_with_fio ARG...: a fio job that reads back what it wrote; it must succeed.
verify_with_fio() {
	printf '$ fio %s\n' "$*"
	fio --name=verify --verify=crc32c --do_verify=1 --randseed="$(small_seed)" \
		--output=/tmp/fio.log "$@" || {
		cat /tmp/fio.log
		fail "fio ended with an error"
	}
}

# stop_fio PID LOG: ends a fio before its time; it must have had no error. One that verifies ends at
# the first one (verify_fatal), so that one which is still there has had none; its status is 128
# then. It may be in a phase that no signal but the last one ends.
stop_fio() {
	local status=0 n
	kill -0 "$1" 2>/dev/null || {
		cat "$2"
		fail "the load has ended, with an error"
	}
	kill -INT "$1"
	for ((n = 0; n < 50; n++)); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.2
	done
	if kill -KILL "$1" 2>/dev/null; then
		pkill -KILL -x fio || true
		wait "$1" || true
	else
		wait "$1" || status=$?
	fi
	if [ $status != 0 ] && [ $status != 128 ] || grep -E 'err= *[1-9]|verify: bad' "$2"; then
		cat "$2"
		fail "the load had errors (status $status)"
	fi
}

# punch COUNT BLOCK DEVICE COMMAND...: gives COUNT random ranges of a device, of whole blocks of
# BLOCK sectors, to a command, as "-o OFFSET -l LENGTH" in bytes. /tmp/zeroed then has the numbers
# of their sectors.
punch() {
	local count=$1 block=$2 device=$3 blocks first length
	shift 3
	blocks=$(($(blockdev --getsz "$device") / block))
	true >/tmp/zeroed
	printf '$ %s -o OFFSET -l LENGTH %s   (%s times)\n' "$*" "$device" "$count"
	for ((; count > 0; count--)); do
		draw 0 $((blocks - 1)) && first=$REPLY
		draw 1 $((blocks - first > 300 ? 300 : blocks - first)) && length=$REPLY
		"$@" -o $((first * block * 512)) -l $((length * block * 512)) "$device" ||
			fail "'$*' ended with status $? for $length blocks from $first on"
		seq $((first * block)) $(((first + length) * block - 1)) >>/tmp/zeroed
	done
	sync -d "$device"
}
