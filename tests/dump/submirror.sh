#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a mirror in use is dumped from one of its sides, as it was at one moment; the side comes
#         back, also when the dump fails or is stopped, and gets what was written meanwhile and no
#         more. What is restored is what was there. A dump with finished volumes and a state can
#         go on with the side as it was, and then brings it back.
# Clause: issue 11; DURABILITY 5, 7
# Lanes: drawn
# Vm: --disks 4 --disk-size 64M
# Timeout: 260
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

d10=/dev/md/dsk/d10

# copies: files that come and go, until they are told to end.
copies() {
	local n=0
	until [ -e /tmp/enough ]; do
		n=$((n + 1))
		cp -r /etc/default "/mnt/copy$((n % 4))"
		rm -rf "/mnt/copy$(((n + 2) % 4))"
	done
}
start_copies() {
	rm -f /tmp/enough
	copies &
	load=$!
}
end_copies() {
	touch /tmp/enough
	wait $load || fail "the copies had errors"
}

modprobe md_rs
run metadb -a -f -c 2 /dev/sda
run metadb -a -c 2 /dev/sdb
run metainit d11 1 1 /dev/sdc
run metainit d12 1 1 /dev/sdd
for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
run metainit d10 -m d11 d12 --assume-clean
run mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 $d10
run mount $d10 /mnt
mkdir /mnt/kept
cp -r /etc/default /etc/init.d /mnt/kept
dd if=/dev/urandom of=/mnt/kept/large bs=1M count=8 status=none
ln -s large /mnt/kept/link
tree_checksums /mnt/kept >/tmp/kept

note "while files are copied the mirror is dumped from its second side"
start_copies
sleep 1
run mddump -0u -D /tmp/dumpdates --from-submirror d10/d12 -f /tmp/dump
end_copies
grep "^$d10 0 " /tmp/dumpdates || fail "the dump is not remembered under the mirror's name"
wait_for 60 states_are d10 "Okay,Okay"

note "restore brings back what was there, and the dump is of one moment"
mkdir /tmp/restored
(cd /tmp/restored && run restore -rf /tmp/dump) || fail "restore has errors"
(cd /tmp/restored/kept && sha256sum --quiet -c /tmp/kept) || fail "a file is not what was dumped"
same "link" large "$(readlink /tmp/restored/kept/link)"

note "the sides are the same again"
sync
run fsfreeze -f /mnt
same_sides d10
run fsfreeze -u /mnt

note "the mirror is dumped by its own device too, while it is mounted"
tree_checksums /mnt >/tmp/all
run mddump -0 -f /tmp/own $d10
mkdir /tmp/own_restored
(cd /tmp/own_restored && run restore -rf /tmp/own) || fail "restore has errors"
(cd /tmp/own_restored && sha256sum --quiet -c /tmp/all) || fail "a file is not what was dumped"
run umount /mnt

note "no more is copied to the side than what was written meanwhile"
clean() {
	mdctl dump /dev/sda >/tmp/image || true
	grep -A 1 'd10: mirror' /tmp/image | grep -qE ' 0 dirty'
}
wait_for 60 clean
before=$(count_of /dev/sdd sectors_written)
run mddump -0 --from-submirror d10/d12 -f /dev/null
wait_for 60 states_are d10 "Okay,Okay"
written=$(($(count_of /dev/sdd sectors_written) - before))
echo "sectors written to the side: $written"
[ $written -le 64 ] || fail "$written sectors were written to a side of which nothing changed"

note "a dump that fails, or is stopped, gives the side back too"
refuse 'Cannot open output' mddump -0 -q --from-submirror d10/d12 -f /nowhere/file
wait_for 60 states_are d10 "Okay,Okay"
run mount $d10 /mnt
mkfifo /tmp/fifo
(exec </tmp/fifo && exec sleep 1000) &
reader=$!
mddump -0 -q --from-submirror d10/d12 -f - >/tmp/fifo &
dump=$!
wait_for 30 states_are d10 "Okay,Offline"
run touch /mnt/not_frozen
sleep 1
kill -TERM $dump
status=0
# The reader does not read, nor does it go.
wait $dump || status=$?
kill $reader
same "status of a dump that was stopped" 3 $status
wait_for 60 states_are d10 "Okay,Okay"
run umount /mnt
same_sides d10

cat >/tmp/waits <<'SCRIPT'
#!/bin/sh
[ "$2" != 2 ] || { echo >/tmp/reached; exec sleep 60; }
SCRIPT
chmod +x /tmp/waits

# ended SIGNAL STATUS: a dump into volumes ends by a signal behind the second of them.
ended() {
	rm -f /tmp/reached /tmp/volume*
	mddump -0 -q --state /tmp/state -F /tmp/waits -M -B 2000 --from-submirror d10/d12 \
		-f /tmp/volume 2>/tmp/said &
	dump=$!
	wait_for 30 test -e /tmp/reached
	kill "-$1" $dump
	status=0
	wait $dump || status=$?
	cat /tmp/said
	same "status of a dump that got a signal" "$2" $status
	same "states" "Okay,Offline" "$(states d10)"
}

run mount $d10 /mnt
for signal in KILL TERM; do
	note "a dump that got SIG$signal goes on with the side as it was, and brings it back"
	if [ $signal = KILL ]; then ended KILL 137; else ended TERM 3; fi
	run cp -r /etc/init.d /mnt/later
	run mddump --resume /tmp/state
	wait_for 60 states_are d10 "Okay,Okay"
	rm -rf /tmp/restored/* /mnt/later
	(cd /tmp/restored && run restore -rMf /tmp/volume) || fail "restore has errors"
	(cd /tmp/restored/kept && sha256sum --quiet -c /tmp/kept) ||
		fail "a file is not what was dumped"
	[ ! -e /tmp/restored/later ] || fail "the dump is not of one moment"
done
grep 'submirror d12 stays offline' /tmp/said || fail "nobody is told that the side is missing"

note "a side that was brought back in between is not what the dump was begun with"
ended KILL 137
run metaonline d10 d12
wait_for 60 states_are d10 "Okay,Okay"
refuse 'is mounted' mddump --resume /tmp/state
same "states" "Okay,Okay" "$(states d10)"
run umount /mnt
same_sides d10

note "the only side cannot be taken"
run metadetach d10 d11
refuse 'd12' mddump -0 --from-submirror d10/d12 -f /dev/null
same "states" "Okay" "$(states d10)"
