#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a personality that was built against another core is refused when it registers, with a
#         message that says what to do, and nothing of it stays.
# Clause: issue 2, modules; rust-kernel.md 3.2
# Lanes: drawn
# Runs: host
# Timeout: 300
set -euo pipefail

other=build/modules/other-core
MD_CORE_ID=0123456789abcdef scripts/build-modules --out $other 7.3
release=$(cat "$(scripts/kernel-kit 7.3)/release")
mixed=build/modules/mixed-core
mkdir -p $mixed
cp "build/modules/$release/md_rs.ko" $other/md_stripe.ko $mixed/

cat >$mixed/script <<'GUEST'
set -euo pipefail
modprobe md_rs
if metainit d10 1 1 /dev/sda 2>/tmp/why; then
	echo "a personality of another core was accepted"
	exit 1
fi
cat /tmp/why
dmesg | grep 'personality 1 was built for core 0123456789abcdef' || {
	echo "the kernel log does not say why"
	exit 1
}
if grep '^md_stripe ' /proc/modules; then
	echo "the refused personality stayed loaded"
	exit 1
fi
modprobe -r md_rs
GUEST
scripts/vm --modules $mixed --disks 1 --disk-size 32M $mixed/script
