# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Sourced by the benchmarks' guests: disks of null_blk, and what is compared on them.

export DM_DISABLE_UDEV=1 MDADM_NO_UDEV=1

# null_disk NAME SETTING=VALUE...: makes /dev/NAME.
null_disk() {
	local folder=/sys/kernel/config/nullb/$1 setting
	mkdir "$folder"
	# Requests may be large, as on most disks: else the bare disk splits them, which io_uring
	# takes to a worker thread, and the bare disk is the slowest of all.
	for setting in queue_mode=2 irqmode=1 max_sectors=2560 "${@:2}"; do
		echo "${setting#*=}" >"$folder/${setting%%=*}"
	done
	echo 1 >"$folder/power"
	# Its elevator is no part of what is compared.
	echo none >"/sys/block/$1/queue/scheduler"
}

# dm TABLE: makes /dev/mapper/bench.
dm() {
	device=/dev/mapper/bench
	dmsetup create bench --table "$1"
}

# build LEVEL DISKS COUNT OPTION...: makes /dev/md0, without anything on the disks.
build() {
	local level=$1 disks=$2 count=$3 n
	shift 3
	set -- "$@" --raid-devices="$count"
	for ((n = 0; n < count; n++)); do set -- "$@" "/dev/$disks$n"; done
	device=/dev/md0
	mdadm --build $device --quiet --level="$level" "$@"
}

# md_raid5 DISKS OPTION...: md's RAID5, whose parity is said to fit.
md_raid5() {
	local disks=$1 n
	shift
	device=/dev/md0
	set -- "$@" --raid-devices=5
	for n in 0 1 2 3 4; do set -- "$@" "/dev/$disks$n"; done
	mdadm --create $device --quiet --run --level=5 --chunk=64 --assume-clean --metadata=1.2 "$@"
}

# our_raid5 COLUMN...: ours, with a state database on disks that are not measured.
our_raid5() {
	metadb -a -f -c 2 /dev/ram5 && metadb -a -c 2 /dev/ram6 && metainit d10 -r "$@" -i 64k -k
}

# fail_last DEVICE: every transfer of /dev/mapper/last fails from now on, which the device finds.
fail_last() {
	local size
	size=$(blockdev --getsz /dev/mapper/last)
	dmsetup suspend last && dmsetup load last --table "0 $size error" && dmsetup resume last &&
		dd if=/dev/zero of="$1" bs=1M count=4 oflag=direct status=none
}

# make_target KIND TARGET DISKS: makes it, and sets $device.
make_target() {
	local a=/dev/${3}0 b=/dev/${3}1 c=/dev/${3}2 d=/dev/${3}3 size
	size=$(blockdev --getsz "$a")
	device=/dev/md/dsk/d10
	case $1.$2 in
	raw.raw) device=$a ;;
	concat.ours) metainit d10 2 1 "$a" 1 "$b" ;;
	concat-failfast.ours)
		# The disks are asked once, and then not before the job is over.
		metainit d10 2 1 "$a" 1 "$b" && mdctl mhd failfast "$a" 3600000 &&
			mdctl mhd failfast "$b" 3600000
		;;
	concat.dm-linear) dm "0 $size linear $a 0"$'\n'"$size $size linear $b 0" ;;
	stripe.ours) metainit d10 1 4 "$a" "$b" "$c" "$d" -i 64k ;;
	stripe.dm-stripe) dm "0 $((4 * size)) striped 4 128 $a 0 $b 0 $c 0 $d 0" ;;
	stripe.md-raid0) build 0 "$3" 4 --chunk=64 ;;
	mirror.ours)
		metainit d11 1 1 "$a" && metainit d12 1 1 "$b" && metainit --assume-clean d10 -m d11 d12
		;;
	mirror.dm-mirror) dm "0 $size mirror core 2 1024 nosync 2 $a 0 $b 0" ;;
	mirror.md-raid1) build 1 "$3" 2 --assume-clean ;;
	mirror-map.ours)
		metadb -a -f -c 2 "$c" && metadb -a -c 2 "$d" && metainit d11 1 1 "$a" &&
			metainit d12 1 1 "$b" && metainit --assume-clean d10 -m d11 d12
		;;
	mirror-map.md-raid1)
		device=/dev/md0
		mdadm --create $device --quiet --run --level=1 --raid-devices=2 --assume-clean \
			--metadata=1.2 --bitmap=internal "$a" "$b"
		;;
	raid5.ours) our_raid5 "$a" "$b" "$c" "$d" "/dev/${3}4" ;;
	raid5-no-log.ours) our_raid5 "$a" "$b" "$c" "$d" "/dev/${3}4" --no-log ;;
	raid5.md-raid5 | raid5-no-log.md-raid5) md_raid5 "$3" --consistency-policy=resync ;;
	raid5.md-raid5-tuned)
		md_raid5 "$3" --consistency-policy=resync &&
			echo 1 >/sys/block/md0/md/skip_copy &&
			echo 4096 >/sys/block/md0/md/stripe_cache_size &&
			echo 2 >/sys/block/md0/md/group_thread_cnt
		;;
	raid5.md-raid5-ppl) md_raid5 "$3" --consistency-policy=ppl ;;
	raid5-degraded.ours)
		dmsetup create last --table "0 $size linear /dev/${3}4 0" &&
			our_raid5 "$a" "$b" "$c" "$d" /dev/mapper/last && fail_last $device
		;;
	raid5-degraded.md-raid5)
		md_raid5 "$3" --consistency-policy=resync && mdadm --quiet $device --fail "/dev/${3}4"
		;;
	soft.ours) metainit d10 -p "$a" all ;;
	soft.dm-linear) dm "0 $((size - 8192)) linear $a 4096" ;;
	soft-mirror.*)
		metainit d11 1 1 "$a" && metainit d12 1 1 "$b" &&
			metainit --assume-clean d13 -m d11 d12 || return 1
		if [ "$2" = ours ]; then metainit d10 -p d13 all; else device=/dev/md/dsk/d13; fi
		;;
	*) die "no target $1 $2" ;;
	esac
}

