# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# Sourced by kernel-kit: makes the kit of the debug kernel. Changing this file makes a new one.

# make_debug TMP: the same source with KASAN, lockdep, fault injection and the like.
make_debug() {
	local tmp=$1
	printf '%s\n' "$source_name" >"$tmp/source-name"
	say "building the debug kernel of $version (once, several minutes)"
	cp "$MD_TOP/scripts/debug.config" "$tmp/debug.config"
	release=${release%%[+-]*}+debug
	printf '%s\n' "$release" >"$tmp/release"
	# Rust and KASAN together need clang.
	echo LLVM=1 >"$tmp/make-options"
	kernel_make "$tmp" KCONFIG_ALLCONFIG=/kit/debug.config allnoconfig
	local option
	while read -r option; do
		grep -qxF "$option" "$tmp/.config" ||
			die "debug.config asks for $option, but Kconfig did not accept it"
	done < <(grep -E '^(# )?CONFIG_' "$tmp/debug.config")
	# Warnings about the kernel's own source are not ours, and cost a sixth of the time.
	kernel_make "$tmp" KCFLAGS=-w vmlinux modules
	kernel_make "$tmp" INSTALL_MOD_PATH=/kit modules_install
	pack_modules "$tmp"
	mkdir -p "$tmp/boot"
	# QEMU boots it as it is (CONFIG_PVH): it takes half a minute to pack, and each guest
	# seconds to unpack it.
	in_root --kit "$tmp" llvm-strip --strip-all -o /kit/boot/vmlinuz /kit/vmlinux
	prune "$tmp"
	say "debug kernel $release ready"
}

# prune TMP: objects that were linked, and nothing that building modules needs.
prune() {
	find "$1" \( -path "$1/scripts" -o -path "$1/tools" -o -path "$1/lib/modules" \) -prune -o \
		\( -name '*.o' -o -name '*.a' -o -name '*.ko' -o -name '.*.cmd' \
		-o -name '*vmlinux*' \) -type f -exec rm -f {} +
}
