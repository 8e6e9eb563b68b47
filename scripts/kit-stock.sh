# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# Sourced by kernel-kit: makes the kit of a kernel that Debian ships. Changing this makes new ones.

# make_stock TMP: Debian's own kernel, and the metadata that its headers package leaves out.
make_stock() {
	local tmp=$1
	printf '%s\n' "$source_name" >"$tmp/source-name"
	printf '%s\n' "$release" >"$tmp/release"
	# The compiler by the name that Debian's configuration has recorded.
	echo CC=x86_64-linux-gnu-gcc-14 >"$tmp/make-options"
	say "fetching Linux $release"
	fetch "$tmp" "$binary=$version" "linux-base-$release=$version" \
		"linux-modules-$release=$version" "linux-headers-$release=$version"
	in_root sh -ec '
		cd "/cache/$1"
		for deb in *.deb; do dpkg-deb -x "$deb" deb; done
		rm ./*.deb
		mkdir boot lib
		mv deb/usr/lib/modules/*/vmlinuz* boot/vmlinuz
		mv deb/usr/lib/modules lib/modules
		cp deb/usr/src/linux-headers-*/.config .config
		cp deb/usr/src/linux-headers-*/Module.symvers Module.symvers.debian
		rm -r deb
	' sh "${tmp#"$MD_CACHE"/}" || die "the packages of $release lack the expected files"
	pack_modules "$tmp"
	say "preparing its build tree and Rust metadata (about a minute)"
	kernel_make "$tmp" olddefconfig
	kernel_make "$tmp" prepare modules_prepare
	cp "$tmp/Module.symvers.debian" "$tmp/Module.symvers"
	local made
	made=$(cat "$tmp/include/config/kernel.release")
	[ "$made" = "$release" ] || die "the kit calls itself $made, the kernel is $release"
	say "kernel kit for $release ready"
}
