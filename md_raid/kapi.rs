// SPDX-License-Identifier: GPL-2.0
//! The only unsafe Rust of this module: the kernel's routine for parities, which takes the widest
//! registers that the CPU has.
//!
//! C header: [`include/linux/raid/xor.h`](srctree/include/linux/raid/xor.h)

#![allow(unsafe_code)]

use kernel::prelude::*;

extern "C" {
    fn xor_gen(dest: *mut c_void, sources: *mut *mut c_void, count: c_uint, bytes: c_uint);
}

/// What the routine works on: whole sectors, which are aligned to 64 bytes in memory.
const SECTOR: usize = 512;
const ALIGNMENT: usize = 64;

/// Adds `from` to `to`, without carry: whole sectors, as many as both have. In task context.
pub(crate) fn xor(to: &mut [u8], from: &[u8]) {
    let bytes = to.len().min(from.len());
    let is_aligned = |at: *const u8| at.addr() % ALIGNMENT == 0;
    if bytes == 0 || bytes % SECTOR != 0 || !is_aligned(to.as_ptr()) || !is_aligned(from.as_ptr()) {
        for (to, from) in to.iter_mut().zip(from) {
            *to ^= *from;
        }
        return;
    }
    let mut source: *mut c_void = from.as_ptr().cast_mut().cast();
    // SAFETY: Both are so long and aligned as the routine asks for. It only reads the source, and
    // the two do not overlap, since one of them is borrowed to be changed.
    unsafe { xor_gen(to.as_mut_ptr().cast(), &raw mut source, 1, bytes as c_uint) };
}
