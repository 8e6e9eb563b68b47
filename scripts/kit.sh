# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# Sourced by kernel-kit: the steps that all kits are made of.

in_root() { "$MD_TOP/scripts/in-root" "$@"; }

# fetch DIR PACKAGE...: downloads packages into DIR (below the cache).
fetch() {
	local dir=$1
	shift
	in_root sh -ec 'cd "/cache/$1" && shift && apt-get download -qq "$@"' \
		sh "${dir#"$MD_CACHE"/}" "$@" >"$dir/download.log" 2>&1 || {
		cat "$dir/download.log" >&2
		die "cannot download $*: is the network there? If the suite moved on," \
			"'rm $MD_CACHE/resolved-* $MD_CACHE/apt-lists-updated' and run this again"
	}
}

# make_source TMP: unpacks the kernel source of the point release.
make_source() {
	say "fetching the source of Linux $version"
	fetch "$1" "linux-source-$series=$version"
	say "unpacking it"
	in_root sh -ec '
		cd "/cache/$1"
		dpkg-deb -x linux-source-*.deb deb
		rm linux-source-*.deb
		tar --strip-components=1 -xf deb/usr/src/linux-source-*.tar.xz
		rm -r deb
	' sh "${1#"$MD_CACHE"/}"
}

# kernel_make TMP TARGET...: make in the kit's output tree, with the compiler that the kit names.
kernel_make() {
	local tmp=$1
	shift
	in_root --kit "$tmp" make -C /usr/src/linux O=/kit "$(cat "$tmp/make-options")" \
		LOCALVERSION="${release#"${release%%[+-]*}"}" -j"$(nproc)" "$@" \
		>>"$tmp/build.log" 2>&1 || {
		tail -n 30 "$tmp/build.log" >&2
		cp "$tmp/build.log" "$MD_CACHE/kernel-kit.log"
		die "building the kit for $release failed, see $MD_CACHE/kernel-kit.log"
	}
}

# pack_modules TMP: modules as an image for the guest. They are kept uncompressed, since the
# emulated guest takes longer to unpack a module than to read it.
pack_modules() {
	say "packing its modules"
	in_root sh -ec '
		cd "/cache/$1"
		find lib -name "*.ko.xz" -print0 | xargs -0r -P"$(nproc)" -n64 xz -d
		depmod -b . "$2"
		mkfs.erofs --quiet modules.erofs "lib/modules/$2"
	' sh "${1#"$MD_CACHE"/}" "$release" >>"$1/build.log" 2>&1 || {
		tail "$1/build.log" >&2
		die "cannot pack the modules of $release"
	}
}
