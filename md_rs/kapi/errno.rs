// SPDX-License-Identifier: GPL-2.0
//! Error numbers that `kernel::error::code` of 7.2 does not name.

use kernel::{
    bindings,
    error::Error, //
};

/// Protocol error: two sides that do not understand each other.
pub(crate) fn eproto() -> Error {
    Error::from_errno(-(bindings::EPROTO as i32))
}

/// The disk has lost the data: what the block layer makes of a medium error.
pub(crate) fn enodata() -> Error {
    Error::from_errno(-(bindings::ENODATA as i32))
}

/// Operation not supported.
pub(crate) fn eopnotsupp() -> Error {
    Error::from_errno(-(bindings::EOPNOTSUPP as i32))
}
