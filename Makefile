# SPDX-License-Identifier: GPL-2.0
# make                 builds the modules and the tool for KERNEL (default 7.3)
# make KDIR=/lib/modules/$(uname -r)/build
#                      builds the modules against a kernel tree that has its Rust metadata
# make demo            the main job, from an empty machine: a mirror with ext4 on it loses a disk
# make test            half an hour of tests; test-long: all of them, large counts, all sabotage;
#                      test-debug: the guest scenarios on a debug kernel
# make install         installs modules and tool for the running kernel, or for KERNEL or KDIR;
#                      DESTDIR and PREFIX (/usr/local) as usual; make uninstall undoes it
# make bench           what metadevices cost beside dm and md, in instructions, worst cell first,
#                      and what two jobs get done beside one; bench-record also writes
#                      bench/record.json, with which 'make test' compares
# make clippy fmt      lints; formats the Rust sources
# make clean distclean removes what was built here; and the caches outside the tree, too

asked-kernel := $(KERNEL)
KERNEL ?= 7.3
PREFIX ?= /usr/local
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
top := $(CURDIR)
in-root := scripts/in-root
cargo := $(in-root) cargo
workspace := --manifest-path userspace/Cargo.toml --locked

.PHONY: all modules tool demo test test-long test-debug bench bench-record
.PHONY: clippy fmt fmt-check clean distclean
.PHONY: install uninstall
all: modules tool

ifdef KDIR
# Somebody else's kernel tree: no build root; compilers and cargo are the caller's.
cargo := CARGO_TARGET_DIR=$(top)/build/cargo cargo
crates := -p mdctl
release := $(shell cat $(KDIR)/include/config/kernel.release)
OUT ?= $(top)/build/modules/$(release)

modules:
	mkdir -p $(OUT)
	$(MAKE) -C $(KDIR) M=$(top) MO=$(OUT) modules
	scripts/check-symbols $(KDIR)/Module.symvers $(OUT)
else
crates := -p mdctl -p md-harness

modules:
	scripts/build-modules $(if $(DEBUG),--debug) $(KERNEL)
endif

tool:
	$(cargo) build $(workspace) --quiet --release $(crates)

demo:
	scripts/demo

# Which kernel it is for is decided there, and then it is built for that.
install uninstall:
	KERNEL="$(asked-kernel)" KDIR="$(KDIR)" DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" \
		scripts/install $@

# On a new machine, what the guests' image is made of is fetched while the tool is compiled.
test test-long test-debug:
	scripts/guest-image >/dev/null & $(MAKE) tool && wait $$!
	scripts/test $(patsubst test-%,--%,$(@:test=))

bench:
	# All of it, also if a goal is missed.
	status=0; for lane in bench bench-contention bench-resync; do \
		scripts/$$lane --kernel $(KERNEL) || status=1; done; exit $$status

bench-record:
	scripts/bench --kernel $(KERNEL) --record
	# What the guard in 'make test' measures is recorded as it measures it.
	scripts/bench --kernel $(KERNEL) --quick --record

clippy:
	# In the profile of the build and the tests, so that macros are compiled once.
	$(cargo) clippy $(workspace) --quiet --release --all-targets -- -D warnings
	scripts/build-modules --clippy $(KERNEL)

rust-sources = $(shell git ls-files --cached --others --exclude-standard 'model/*.rs' 'md_*/*.rs')

fmt:
	$(cargo) fmt --manifest-path userspace/Cargo.toml --all
	$(in-root) rustfmt --edition 2021 $(rust-sources)

fmt-check:
	$(cargo) fmt --manifest-path userspace/Cargo.toml --all --check
	$(in-root) rustfmt --edition 2021 --check $(rust-sources)

clean:
	rm -rf build

distclean: clean
	. scripts/lib.sh && rm -rf --one-file-system "$$MD_CACHE"
