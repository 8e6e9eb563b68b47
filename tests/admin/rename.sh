#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a stripe and a mirror get other names, with their device nodes, and a mirror and a
#         submirror exchange theirs: the data is what it was, under the new name, also after a
#         restart. What is open, part of something, erred, being resynced, checked or helped out
#         by a spare is refused and stays what it is; so is a name that is taken, and everything
#         where the new name cannot be recorded. Without a state database it goes the same way.
# Clause: svm.md 10, 13.5 (42); DURABILITY 1 (4), 4; issue 7
# Lanes: drawn
# Vm: --disks 8 --disk-size 20M --leaks
# Timeout: 300
# What is compared: checksums before and after; device nodes; what metastat says; the records on the
# disk; errno and refusal of broken requests.
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"
# shellcheck source=tests/lib/data.sh
. "$MD_TEST_LIB/data.sh"
# shellcheck source=tests/lib/disks.sh
. "$MD_TEST_LIB/disks.sh"
# shellcheck source=tests/lib/mirror.sh
. "$MD_TEST_LIB/mirror.sh"

# nodes: the names of the device nodes.
nodes() { names_in /dev/md/dsk; }

# everything: what there is.
everything() { metastat --json | jq -S .; nodes; }

# refused_and_same PATTERN COMMAND...: nothing is changed by what is refused.
refused_and_same() {
	everything >/tmp/before
	refuse "$@"
	everything | diff /tmp/before - || fail "what was refused has changed something"
}

# fill NAME: random data on all of a metadevice; prints its checksum.
fill() {
	dd if=/dev/urandom of="/dev/md/dsk/$1" bs=1M oflag=direct status=none 2>/dev/null || true
	checksum "/dev/md/dsk/$1"
}

# restart: the set is stopped and started again.
restart() {
	run mdctl stop
	run mdctl start
}

modprobe md_rs
note "in memory only"
run metainit d1 1 1 /dev/sdb
sum=$(fill d1)
run metarename d1 d2
same "nodes" "d2" "$(nodes)"
same "data" "$sum" "$(checksum /dev/md/dsk/d2)"
refuse 'd1: does not exist' metastat d1
run metaclear d2

note "a stripe and a mirror"
sick a0 /dev/sdb good
run metadb -a -f /dev/sda
run metainit hsp001 /dev/sdf
run metainit d11 1 1 /dev/mapper/a0
run metainit d12 1 1 /dev/sdc
run metainit --assume-clean d10 -m d11 d12
run metainit d30 1 2 /dev/sdd /dev/sde -i 16k
sum=$(fill d10)
stripe=$(fill d30)
run metarename d30 d31
run metarename d10 d20
same "nodes" "d11 d12 d20 d31" "$(nodes)"
same "data" "$sum" "$(checksum /dev/md/dsk/d20)"
same "data of the stripe" "$stripe" "$(checksum /dev/md/dsk/d31)"
same "parent" "d20" "$(described d11 .parent)"
grep -q '^d20 -m d11 d12' /etc/md/md.cf || fail "md.cf has the old name"
mdctl dump /dev/sda >/tmp/dump || true
grep -q 'd20: mirror' /tmp/dump || fail "the record has the old name"
! grep -q 'd10: mirror' /tmp/dump || fail "the old record is still there"
restart
same "nodes" "d11 d12 d20 d31" "$(nodes)"
same "data" "$sum" "$(checksum /dev/md/dsk/d20)"
same "data of the stripe" "$stripe" "$(checksum /dev/md/dsk/d31)"
run metarename d20 d10
run metarename d31 d30

note "it goes on working: a file system, a failure"
run mkfs.ext4 -qF /dev/md/dsk/d10
run mount /dev/md/dsk/d10 /mnt
cp -r /etc/default /mnt
tree_checksums /mnt/default >/tmp/files
refused_and_same 'd10: is open' metarename d10 d20
refused_and_same 'is open' metarename -x d10 d11
run umount /mnt

