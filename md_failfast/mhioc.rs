// SPDX-License-Identifier: GPL-2.0
//! Numbers and structures of mhd(7I) (`multihost.md` 1.1). Those with addresses in them are shorter
//! in programs of 32 bits ([`InKeys32`], [`KeyList32`]); all others are the same.

use kernel::prelude::*;
use zerocopy_derive::Immutable;

/// `MHIOCENFAILFAST`: milliseconds between probes; 0 for none.
pub(crate) const ENFAILFAST: u32 = number(1);
/// `MHIOCTKOWN`: takes the disk; [`Own`], or none.
pub(crate) const TKOWN: u32 = number(2);
/// `MHIOCRELEASE`.
pub(crate) const RELEASE: u32 = number(3);
/// `MHIOCSTATUS`: answers 0 or 1.
pub(crate) const STATUS: u32 = number(4);
/// `MHIOCGRP_INKEYS`: [`InKeys`].
pub(crate) const GRP_INKEYS: u32 = number(5);
/// `MHIOCGRP_INRESV`: [`InKeys`], of which the list has [`Descriptor`]s.
pub(crate) const GRP_INRESV: u32 = number(6);
/// `MHIOCGRP_REGISTER`: [`Register`].
pub(crate) const GRP_REGISTER: u32 = number(7);
/// `MHIOCGRP_RESERVE`: [`Descriptor`].
pub(crate) const GRP_RESERVE: u32 = number(8);
/// `MHIOCGRP_PREEMPTANDABORT`: [`Preempt`].
pub(crate) const GRP_PREEMPTANDABORT: u32 = number(9);
/// `MHIOCGRP_PREEMPT`: [`Preempt`].
pub(crate) const GRP_PREEMPT: u32 = number(10);
/// `MHIOCGRP_CLEAR`: a key.
pub(crate) const GRP_CLEAR: u32 = number(11);
/// `MHIOCQRESERVE`.
pub(crate) const QRESERVE: u32 = number(12);
/// `MHIOCGRP_REGISTERANDIGNOREKEY`: [`RegisterAndIgnore`].
pub(crate) const GRP_REGISTERANDIGNOREKEY: u32 = number(14);
/// `MHD_BIND`, which is ours: says which disk the others are about; [`Bind`].
pub(crate) const BIND: u32 = 1 << 30 | (size_of::<Bind>() as u32) << 16 | number(0x80);
/// `MHD_SETACTION`, which is ours: what is done when the disk is lost; a number of 32 bits.
pub(crate) const SETACTION: u32 = 1 << 30 | 4 << 16 | number(0x81);

const fn number(number: u32) -> u32 {
    (b'M' as u32) << 8 | number
}

/// A key, its highest byte first.
pub(crate) type Key = [u8; 8];

/// `struct mhioctkown`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Own {
    pub(crate) reinstate_resv_delay: i32,
    pub(crate) min_ownership_delay: i32,
    pub(crate) max_ownership_delay: i32,
}

/// `mhioc_inkeys_t` and `mhioc_inresvs_t`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct InKeys {
    pub(crate) generation: u32,
    pub(crate) unused: u32,
    /// Address of a [`KeyList`].
    pub(crate) list: u64,
}

/// `mhioc_key_list_t` and `mhioc_resv_desc_list_t`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct KeyList {
    /// Room, in elements.
    pub(crate) size: u32,
    /// How many there are, also those without room.
    pub(crate) length: u32,
    /// Address of the elements.
    pub(crate) list: u64,
}

/// [`InKeys`] of programs of 32 bits.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct InKeys32 {
    pub(crate) generation: u32,
    pub(crate) list: u32,
}

/// [`KeyList`] of programs of 32 bits.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct KeyList32 {
    pub(crate) size: u32,
    pub(crate) length: u32,
    pub(crate) list: u32,
}

/// `mhioc_resv_desc_t`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Descriptor {
    pub(crate) key: Key,
    pub(crate) kind: u8,
    pub(crate) scope: u8,
    pub(crate) unused: [u8; 2],
    pub(crate) scope_specific_addr: u32,
}

/// `mhioc_register_t`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Register {
    pub(crate) old: Key,
    pub(crate) new: Key,
    pub(crate) aptpl: i32,
}

/// `mhioc_registerandignorekey_t`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct RegisterAndIgnore {
    pub(crate) new: Key,
    pub(crate) aptpl: i32,
}

/// `mhioc_preemptandabort_t`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Preempt {
    pub(crate) descriptor: Descriptor,
    pub(crate) victim: Key,
}

/// Argument of [`BIND`]: a block device that is open, or if that is negative one with a path.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Bind {
    pub(crate) fd: i32,
    /// Zero.
    pub(crate) reserved: u32,
    /// Address of the path.
    pub(crate) path: u64,
}

const _: () = assert!(size_of::<Own>() == 12);
const _: () = assert!(size_of::<InKeys>() == 16 && size_of::<KeyList>() == 16);
const _: () = assert!(size_of::<InKeys32>() == 8 && size_of::<KeyList32>() == 12);
const _: () = assert!(size_of::<Descriptor>() == 16 && size_of::<Register>() == 20);
const _: () = assert!(size_of::<Preempt>() == 24 && size_of::<RegisterAndIgnore>() == 12);
const _: () = assert!(size_of::<Bind>() == 16);
