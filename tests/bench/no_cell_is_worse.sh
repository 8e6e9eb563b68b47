#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: a few cells of the comparison with dm and md cost at most 5 % more than bench/record.json
#         says; a change that costs more changes the record with it ('make bench-record').
# Clause: DESIGN 8; issue 5
# Lanes: stock,nodebug
# Runs: host
# Timeout: 600
set -euo pipefail

scripts/bench --quick --check
