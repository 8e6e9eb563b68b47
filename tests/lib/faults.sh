# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Sourced by scenarios, after data.sh and mirror.sh: . "$MD_TEST_LIB/faults.sh"
# A mirror of two stripes, whose disks fail one after the other below a file system that is in use.

d10=/dev/md/dsk/d10

# write_synced FILE: 2 MiB, so that every component gets a part of it.
write_synced() { dd if=/dev/urandom of="$1" bs=1M count=2 conv=fsync status=none; }

# files_match: what was written so far is on the mirror, not only in memory. It is kept, with its
# checksums, in /mnt/kept and /tmp/written.
files_match() {
	echo 3 >/proc/sys/vm/drop_caches
	(cd /mnt/kept && sha256sum --quiet -c /tmp/written) || fail "a file is not what was written"
	echo "all $(wc -l </tmp/written) files match"
}

# keep NAME: writes one more file, for good.
keep() {
	run write_synced "/mnt/kept/$1"
	tree_checksums /mnt/kept >/tmp/written
}

# start_load, end_load: a load that verifies what it reads, by and past the page cache.
start_load() {
	fio --name=direct --directory=/mnt --size=2M --bs=4k --rw=randrw --ioengine=libaio \
		--iodepth=8 --direct=1 --verify=crc32c --verify_backlog=32 --verify_fatal=1 \
		--name=cached --directory=/mnt --size=2M --bs=8k --rw=randrw --fsync=16 \
		--verify=crc32c --verify_backlog=32 --verify_fatal=1 \
		--randseed="$(small_seed)" --time_based --runtime=1000000 --output=/tmp/fio.log &
	load=$!
}
end_load() {
	stop_fio "$load" /tmp/fio.log
}

# fail_one_after_the_other SIDE POLICIES MKFS...: reads fail on a side, then writes on the other
# one, then everything on the first. The scenario defines recover, which mends the file system.
fail_one_after_the_other() {
	local first=$1 other reads writes policies=$2
	local -A disks=([a0]=/dev/sda [a1]=/dev/sdb [b0]=/dev/sdc [b1]=/dev/sdd)
	local -A sides=([a]=d11 [b]=d12)
	read -r reads writes <<<"$policies"
	if [ "$first" = a ]; then other=b; else other=a; fi

	note "reads $reads, writes $writes"
	for name in a0 a1 b0 b1; do sick "$name" "${disks[$name]}" good; done
	run metainit d11 1 2 /dev/mapper/a0 /dev/mapper/a1 -i 32k
	run metainit d12 1 2 /dev/mapper/b0 /dev/mapper/b1 -i 32k
	for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
	run metainit --assume-clean d10 -m d11 d12
	run metaparam -r "$reads" -w "$writes" d10
	run "${@:3}" $d10
	run mount $d10 /mnt
	mkdir /mnt/kept
	cp -a /etc /mnt/kept/etc
	keep healthy
	start_load

	note "$first takes no reads: the other side answers, and nothing is out of service"
	sick "${first}0" "${disks[${first}0]}" no_reads
	sick "${first}1" "${disks[${first}1]}" no_reads
	keep "without_reads"
	files_match
	end_load
	# All of it: with the geometric policy a side has but a part of the reads.
	run dd if=$d10 of=/dev/null bs=64k iflag=direct status=none
	same "states" "Okay,Okay Okay,Okay" "$(states d11) $(states d12)"
	[ "$(errors "${sides[$first]}" 0 read)" -gt 0 ] ||
		fail "no read has failed: this shows nothing"
	same "write errors" "0 0" \
		"$(errors "${sides[$first]}" 0 write) $(errors "${sides[$first]}" 1 write)"
	sick "${first}0" "${disks[${first}0]}" good
	sick "${first}1" "${disks[${first}1]}" good
	same_sides_of_mounted

	note "$other takes no writes: it is out of service, and the writes succeed"
	start_load
	sick "${other}0" "${disks[${other}0]}" no_writes
	keep "without_${other}0"
	sick "${other}1" "${disks[${other}1]}" nothing
	keep "without_$other"
	files_match
	end_load
	same "states of the bad side" "Maintenance,Maintenance" "$(states "${sides[$other]}")"
	same "states of the good side" "Okay,Okay" "$(states "${sides[$first]}")"
	same "state" "Needs maintenance" "$(described d10 .state)"
	dmesg >/tmp/dmesg
	grep "${sides[$other]}: /dev/mapper/${other}0 needs maintenance" /tmp/dmesg ||
		fail "the kernel log does not tell of ${other}0"

	note "$first fails, too: it is the last one, and its errors are the file system's"
	sick "${first}0" "${disks[${first}0]}" nothing
	refuse 'Input/output error|Read-only|Structure needs' write_synced /mnt/lost
	same "states of the last side" "Last Erred,Okay" "$(states "${sides[$first]}")"
	run umount /mnt

	note "its disk is mended: what was synced is there"
	sick "${first}0" "${disks[${first}0]}" good
	recover
	run mount $d10 /mnt
	files_match
	keep after
	files_match
	run umount /mnt
	refuse d10 metaclear d10
	run metaclear -f d10
	run metaclear d11
	run metaclear d12
}

