// SPDX-License-Identifier: GPL-2.0
//! Identities that nobody else has.

use kernel::bindings;
use md_model::database::identity::{
    Uuid,
    UUID_BYTES, //
};

/// A new uuid (version 4).
pub(crate) fn new_uuid() -> Uuid {
    let mut bytes = [0u8; UUID_BYTES];
    // SAFETY: The buffer has the 16 bytes that are written.
    unsafe { bindings::generate_random_uuid(bytes.as_mut_ptr()) };
    Uuid::from_bytes(bytes)
}
