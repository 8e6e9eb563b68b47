# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the shell scripts beside it: where caches live, how messages look, and how a cached
# directory is made once, atomically, even when two callers want it at the same time.

set -euo pipefail

MD_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export MD_TOP

# Caches live outside the tree so that a fresh clone is warm. MD_CACHE overrides the place.
if [ -n "${MD_CACHE:-}" ]; then :
elif [ -n "${XDG_CACHE_HOME:-}" ]; then MD_CACHE=$XDG_CACHE_HOME/md-rs
elif [ -n "${HOME:-}" ]; then MD_CACHE=$HOME/.cache/md-rs
else MD_CACHE=/var/cache/md-rs
fi
export MD_CACHE

MD_STARTED=$(date +%s)

# say TEXT...: progress, on standard error, with the seconds since this script started.
say() { printf '[%4ds] %s\n' "$(($(date +%s) - MD_STARTED))" "$*" >&2; }

# die TEXT...: an error names the thing, the reason and the next command to type.
die() { printf '%s: error: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# need_root: the build root is a chroot, so its makers and users must be root.
need_root() {
	[ "$(id -u)" = 0 ] || die "must run as root (the build root is a chroot): try 'sudo $0'"
}

# key_of FILE|TEXT...: a short digest of everything an artefact is made from.
key_of() {
	local item
	for item in "$@"; do
		if [ -f "$item" ]; then cat "$item"; else printf '%s\n' "$item"; fi
	done | sha256sum | cut -c1-16
}

# host_needs COMMAND=PACKAGE...: installs by apt what the host lacks.
host_needs() {
	local pair missing=()
	for pair in "$@"; do
		command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
	done
	[ ${#missing[@]} = 0 ] && return
	say "installing on this machine: ${missing[*]}"
	local log=$MD_CACHE/host-apt.log
	mkdir -p "$MD_CACHE"
	# The lists may be missing or stale on a new machine; a failed update is not yet an error.
	DEBIAN_FRONTEND=noninteractive apt-get update >"$log" 2>&1 || true
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" \
		>>"$log" 2>&1 ||
		die "cannot install ${missing[*]}: see $log," \
			"then try 'apt-get install ${missing[*]}'"
}

# How long one run waits for another that makes the same thing, in seconds. Nothing that is made
# takes so long, also on a busy machine: who waits longer waits for something that hangs.
MD_LOCK_LIMIT=${MD_LOCK_LIMIT:-7200}

# lock_or_die DESCRIPTOR FILE WHAT: locks FILE, which is open at DESCRIPTOR, until it is closed.
lock_or_die() {
	flock -n "$1" && return
	say "waiting for another run that makes $3"
	flock -w "$MD_LOCK_LIMIT" "$1" ||
		die "another run has been making $3 for $MD_LOCK_LIMIT s:" \
			"'fuser -v $2' shows it; end it, then run this again"
}

# make_once DIR FUNCTION [ARG...]: makes DIR by calling FUNCTION TMPDIR ARG... unless it exists.
# TMPDIR is renamed to DIR only when FUNCTION succeeded, so an interrupted run leaves nothing that
# looks finished; a lock makes a second caller wait for the first instead of working beside it.
make_once() {
	local dir=$1 function=$2 lock=$1.lock tmp
	shift 2
	[ -d "$dir" ] && return
	mkdir -p "$(dirname "$dir")"
	exec {MD_LOCK_FD}>"$lock"
	lock_or_die "$MD_LOCK_FD" "$lock" "${dir##*/}"
	if [ ! -d "$dir" ]; then
		# The children of a maker that was killed may still write to its TMPDIR: nobody else
		# gets the same one, and what cannot be removed yet is removed the next time.
		rm -rf --one-file-system "$dir".tmp* || true
		tmp=$(mktemp -d "$dir.tmp.XXXXXX")
		chmod 755 "$tmp"
		# A subshell without "||": errexit stays in force inside the function.
		("$function" "$tmp" "$@") {MD_LOCK_FD}>&-
		sync -f "$tmp"
		mv -T "$tmp" "$dir"
	fi
	exec {MD_LOCK_FD}>&-
}