note "a mirror and a submirror exchange their names"
run metarename -x d10 d11
same "nodes" "d10 d11 d12 d30" "$(nodes)"
same "submirrors" "d10,d12" "$(described d11 ' | [.submirrors[].name] | join(",")')"
same "parent" "d11" "$(described d10 .parent)"
same "parent" "d11" "$(described d12 .parent)"
run mount /dev/md/dsk/d11 /mnt
(cd /mnt/default && sha256sum --quiet -c /tmp/files) || fail "a file is not what was written"
run dd if=/dev/urandom of=/mnt/new bs=64k count=20 conv=fsync status=none
run umount /mnt
same_sides d11
refuse 'd10: .*in use|part of' metainit d40 1 1 /dev/md/dsk/d10
refuse 'd10: is part of the metadevice d11' metarename d10 d50
restart
same "submirrors" "d10,d12" "$(described d11 ' | [.submirrors[].name] | join(",")')"
run mount /dev/md/dsk/d11 /mnt
(cd /mnt/default && sha256sum --quiet -c /tmp/files) || fail "a file is not what was written"
run umount /mnt
run metarename -x d10 d11
same "submirrors" "d11,d12" "$(described d10 ' | [.submirrors[].name] | join(",")')"
restart
same_sides d10

note "what is refused"
refused_and_same 'd11: is part of the metadevice d10' metarename d11 d21
refused_and_same 'd30: exists already' metarename d10 d30
refused_and_same 'd10: exists already' metarename d10 d10
refused_and_same 'd99: does not exist' metarename d99 d98
refused_and_same 'd99: does not exist' metarename -x d10 d99
refused_and_same 'only a mirror and a submirror' metarename -x d10 d30
refused_and_same 'only a mirror and a submirror' metarename -x d11 d12
exec 3</dev/md/dsk/d30
refused_and_same 'd30: is open' metarename d30 d31
exec 3<&-
exec 3</dev/md/dsk/d11
refused_and_same 'is open' metarename -x d10 d11
exec 3<&-
run metaoffline d10 d12
refused_and_same 'd12: is offline|is offline' metarename -x d10 d11
run metaonline -w d10 d12

note "nor while it is being resynced, or checked"
# So slow that neither is over before somebody looks.
slow_reads() {
	local size
	size=$(blockdev --getsz /dev/sdb)
	remap a0 "0 $size delay /dev/sdb 0 1000"
}
# still_same: none of the names has changed.
still_same() {
	same "nodes" "d10 d11 d12 d30" "$(nodes)"
	same "submirrors" "d11,d12" "$(described d10 ' | [.submirrors[].name] | join(",")')"
}
run metaoffline d10 d12
run dd if=/dev/urandom of=/dev/md/dsk/d10 bs=1M count=16 oflag=direct status=none
sum=$(checksum /dev/md/dsk/d10)
slow_reads
run metaonline d10 d12
refuse 'd10: has to be resynced before, or is being resynced' metarename -x d10 d11
refuse 'd10: has to be resynced before, or is being resynced' metarename -x d12 d10
same "resync" running "$(described d10 .resync.state)"
still_same
sick a0 /dev/sdb good
wait_for 60 states_are d10 "Okay,Okay"
slow_reads
run metasync --check d10
refuse 'd10: is being checked already' metarename -x d10 d11
refuse 'd10: is being checked already' metarename -x d12 d10
[ "$(described d10 .check.running)" != null ] || fail "the check has ended: this shows nothing"
still_same
run metasync -c --check d10
sick a0 /dev/sdb good
same "data" "$sum" "$(checksum /dev/md/dsk/d10)"

