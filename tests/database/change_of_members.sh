#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a set runs on with half of its replicas, since the others are lost or fail. A change of
#         the list of replicas that could not be committed then is refused, with the command that
#         helps, and the set can be written to as before; once the lost replicas are deleted it is
#         possible. Nobody needs to have noticed the loss before.
# Clause: DURABILITY 1, 2; issue 6
# Lanes: stock
# Vm: --disks 4 --disk-size 32M
# Timeout: 240
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

is_there() { [ -n "$(disk_named "$1")" ]; }
is_gone() { [ -z "$(disk_named "$1")" ]; }

# flags: of the replicas, and how many have these.
flags() { metadb | awk 'NR > 2 { print $1 }' | sort | uniq -c | awk '{ print $1 $2 }' | xargs; }

# goes_on: the set can be written to.
goes_on() {
	if metadb | grep -q READ-ONLY; then fail "the set has stopped"; fi
	run metainit hsp001
	run metaclear hsp001
}

# next_command ARG...: what a command that is refused says to type.
next_command() { { "$@" 2>&1 || true; } | sed -n 's/^next: //p'; }

modprobe md_rs
note "half of the replicas is lost, and the administrator is the first to notice"
run metadb -a -f /dev/sda
run metadb -a /dev/sdb
run vmctl unplug disk1
wait_for 20 is_gone disk1
refuse '1 of 2 voting replicas do not answer: .*delete those first' metadb -a -t /dev/sdc
refuse 'has nothing of a set' mdctl probe /dev/sdc
goes_on
refuse '1 of 2 voting replicas do not answer' metadb -d /dev/sda
goes_on
same "replicas" "1W 1au" "$(flags)"
next=$(next_command metadb -a -t /dev/sdc)
case $next in 'metadb -d '*) ;; *) fail "it says to type '$next'" ;; esac
# shellcheck disable=SC2086  # It is a command.
run $next
run metadb -a -t /dev/sdc
same "replicas" "1au 1aut" "$(flags)"
goes_on

note "a voter is always welcome, and then two of three are enough"
run metadb -a /dev/sdd
run vmctl plug disk1
wait_for 20 is_there disk1
run metadb -a -f "$(disk_named disk1)"
same "replicas" "3au 1aut" "$(flags)"
run metadb -d "$(disk_named disk3)"

note "half of them is lost again: the tie-breaker is needed"
run vmctl unplug disk1
wait_for 20 is_gone disk1
goes_on
refuse 'delete those first' metadb -d /dev/sdc
goes_on
# shellcheck disable=SC2046  # It is a command.
run $(next_command metadb -d /dev/sdc)
run metadb -d /dev/sdc
goes_on

note "a replica that is there, and cannot be written to"
sick bad /dev/sdd good
run metadb -a -f /dev/mapper/bad
sick bad /dev/sdd no_writes
refuse 'delete those first .*mapper/bad' metadb -a -t /dev/sdc
goes_on
# shellcheck disable=SC2046  # It is a command.
run $(next_command metadb -a -t /dev/sdc)
run metadb -a -t /dev/sdc
same "replicas" "1au 1aut" "$(flags)"
