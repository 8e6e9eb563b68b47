#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: 'make install' puts exactly the modules, the tool and its names of SVM where they belong,
#         also a second time; 'make uninstall' takes all of it away and nothing else; a kernel for
#         which there can be no modules is an error that says what to do.
# Clause: issue 4: install on the running machine
# Lanes: drawn
# Runs: host
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
root=$dir/root
release=$(cat "$(scripts/kernel-kit 7.3)/release")
to=(DESTDIR="$root" PREFIX=/opt/md)

# commands: the commands that say in their help that they are programs of their own.
commands() {
	local name
	for name in $(build/cargo/release/mdctl --help | sed -nE 's/^  ([a-z]+)  .*/\1/p'); do
		build/cargo/release/mdctl "$name" --help | grep -q "^Usage: $name" && echo "$name"
	done
	true
}

expected() {
	local name
	for name in "build/modules/$release"/*.ko; do
		echo "-rw-r--r-- lib/modules/$release/updates/${name##*/} "
	done
	echo "-rwxr-xr-x opt/md/sbin/mdctl "
	for name in $(commands); do echo "lrwxrwxrwx opt/md/sbin/$name mdctl"; done
	local lib=usr/lib initramfs=usr/share/initramfs-tools
	echo "-rw-r--r-- $lib/modules-load.d/md_rs.conf "
	echo "-rw-r--r-- $lib/systemd/system/md_rs-last-resort@.service "
	echo "-rw-r--r-- $lib/systemd/system/md_rs-last-resort@.timer "
	echo "-rw-r--r-- $lib/systemd/system/mdctl-check.service "
	echo "-rw-r--r-- $lib/systemd/system/mdctl-check.timer "
	echo "-rwxr-xr-x $lib/systemd/system-shutdown/md_rs.shutdown "
	echo "-rw-r--r-- $lib/udev/rules.d/63-md_rs.rules "
	echo "-rw-r--r-- usr/include/md/mhd.h "
	echo "-rw-r--r-- opt/md/share/man/man8/mddump.8 "
	echo "-rwxr-xr-x $initramfs/hooks/md_rs "
	for name in local-block local-top; do
		echo "-rwxr-xr-x $initramfs/scripts/$name/md_rs "
	done
}
found() { find "$root" ! -type d -printf '%M %P %l\n'; }
as_expected() { same "files" "$(expected | sort)" "$(found | sort)"; }

run make -s install KERNEL=7.3 "${to[@]}"
as_expected
for name in md_rs.ko md_stripe.ko; do
	run cmp "build/modules/$release/$name" "$root/lib/modules/$release/updates/$name"
done
run "$root/opt/md/sbin/metastat" --help >"$dir/help"
grep -q '^Usage: metastat' "$dir/help" || fail "metastat is not metastat"
same "files that name another mdctl" "" "$(grep -rl '/usr/sbin/mdctl' "$root" || true)"
same "folders that others may not enter" "" "$(find "$root" -type d ! -perm -755)"

note "again, and over what an older one has left"
echo old >"$root/lib/modules/$release/updates/md_rs.ko"
ln -sfn elsewhere "$root/opt/md/sbin/metainit"
run make -s install KERNEL=7.3 "${to[@]}"
as_expected

note "away with it, but not with what is not ours"
touch "$root/lib/modules/$release/updates/other.ko" "$root/opt/md/sbin/metafile"
run make -s uninstall KERNEL=7.3 "${to[@]}"
same "files" "lib/modules/$release/updates/other.ko opt/md/sbin/metafile" \
	"$(found | cut -d' ' -f2 | sort | xargs)"
rm "$root/lib/modules/$release/updates/other.ko" "$root/opt/md/sbin/metafile"
run make -s uninstall KERNEL=7.3 "${to[@]}"
same "what is left" "" "$(ls "$root")"

note "the running kernel"
mkdir "$dir/bin"
# runs RELEASE: this is from now on the release of the running kernel.
runs() {
	printf '#!/bin/sh\necho %s\n' "$1" >"$dir/bin/uname"
	chmod +x "$dir/bin/uname"
}
PATH=$dir/bin:$PATH
runs "$release"
run make -s install "${to[@]}"
as_expected
run make -s uninstall "${to[@]}"
same "what is left" "" "$(ls "$root")"
runs 6.12.1-amd64
refuse "no modules for the running kernel 6.12.1-amd64: .*KERNEL=7.3.*KDIR=" \
	make -s install "${to[@]}"
runs "9.9.1+deb13-amd64"
refuse "kernel 9.9 is unavailable" make -s install "${to[@]}"
runs "${release%%.*}.3.999+deb13-amd64"
refuse "the suite has ${release%%+*}.* now" make -s install "${to[@]}"
refuse "has no Rust metadata" make -s install KDIR="$dir" "${to[@]}"
same "what was installed" "" "$(ls "$root")"