# unmake_target KIND TARGET DISKS; what a half-made mirror has left goes, too.
unmake_target() {
	case $1.$2 in
	raw.*) ;;
	mirror-map.ours)
		for d in d10 d11 d12; do metaclear $d || true; done
		for d in "/dev/${3}2" "/dev/${3}3"; do metadb -d -f "$d" || true; done
		;;
	mirror-map.md-raid1)
		mdadm --quiet --stop /dev/md0
		mdadm --quiet --zero-superblock "/dev/${3}0" "/dev/${3}1"
		;;
	raid5*.ours)
		metaclear -f d10
		for d in /dev/ram5 /dev/ram6; do metadb -d -f $d || true; done
		[ ! -e /dev/mapper/last ] || dmsetup remove last
		;;
	raid5*.md-*)
		mdadm --quiet --stop /dev/md0
		for n in 0 1 2 3 4; do mdadm --quiet --zero-superblock "/dev/$3$n"; done
		;;
	mirror.ours) for d in d10 d11 d12; do metaclear $d || true; done ;;
	concat-failfast.ours)
		metaclear d10
		for d in "/dev/${3}0" "/dev/${3}1"; do mdctl mhd failfast "$d" off; done
		;;
	# With -f: disks that keep nothing have no watermarks.
	soft-mirror.*) for d in d10 d13 d11 d12; do metaclear -f $d || true; done ;;
	soft.ours) metaclear -f d10 ;;
	*.ours) metaclear d10 ;;
	*.dm-*) dmsetup remove bench ;;
	*.md-*) mdadm --quiet --stop /dev/md0 ;;
	esac
}

# The targets of a kind. Without $all_peers one peer: enough to notice that we became slower.
targets_of() {
	case $1 in
	raw) echo raw ;;
	concat) echo ours dm-linear ;;
	# For scripts/bench-profile: what failfast costs a request.
	concat-failfast) echo ours ;;
	stripe) echo ours dm-stripe ${all_peers:+md-raid0} ;;
	mirror-map) echo ours md-raid1 ;;
	mirror) echo ours md-raid1 ${all_peers:+dm-mirror} ;;
	raid5) echo ours md-raid5 ${all_peers:+md-raid5-tuned md-raid5-ppl} ;;
	raid5-degraded) echo ours md-raid5 ;;
	# For comparison: --only raid5-no-log. It has no goals of its own.
	raid5-no-log) echo ours md-raid5 ;;
	soft) echo ours dm-linear ;;
	soft-mirror) echo ours mirror-alone ;;
	*) die "no kind '$1': see the head of scripts/bench" ;;
	esac
}
