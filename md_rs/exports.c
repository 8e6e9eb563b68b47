// SPDX-License-Identifier: GPL-2.0
/*
 * Exports the mangled symbols of md_rs.ko's Rust crates to the personality modules. Kbuild has no
 * way of its own for that yet; rust/exports.c of the kernel does the same.
 */

#include <linux/export.h>

#define EXPORT_SYMBOL_RUST_GPL(sym) \
	extern int sym;             \
	EXPORT_SYMBOL_GPL(sym)

#include "exports_generated.h"