note "nor while something is wrong with it"
sick a0 /dev/sdb no_writes
run dd if=/dev/zero of=/dev/md/dsk/d10 bs=4k count=1 oflag=direct status=none
same "states" "Needs maintenance,Okay" "$(states d10)"
refused_and_same 'a submirror needs maintenance' metarename -x d10 d11
run metarename d10 d20
same "states" "Needs maintenance,Okay" "$(states d20)"
run metaparam -h hsp001 d11
wait_for 30 states_are d20 "Okay,Okay"
refused_and_same 'd11: a hot spare stands for component 0' metarename -x d20 d11
sick a0 /dev/sdb good
run metareplace -e -w d20 /dev/mapper/a0
wait_for 20 metarename -x d20 d11
run metarename -x d20 d11
run metarename d20 d10
same_sides d10

note "broken requests"
cat >/tmp/bad_rename.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi.h"

static int fd, failed;
static struct rename_ rename_;

static void good(void)
{
	rename_ = (struct rename_){ .h = { .version = ABI_VERSION, .size = sizeof(rename_) },
				    .name = "d30", .new_name = "d31" };
}

static void expect(const char *what, int error, int refusal)
{
	int found = ioctl(fd, RENAME, &rename_) ? errno : 0;

	if (found != error || rename_.h.refusal != (uint32_t)refusal) {
		printf("%s: errno %d, refusal %u, not errno %d, refusal %d\n", what, found,
		       rename_.h.refusal, error, refusal);
		failed = 1;
	}
}

#define BAD(what, change, error, refusal) (good(), change, expect(what, error, refusal))

int main(void)
{
	fd = open("/dev/md/admin", O_RDWR);
	BAD("version", rename_.h.version = ABI_VERSION + 1, EPROTO, 1);
	BAD("size", rename_.h.size++, EINVAL, 2);
	BAD("header", rename_.h.reserved[1] = 1, EINVAL, 3);
	BAD("flag", rename_.flags = 2, EINVAL, 3);
	BAD("flags", rename_.flags = ~0u, EINVAL, 3);
	BAD("reserved", rename_.reserved = 1, EINVAL, 3);
	BAD("no name", rename_.name[0] = 0, EINVAL, 4);
	BAD("no new name", rename_.new_name[0] = 0, EINVAL, 4);
	BAD("an endless name", memset(rename_.new_name, 'd', 32), EINVAL, 4);
	BAD("a name and more", rename_.new_name[20] = 'x', EINVAL, 4);
	BAD("a pool's name", strcpy(rename_.new_name, "hsp001"), EINVAL, 4);
	BAD("too high a number", strcpy(rename_.new_name, "d8192"), EINVAL, 4);
	BAD("a name that is taken", strcpy(rename_.new_name, "d10"), EEXIST, 95);
	BAD("of nothing", strcpy(rename_.name, "d78"), ENXIO, 6);
	BAD("of a submirror", strcpy(rename_.name, "d12"), EBUSY, 8);
	BAD("exchange with nothing", rename_.flags = 1, ENXIO, 6);
	BAD("exchange with itself", (rename_.flags = 1, strcpy(rename_.new_name, "d30")), EINVAL,
	    96);
	return failed;
}
C
gcc -O1 -Wall -I "$MD_TEST_LIB" -o /tmp/bad_rename /tmp/bad_rename.c
everything >/tmp/before
/tmp/bad_rename || fail "see above"
everything | diff /tmp/before - || fail "bad input has changed something"

note "a set that can write nothing any more"
sick r1 /dev/sdg good
sick r2 /dev/sdh good
run metadb -a /dev/mapper/r1
run metadb -a /dev/mapper/r2
sick r1 /dev/sdg nothing
sick r2 /dev/sdh nothing
refuse 'the set is read-only' metarename d30 d31
refuse 'the set is read-only' metarename -x d10 d11
same "nodes" "d10 d11 d12 d30" "$(nodes)"
same "submirrors" "d11,d12" "$(described d10 ' | [.submirrors[].name] | join(",")')"
same "data of the stripe" "$stripe" "$(checksum /dev/md/dsk/d30)"
run mdctl stop
run modprobe -r md_mirror md_stripe md_rs
