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

/// How many sources the routine is given at a time.
const SOURCES: usize = 8;

/// Adds all of `from` to `to`, without carry: whole sectors, as many as all of them have. In task
/// context.
pub(crate) fn xor(to: &mut [u8], from: &[&[u8]]) {
    let lengths = from.iter().map(|from| from.len());
    let bytes = lengths.fold(to.len(), usize::min);
    let is_aligned = |at: *const u8| at.addr() % ALIGNMENT == 0;
    let are_aligned = from.iter().all(|from| is_aligned(from.as_ptr()));
    if bytes == 0 || bytes % SECTOR != 0 || !is_aligned(to.as_ptr()) || !are_aligned {
        for from in from {
            for (to, from) in to.iter_mut().zip(*from).take(bytes) {
                *to ^= *from;
            }
        }
        return;
    }
    for from in from.chunks(SOURCES) {
        let mut sources = [core::ptr::null_mut(); SOURCES];
        for (source, from) in sources.iter_mut().zip(from) {
            *source = from.as_ptr().cast_mut().cast();
        }
        let (to, count) = (to.as_mut_ptr().cast(), from.len() as c_uint);
        // SAFETY: All are so long and aligned as the routine asks for, and there are as many. It
        // only reads the sources, and none of them overlaps with what is borrowed to be changed.
        unsafe { xor_gen(to, sources.as_mut_ptr(), count, bytes as c_uint) };
    }
}
