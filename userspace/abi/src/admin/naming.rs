// SPDX-License-Identifier: GPL-2.0
//! Names of metadevices.

use super::{
    Header,
    NAME_LEN, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// [`Rename::flags`]: everything is checked, but nothing is changed.
pub const RENAME_CHECK_ONLY: u32 = 1;
/// [`Rename::flags`]: the two metadevices, a mirror and a submirror of it, exchange their names.
pub const RENAME_EXCHANGE: u32 = 2;
/// [`Rename::flags`], with [`RENAME_EXCHANGE`]: also while a submirror needs maintenance.
pub const RENAME_FORCE: u32 = 4;

/// Argument of [`IOC_RENAME`] (`svm.md` section 10). What is renamed is open nowhere and part of
/// nothing, apart from the submirror of an exchange.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Rename {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: the name that it is to have, which no metadevice has; with [`RENAME_EXCHANGE`] that of
    /// the other one.
    pub new_name: [u8; NAME_LEN],
    /// In: zero, or some of [`RENAME_CHECK_ONLY`], [`RENAME_EXCHANGE`] and [`RENAME_FORCE`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}
