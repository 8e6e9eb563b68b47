#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what happens is told three times, in the same order and with the same words: by 'mdctl
#         monitor', by uevents, which udev can act on, and in the kernel's log: a component that
#         fails, the spare that takes its place, resyncs, submirrors that go and come, a replica
#         that fails and the loss of the quorum. Whoever reads too slowly is told how much he has
#         missed, and a monitor that is interrupted ends well, also while it waits. A broken request
#         is refused, and disturbs nobody.
# Clause: svm.md 12; issue 7
# Lanes: drawn
# Vm: --disks 8 --disk-size 20M --leaks
# Timeout: 300
# What is compared: the documents of two monitors with each other, with uevents by their numbers,
# and with what was done.
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

# told EVENT FILTER: whether the monitor has told of an event that fits a filter of jq.
told() {
	jq -se "any(.[] | .event | values | select(.event == \"$1\"); $2)" "$events" >/dev/null
}

# tells EVENT FILTER: it does, sooner or later.
tells() { wait_for 30 told "$1" "$2"; }

# uevent NUMBER: the lines of the uevent of an event.
uevent() { awk -v RS= "/(^|\n)MD_SEQNUM=$1(\n|\$)/" /tmp/uevents; }

# number_of EVENT FILTER: the number of the first event that fits.
number_of() {
	jq -r "select(.event.event == \"$1\") | .event | select($2) | .sequence" "$events" |
		sed -n 1p
}

modprobe md_rs
udevadm monitor --kernel --property >/tmp/uevents &
uevents=$!
mdctl monitor --json >"$events" &
monitor=$!
mdctl monitor >/tmp/events.txt &
text=$!
wait_for 10 grep -q KERNEL /tmp/uevents
sleep 1

note "what the administrator does"
sick a0 /dev/sdb good
run metadb -a -f /dev/sda
run metainit hsp001 /dev/sdd
run metainit d11 1 1 /dev/mapper/a0 -h hsp001
run metainit d12 1 1 /dev/sdc
for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit --assume-clean d10 -m d11 d12
tells add '.device == "/dev/sda" and (has("volume") | not)'
tells create '.volume == "hsp001"'
tells add '.volume == "hsp001" and .device == "/dev/sdd"'
tells create '.volume == "d11"'
tells create '.volume == "d10"'

note "a soft partition comes, grows and goes"
run metainit d20 -p d10 1m
tells create '.volume == "d20"'
run metattach d20 1m
tells grow '.volume == "d20"'
run metaclear d20
tells delete '.volume == "d20"'

note "a component fails, and a spare takes its place"
sick a0 /dev/sdb no_writes
run dd if=/dev/zero of=$d10 bs=4k count=1 oflag=direct status=none
tells erred '.volume == "d11" and .device == "/dev/mapper/a0" and .old_state == "Okay" and
	.new_state == "Maintenance"'
tells hotspared '.volume == "d11" and .device == "/dev/mapper/a0" and .new_device == "/dev/sdd"'
tells resync_start '.volume == "d10" and .new_state == "Resyncing"'
tells resync_done '.volume == "d10" and .new_state == "Okay"'
tells ok '.volume == "d11" and .device == "/dev/sdd" and .old_state == "Resyncing"'
erred=$(number_of erred '.volume == "d11"')
uevent "$erred" >/tmp/uevent
for line in ACTION=change SUBSYSTEM=block DEVNAME=/dev/md/dsk/d11 MD_EVENT=erred MD_VOLUME=d11 \
	MD_DEVICE=/dev/mapper/a0 MD_OLD_STATE=Okay MD_NEW_STATE=Maintenance; do
	grep -qxF -- "$line" /tmp/uevent || {
		cat /tmp/uevent
		fail "the uevent has no '$line'"
	}
done
dmesg >/tmp/dmesg
grep -q 'd11: /dev/mapper/a0 needs maintenance: it is out of service' /tmp/dmesg ||
	fail "the log does not have it"
grep -q 'd11: hotspared device /dev/mapper/a0 with /dev/sdd' /tmp/dmesg ||
	fail "the log does not have it"
