// SPDX-License-Identifier: GPL-2.0
//! The kernel's checksum routine, which takes the instructions for that where the CPU has them. It
//! is the one of `md_model::database::crc32c`.
//!
//! C header: [`include/linux/crc32c.h`](srctree/include/linux/crc32c.h)

use kernel::prelude::*;

extern "C" {
    fn crc32c(register: u32, bytes: *const c_void, count: usize) -> u32;
}

/// The CRC-32C of some bytes.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    // SAFETY: The routine only reads so many bytes.
    !unsafe { crc32c(u32::MAX, bytes.as_ptr().cast(), bytes.len()) }
}
