# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced after lib.sh: how Debian trees are made. Shared by build-root and guest-image.

MD_SUITE=trixie

# The Debian mirror is the one that this machine's own apt uses.
debian_mirror() {
	local uri
	uri=$(apt_mirror)
	if [ -z "$uri" ]; then
		apt-get update >&2 || true
		uri=$(apt_mirror)
	fi
	[ -n "$uri" ] || die "apt knows no Debian mirror:" \
		"add one to /etc/apt/sources.list, then 'apt-get update'"
	printf '%s\n' "${uri%/}"
}

apt_mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' \
		2>/dev/null | sed -n 1p
}

# make_debian DIR LOG PACKAGE_FILE [OPTION...]: a Debian tree with the packages of a list.
make_debian() {
	local dir=$1 log=$2 list=$3 mirror packages keyring suite sources=()
	shift 3
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	host_needs mmdebstrap=mmdebstrap
	[ -f "$keyring" ] || host_needs debian-archive-keyring=debian-archive-keyring
	mirror=$(debian_mirror)
	packages=$(grep -v '^#' "$list" | paste -sd,)
	for suite in $MD_SUITE $MD_SUITE-updates $MD_SUITE-backports; do
		sources+=("deb [signed-by=$keyring] $mirror $suite main")
	done
	mmdebstrap --mode=root --include="$packages" \
		--aptopt='Acquire::Retries "3"' --aptopt='Acquire::Languages "none"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$@" $MD_SUITE "$dir" "${sources[@]}" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		cp "$log" "$MD_CACHE/debian.log"
		die "mmdebstrap failed, see $MD_CACHE/debian.log; check that $mirror is reachable" \
			"and that every package of ${list##*/} is in $MD_SUITE, then run this again"
	}
}
