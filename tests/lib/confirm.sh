# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced in the machine by the scripts whose power boots.sh cuts: . "$MD_TEST_LIB/confirm.sh"
# Each change is confirmed on the console, by its number, when its command has ended. Some time
# after so many of them, while others go on, the power is cut. Both are the script's arguments.

limit=$1 delay=$2 confirmed=0

# confirm NUMBER: a change is there for good.
confirm() {
	printf 'confirmed: %s\n' "$1"
	confirmed=$((confirmed + 1))
	if [ $confirmed = "$limit" ]; then (sleep "$delay" && vmctl cut) & fi
}
