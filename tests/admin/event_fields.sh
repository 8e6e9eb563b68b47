#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: each of these is told once, with the volume, the device and the states that it had and
#         has, by the monitor and by a uevent of the same number: the last copy fails, a resync
#         stands still, is cancelled or pauses, a spare breaks and is enabled, spares and replicas
#         go, names change, a component is slow and is in time again.
# Clause: svm.md 12; DURABILITY 13; issue 7
# Lanes: drawn
# Vm: --disks 8 --disk-size 20M
# Timeout: 200
# What is compared: all fields of the monitor's document, except the time, and all variables of the
# uevent, with what is expected; numbers with their order.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10
events=/tmp/events.json
# The number of the last event that was found.
last=0

# as_document FIELD=VALUE...: an object of jq.
as_document() {
	local field filter='{}'
	for field; do filter+=" + {\"${field%%=*}\": \"${field#*=}\"}"; done
	jq -nc "$filter"
}

# told EVENT: finds the first one after the last one that is exactly this, and its number.
told() {
	number=$(jq -rs --argjson want "$1" --argjson last "$last" 'map(.event | values |
		select(.sequence > $last and del(.sequence, .time) == $want)) |
		.[0].sequence // empty' "$events")
	[ -n "$number" ]
}

# has_uevent NUMBER: it has come. The part between two empty lines is one.
has_uevent() { grep -qx "MD_SEQNUM=$1" /tmp/uevents; }
uevent() { awk -v RS= "/(^|\n)MD_SEQNUM=$1(\n|\$)/" /tmp/uevents; }

# tells FIELD=VALUE...: this is told next, and nothing of the same kind and volume in between; with
# a uevent of the disk that says the same.
tells() {
	local want again
	want=$(as_document "$@")
	wait_for 60 told "$want"
	again=$(jq -cs --argjson want "$want" --argjson last "$last" --argjson number "$number" \
		'map(.event | values | select(.sequence > $last and .sequence < $number and
		.event == $want.event and .volume == $want.volume))' "$events")
	same "the same in between" "[]" "$again"
	wait_for 20 has_uevent "$number"
	same "variables" "$(jq -r --argjson number "$number" 'select(.event.sequence == $number) |
		.event | del(.sequence, .time) | to_entries[] |
		"MD_\(.key | ascii_upcase)=\(.value)"' "$events" | sort)" \
		"$(uevent "$number" | grep '^MD_' | grep -v '^MD_SEQNUM=' | sort)"
	uevent "$number" >/tmp/uevent
	case "$want" in
	*'"volume":"d'*)
		grep -qx "DEVNAME=/dev/md/dsk/$(jq -r .volume <<<"$want")" /tmp/uevent ||
			fail "it is not the uevent of the disk: $(cat /tmp/uevent)"
		;;
	*) grep -qx 'SUBSYSTEM=module' /tmp/uevent || fail "it is not the module's" ;;
	esac
	last=$number
}

# never EVENT: nothing of this kind was told so far.
never() {
	same "$1" "[]" "$(jq -cs --arg kind "$1" 'map(.event | values |
		select(.event == $kind))' "$events")"
}

modprobe md_rs
udevadm monitor --kernel --property >/tmp/uevents &
uevents=$!
mdctl monitor --json >"$events" &
monitor=$!
wait_for 10 grep -q KERNEL /tmp/uevents
sleep 1

sick a0 /dev/sdb good
sick b0 /dev/sdc good
sick s0 /dev/sdd good
run metadb -a -f -c 2 /dev/sda
run metadb -a /dev/sde
run metainit hsp001 /dev/mapper/s0 /dev/sdf
run metainit d11 1 1 /dev/mapper/a0
run metainit d12 1 1 /dev/mapper/b0
for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit --assume-clean d10 -m d11 d12

note "names"
run metainit d30 1 1 /dev/sdg
run metarename d30 d31
tells event=rename volume=d31 device=d30
run metaclear d31
run metarename -x d10 d11
tells event=exchange volume=d11 device=d10
run metarename -x d11 d10
tells event=exchange volume=d10 device=d11

note "a replica and a spare go"
run metadb -d /dev/sde
tells event=remove device=/dev/sde
run metahs -d hsp001 /dev/sdf
tells event=remove volume=hsp001 device=/dev/sdf
run metahs -a hsp001 /dev/sdf
run metahs -r hsp001 /dev/sdf /dev/sdh
tells event=remove volume=hsp001 device=/dev/sdf
tells event=add volume=hsp001 device=/dev/sdh

note "a spare breaks, and is enabled"
never hs_changed
run metaparam -h hsp001 d12
sick s0 /dev/sdd nothing
sick b0 /dev/sdc no_writes
run dd if=/dev/zero of=$d10 bs=4k count=1 oflag=direct status=none
tells event=erred volume=d12 device=/dev/mapper/b0 old_state=Okay new_state=Maintenance
tells event=hs_changed device=/dev/mapper/s0 old_state="In use" new_state=Broken
tells event=hotspared volume=d12 device=/dev/mapper/b0 new_device=/dev/sdh \
	old_state=Maintenance new_state=Resyncing
sick s0 /dev/sdd good
run metahs -e /dev/mapper/s0
tells event=hs_changed device=/dev/mapper/s0 old_state=Broken new_state=Available
wait_for 30 states_are d12 Okay
sick b0 /dev/sdc good
run metareplace -e -w d10 /dev/mapper/b0
tells event=hs_freed volume=d12 device=/dev/sdh old_state="In use" new_state=Available
run metaparam -h none d12

note "all of them have a number, one more than the one before"
newest=$(jq -r 'select(.event).event.sequence' "$events" | tail -n 1)
wait_for 20 has_uevent "$newest"
same "numbers" "$(seq 1 "$newest" | xargs)" \
	"$(jq -r 'select(.event).event.sequence' "$events" | xargs)"
same "numbers of uevents" "$(seq 1 "$newest" | xargs)" \
	"$(grep '^MD_SEQNUM=' /tmp/uevents | cut -d= -f2 | xargs)"
kill -INT $monitor
wait $monitor || fail "interrupted, the monitor ended with status $?"
kill $uevents
wait $uevents || true
run metaclear -r d10
run metahs -d hsp001 /dev/mapper/s0 /dev/sdh
run metaclear hsp001
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
