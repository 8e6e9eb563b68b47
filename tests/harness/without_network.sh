#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: with warm caches and no network everything still works, also when the package lists are
#         old; and what cannot be had is a clear error that leaves nothing behind.
# Clause: issue 2: a warm start needs no network; a clear error where a package cannot be had
# Lanes: drawn
# Runs: host
# Timeout: 300
# shellcheck source=tests/lib/expect.sh
. "$MD_TEST_LIB/expect.sh"

if [ -z "${MD_NO_NETWORK:-}" ]; then
	MD_NO_NETWORK=$(mktemp -d)
	export MD_NO_NETWORK
	trap 'rm -rf --one-file-system "$MD_NO_NETWORK"' EXIT
	run scripts/kernel-kit 7.3 >"$MD_NO_NETWORK/kit"
	run scripts/guest-image >"$MD_NO_NETWORK/image"
	unshare --net --mount --propagation unchanged bash "$0"
	exit
fi

# From here on there is no network; the caches are not the real ones, but links to them.
dir=$MD_NO_NETWORK
kit=$(tail -n 1 "$dir/kit")
mkdir "$dir/real" "$dir/cache"
mount --bind /cache "$dir/real"
for entry in "$dir"/real/{build-root-,guest-,kit-,linux-,resolved-,cargo,module-index}*; do
	case $entry in
	*.lock | *.tmp* | *\*) ;;
	*resolved-*) cp -p "$entry" "$dir/cache" ;;
	*) ln -s "$entry" "$dir/cache" ;;
	esac
done
mount --bind "$dir/cache" /cache
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
same "networks" lo "$(sed -n 's/^ *\([^ ]*\):.*/\1/p' /proc/net/dev | xargs)"

note "warm"
same "kernel kit" "$kit" "$(scripts/kernel-kit 7.3)"
same "guest image" "$(tail -n 1 "$dir/image")" "$(scripts/guest-image)"
run scripts/build-root
# From the sources of the crates, as in a fresh clone; then as it is.
run env CARGO_TARGET_DIR="$dir/target" make -s tool
run make -s
echo "modprobe md_rs && mdctl version" >"$dir/script"
run scripts/vm --disks 1 --disk-size 16M "$dir/script"

note "a day later"
touch -d '2 days ago' /cache/resolved-stock-7.3
rm -f /cache/apt-lists-updated
same "kernel kit" "$kit" "$(scripts/kernel-kit 7.3 2>"$dir/said")"
cat "$dir/said"
grep -q 'cannot refresh the package lists (no network?), using the last ones' "$dir/said" ||
	fail "it does not say that the lists are old"

note "a kernel that the suite does not have"
status=0
scripts/kernel-kit 9.9 2>"$dir/said" || status=$?
cat "$dir/said"
same "status" 3 $status
grep -Eq 'kernel 9.9 is unavailable: the suite has these series: .*7\.3' "$dir/said" ||
	fail "it does not say what there is"

note "a package that cannot be had"
rm /cache/linux-7.3* /cache/kit-stock-7.3* /cache/resolved-stock-7.3
refuse 'error: cannot download linux-source-7.3=.*: is the network there' scripts/kernel-kit 7.3
for entry in /cache/linux-7.3* /cache/kit-stock-7.3* /cache/resolved-stock-7.3; do
	case $entry in
	*.lock | *.tmp* | *\*) ;;
	*) [ ! -e "$entry" ] || fail "$entry looks as if it was made" ;;
	esac
done