grep -qE '^[0-9T:-]+Z d11 erred /dev/mapper/a0: Okay -> Maintenance$' /tmp/events.txt ||
	fail "not in the text"

note "it is good again: the spare goes back"
sick a0 /dev/sdb good
run metareplace -e -w d10 /dev/mapper/a0
tells replace '.volume == "d11" and .device == "/dev/mapper/a0"'
tells hs_freed '.volume == "d11" and .device == "/dev/sdd" and .new_state == "Available"'

note "submirrors go and come"
run metaoffline d10 d12
run metaonline -w d10 d12
run metadetach d10 d12
run metattach -f -w d10 d12
tells offline '.volume == "d10" and .device == "d12" and .new_state == "Offline"'
tells online '.volume == "d10" and .device == "d12" and .new_state == "Resyncing"'
tells ok '.volume == "d10" and .device == "d12" and .new_state == "Okay"'
tells detach '.volume == "d10" and .device == "d12"'
tells attach '.volume == "d10" and .device == "d12"'

note "a check that finds something"
run dd if=/dev/urandom of=/dev/sdc bs=4k seek=$(((2048 + 4096) / 8)) count=1 oflag=direct \
	conv=notrunc status=none
metasync --check -w d10 || echo "status $?"
tells check '.volume == "d10" and .differing == 4096 and .repaired == 0 and .new_state == "Done"'

note "every event has a uevent, in order, and both monitors have the same ones"
last=$(jq -r 'select(.event).event.sequence' "$events" | tail -n 1)
wait_for 20 grep -qx "MD_SEQNUM=$last" /tmp/uevents
same "numbers" "$(seq 1 "$last" | xargs)" \
	"$(jq -r 'select(.event).event.sequence' "$events" | xargs)"
same "numbers of uevents" "$(seq 1 "$last" | xargs)" \
	"$(grep '^MD_SEQNUM=' /tmp/uevents | cut -d= -f2 | xargs)"
same "lines of text" "$last" "$(wc -l </tmp/events.txt)"
uevent "$(number_of create '.volume == "hsp001"')" | grep -qx 'SUBSYSTEM=module' ||
	fail "what has no disk is not the module's"

note "they end when they are told to"
kill -INT $monitor $text
wait $monitor || fail "interrupted, the monitor ended with status $?"
wait $text || fail "interrupted, the monitor ended with status $?"
mdctl monitor --json >/tmp/other &
monitor=$!
sleep 0.5
kill -TERM $monitor
wait $monitor || fail "terminated, the monitor ended with status $?"
same "what it has told" "" "$(cat /tmp/other)"

note "who has read enough may go"
mdctl monitor --once 2>/tmp/complaints | sed -n 1q || true
same "complaints" "" "$(cat /tmp/complaints)"

note "scripts go on where they were"
same "nothing new" "" "$(mdctl monitor --once --after "$last")"
run metaparam -p 2 d10
run metainit d20 1 1 /dev/sde
run metaclear d20
same "what is new" "create delete" \
	"$(mdctl monitor --json --once --after "$last" | jq -r .event.event | xargs)"
same "the first two" "add create" "$(mdctl monitor --json --past --count 2 |
	jq -r .event.event | xargs)"

note "who is too slow is told so"
last=$((last + 2))
for _ in $(seq 140); do
	metainit d20 1 1 /dev/sde >/dev/null
	metaclear d20 >/dev/null
done
mdctl monitor --json --once --after "$last" >/tmp/late
same "lost" 24 "$(jq -r 'select(.lost).lost' /tmp/late)"
same "the rest" "$(seq $((last + 25)) $((last + 280)) | xargs)" \
	"$(jq -r 'select(.event).event.sequence' /tmp/late | xargs)"
dmesg >/tmp/dmesg
grep -q 'messages were left out' /tmp/dmesg || fail "nothing was left out of the log"
[ "$(grep -c 'd20: is made' /tmp/dmesg)" -lt 130 ] || fail "the log was flooded"

note "broken requests"
cat >/tmp/bad_events.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"

