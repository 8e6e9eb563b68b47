#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Intent: what mhd/two_guests shows, a hundred times, at as many random moments.
# Clause: issue 10: take-over at random moments
# Lanes: long
# Runs: host
# Timeout: 4000
rounds=100
# shellcheck source=tests/mhd/two_guests.sh
. "$(dirname "$0")/two_guests.sh"