# same_sides_of_mounted: with nothing in flight, the sides are the same.
same_sides_of_mounted() {
	sync
	run fsfreeze -f /mnt
	same_sides d10
	run fsfreeze -u /mnt
}

# make_replaceable: a mirror of two stripes over /dev/sdc to /dev/sdf, with a state database on
# /dev/sda and /dev/sdb.
make_replaceable() {
	local disk name letter
	for disk in "a0 c" "a1 d" "b0 e" "b1 f"; do
		read -r name letter <<<"$disk"
		sick "$name" "/dev/sd$letter" good
	done
	run metadb -a -f -c 2 /dev/sda
	run metadb -a -c 2 /dev/sdb
	run metainit d11 1 2 /dev/mapper/a0 /dev/mapper/a1 -i 32k
	run metainit d12 1 2 /dev/mapper/b0 /dev/mapper/b1 -i 32k
	for name in d11 d12; do run blkdiscard -zf /dev/md/dsk/$name; done
	run metainit d10 -m d11 d12 --assume-clean
}

# replace_under MKFS...: a component fails under a file system in use, and is replaced by /dev/sdg;
# another one fails, and is enabled again.
replace_under() {
	note "$1: a component fails and is replaced while files are written"
	run "$@" $d10
	run mount $d10 /mnt
	mkdir /mnt/kept
	keep healthy
	start_load
	sick b0 /dev/sde no_writes
	keep without_b0
	same "states" "Okay,Okay Maintenance,Okay" "$(states d11) $(states d12)"
	metastat d12 | grep -E 'Invoke: metareplace d10 /dev/mapper/b0 <new device>' ||
		fail "what to type is not shown"
	run metareplace -w d10 /dev/mapper/b0 /dev/sdg
	same "states" "Okay,Okay Okay,Okay" "$(states d11) $(states d12)"
	keep replaced
	end_load
	files_match
	same_sides_of_mounted
	use_replaced b0 /dev/sde
	metastat -p d12 | grep -F "/dev/sdg /dev/mapper/b1" || fail "d12 is not of the new disk"

	note "$1: another one fails, is good again, and is enabled; its neighbour is left alone"
	start_load
	sick b1 /dev/sdf no_writes
	keep without_b1
	same "states" "Okay,Okay Okay,Maintenance" "$(states d11) $(states d12)"
	sick b1 /dev/sdf good
	run metareplace -e -w d10 /dev/mapper/b1
	same "states" "Okay,Okay Okay,Okay" "$(states d11) $(states d12)"
	keep enabled
	end_load
	files_match
	same_sides_of_mounted
	run umount /mnt
}

# use_replaced NAME DISK: what was replaced is good again, and somebody else can use it.
use_replaced() {
	sick "$1" "$2" good
	run wipefs -a "/dev/mapper/$1"
	run mkfs.ext4 -qF "/dev/mapper/$1"
	run wipefs -aq "/dev/mapper/$1"
}