static int fd, failed;
static struct event events[80];
static struct read_events read_;

static void good(void)
{
	read_ = (struct read_events){ .h = { .version = ABI_VERSION, .size = sizeof(read_) },
				      .events = (uintptr_t)events, .capacity = 80 };
}

static void expect(const char *what, int error, int refusal)
{
	int found = ioctl(fd, READ_EVENTS, &read_) ? errno : 0;

	if (found != error || read_.h.refusal != (uint32_t)refusal) {
		printf("%s: errno %d, refusal %u, not errno %d, refusal %d\n", what, found,
		       read_.h.refusal, error, refusal);
		failed = 1;
	}
}

#define BAD(what, change, error, refusal) (good(), change, expect(what, error, refusal))

static void nothing(int signal)
{
}

int main(void)
{
	fd = open("/dev/md/admin", O_RDWR);
	BAD("good", (void)0, 0, 0);
	if (read_.count != 64 || !read_.lost || events[0].number != read_.lost + 1) {
		printf("%u events, %llu lost\n", read_.count, (unsigned long long)read_.lost);
		failed = 1;
	}
	BAD("version", read_.h.version = 6, EPROTO, 1);
	BAD("size", read_.h.size--, EINVAL, 2);
	BAD("header", read_.h.reserved[0] = 1, EINVAL, 3);
	BAD("count", read_.count = 1, EINVAL, 3);
	BAD("reserved", read_.reserved = 1, EINVAL, 3);
	BAD("lost", read_.lost = 1, EINVAL, 3);
	BAD("wait", read_.wait_ms = 3600001, EINVAL, 3);
	BAD("in the future", read_.after = 1ULL << 40, EINVAL, 93);
	BAD("nearly the newest", read_.after = ~0ULL - 1, EINVAL, 93);
	BAD("a bad address", read_.events = 8, EFAULT, 2);
	BAD("no room", read_.capacity = 0, 0, 0);
	BAD("the newest", read_.after = ~0ULL, 0, 0);
	if (read_.count || read_.lost || read_.after == ~0ULL) {
		printf("%u events after the newest\n", read_.count);
		failed = 1;
	}
	BAD("a short wait", (read_.after = ~0ULL, read_.wait_ms = 50), 0, 0);
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = nothing }, NULL);
	alarm(1);
	BAD("a signal", (read_.after = ~0ULL, read_.wait_ms = 3600000), EINTR, 94);
	return failed;
}
C
gcc -O1 -Wall -I "$MD_TEST_LIB" -o /tmp/bad_events /tmp/bad_events.c
/tmp/bad_events || fail "see above"
refuse 'event 1000000 has not happened' mdctl monitor --after 1000000

note "a replica fails, and then too many"
sick r1 /dev/sdf good
sick r2 /dev/sdg good
run metadb -a /dev/mapper/r1
run metadb -a /dev/mapper/r2
last=$(mdctl monitor --json --once | jq -r 'select(.event).event.sequence' | tail -n 1)
sick r1 /dev/sdf nothing
run metaparam -p 3 d10
sick r2 /dev/sdg nothing
metaparam -p 4 d10 && fail "it was recorded on one of three replicas"
mdctl monitor --json --once --after "$last" >"$events"
tells replica_failed '.device == "/dev/mapper/r1" and .new_state == "Failed"'
tells replica_failed '.device == "/dev/mapper/r2"'
tells quorum_lost '.old_state == "Running" and .new_state == "Read-only"'
sick r1 /dev/sdf good
sick r2 /dev/sdg good
kill $uevents
wait $uevents || true

note "after a restart: the set tells that it is started"
last=$(mdctl monitor --json --once | jq -r 'select(.event).event.sequence' | tail -n 1)
run mdctl stop
run mdctl start
mdctl monitor --json --once --after "$last" >"$events"
tells stop '.new_state == "Stopped"'
tells start '.old_state == "Stopped" and .new_state == "Running" and .made == 3 and .failed == 0'
run mdctl stop
run modprobe -r md_sp md_mirror md_stripe md_rs
