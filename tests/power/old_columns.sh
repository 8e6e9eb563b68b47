#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: RAID5 loses a column, or gets another disk in its place, and is written to; then the power
#         is cut, and the replicas are gone that know of it. The one that is left takes the old disk
#         for a column that is fine. Who starts the set with it all the same has that disk out of
#         service, since the logs of the others tell, and reads what was written. If it does not
#         know of columns that were attached the metadevice cannot be opened, until there are
#         replicas again that do.
# Clause: DURABILITY 2, 15; issue 9
# Lanes: drawn
# Runs: host
# Timeout: 600
# What is compared: the contents, with all disks, and with the parity; the states of the columns.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/boots.sh
. "$MD_TEST_LIB/boots.sh"

# Each has these.
cat >"$dir/begin" <<'GUEST'
. "$MD_TEST_LIB/expect.sh"
. "$MD_TEST_LIB/data.sh"
. "$MD_TEST_LIB/disks.sh"
. "$MD_TEST_LIB/mirror.sh"
. "$MD_TEST_LIB/raid.sh"
contents() { dd if=/dev/md/dsk/d20 bs=64k iflag=direct status=none | sha256sum; }
# Whole rows, which are announced, and parts of rows, which are logged; all of it is durable.
write_all() {
	dd if=/dev/urandom of=/dev/md/dsk/d20 bs=128k count=100 oflag=direct conv=fsync status=none
	dd if=/dev/urandom of=/dev/md/dsk/d20 bs=4k count=50 oflag=direct conv=fsync status=none
}
GUEST

{ cat "$dir/begin" && cat <<'GUEST'; } >"$dir/make"
modprobe md_rs
for disk in e f g; do run metadb -a -f /dev/sd$disk; done
run metainit d20 -r /dev/sda /dev/sdb /dev/sdc -i 64k
wait_for 100 is_made d20
write_all
run mdctl stop
GUEST

# Without the replica on sde, which is older from now on.
{ cat "$dir/begin" && cat <<'GUEST'; } >"$dir/lose"
run vmctl unplug disk4
case $1 in
missing) run vmctl unplug disk1 ;;
esac
modprobe md_rs
run mdctl start
case $1 in
replaced)
	run metareplace -w d20 /dev/sdb /dev/sdd
	wait_for 100 is_made d20
	;;
attached) run metattach d20 /dev/sdd ;;
esac
write_all
if [ "$1" = attached ]; then
	# Also to what was attached.
	dd if=/dev/urandom of=/dev/md/dsk/d20 bs=64k count=20 oflag=direct conv=fsync status=none \
		seek=$(($(blockdev --getsize64 /dev/md/dsk/d20) / 65536 - 20))
fi
echo "states: $(column_states d20)"
echo "contents: $(contents)"
vmctl cut
GUEST

# With that replica alone, and all columns.
{ cat "$dir/begin" && cat <<'GUEST'; } >"$dir/old"
raid_tool
run vmctl unplug disk5
run vmctl unplug disk6
modprobe md_rs
refuse '1 of 3 voting replicas are there' mdctl start
# It cannot be read before its logs are carried out, which writes.
run mdctl start --read-only
same "states, read only" Okay,Maintenance,Okay "$(column_states d20)"
run mdctl stop
run mdctl start --give-up-missing
run metastat d20
same "states" Okay,Maintenance,Okay "$(column_states d20)"
echo "contents: $(contents)"
column=$(described d20 '.columns[1].device')
case $column in
/dev/sdb) run metareplace -e -w d20 /dev/sdb ;;
# Its label was taken when another disk took its place.
*) run metareplace -w d20 "$column" /dev/sdb ;;
esac
wait_for 100 is_made d20
same "states" Okay,Okay,Okay "$(column_states d20)"
echo "contents: $(contents)"
columns_tell d20 /dev/sda /dev/sdb /dev/sdc
run mdctl stop
run mdctl start
same "states" Okay,Okay,Okay "$(column_states d20)"
echo "contents: $(contents)"
run mdctl stop
GUEST

# The same, with a column that was attached since.
{ cat "$dir/begin" && cat <<'GUEST'; } >"$dir/attached"
is_there() { [ -n "$(disk_named "$1")" ]; }
raid_tool
run vmctl unplug disk5
run vmctl unplug disk6
modprobe md_rs
run mdctl start --give-up-missing
dmesg | grep 'd20: has columns that the state database has not heard of' || fail "nothing is said"
refuse 'No such device or address' dd if=/dev/md/dsk/d20 of=/dev/null bs=64k count=1
run mdctl stop

note "with those that know it"
run vmctl unplug disk4
for disk in disk5 disk6; do
	run vmctl plug $disk
	wait_for 20 is_there $disk
done
run mdctl start
same "states" Okay,Okay,Okay,Okay "$(column_states d20)"
echo "contents: $(contents)"
columns_tell d20 /dev/sda /dev/sdb /dev/sdc /dev/sdd
run mdctl stop
GUEST

boot_limit=250
for how in missing replaced attached; do
	note "$how"
	disks=()
	rm -f "$dir"/disk*
	add_disks 16M 16M 16M 16M 8M 8M 8M
	boot "$dir/make" || fail "the metadevice was not made"
	boot --seed "$SEED" "$dir/lose" $how >"$dir/said" 2>&1 || true
	cat "$dir/said"
	grep " lost$" "$dir/said" || fail "the power was not cut"
	before=$(sed -n 's/^contents: //p' "$dir/said" | tr -d '\r')
	[ -n "$before" ] || fail "it was not written to"
	guest=$dir/old
	[ $how != attached ] || guest=$dir/attached
	boot "$guest" | tee "$dir/said"
	same "contents" "$before" "$(sed -n 's/^contents: //p' "$dir/said" | tr -d '\r' | sort -u)"
done
