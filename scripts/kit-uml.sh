# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# Sourced by kernel-kit: makes the kit of the User-Mode Linux kernel. Changing this makes a new one.

# make_uml TMP: the same source as a program, which runs our modules at the machine's own speed.
make_uml() {
	local tmp=$1
	printf '%s\n' "$source_name" >"$tmp/source-name"
	say "building User-Mode Linux $version (once, several minutes)"
	cp "$MD_TOP/scripts/uml.config" "$tmp/uml.config"
	release=${release%%[+-]*}+uml
	printf '%s\n' "$release" >"$tmp/release"
	echo ARCH=um >"$tmp/make-options"
	# Modules lie far from the kernel, which is an ordinary program at a low address.
	echo '-Crelocation-model=static -Ccode-model=large' >"$tmp/krustflags"
	kernel_make "$tmp" KCONFIG_ALLCONFIG=/kit/uml.config allnoconfig
	local option
	while read -r option; do
		grep -qxF "$option" "$tmp/.config" ||
			die "uml.config asks for $option, but Kconfig did not accept it"
	done < <(grep -E '^(# )?CONFIG_' "$tmp/uml.config")
	kernel_make "$tmp" KCFLAGS=-w linux modules
	mkdir -p "$tmp/boot"
	cp "$tmp/linux" "$tmp/boot/linux"
	prune "$tmp"
	rm -f "$tmp/linux"
	say "User-Mode Linux $release ready"
}
