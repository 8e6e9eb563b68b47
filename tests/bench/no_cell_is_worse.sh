#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a few cells of the comparison with dm and md cost at most 5 % more than bench/record.json
#         says; a change that costs more changes the record with it ('make bench-record').
# Clause: DESIGN 8; issue 5
# Lanes: stock,nodebug
# Runs: host
# Timeout: 900
set -euo pipefail

# Where the bare disk costs five times what we add, its noise is a few per cent of ours: what is
# worse by chance is not worse twice.
scripts/bench --quick --check || scripts/bench --quick --check
