// SPDX-License-Identifier: GPL-2.0
//! Tables: where the pages of records are. The root points to tables, a table to pages of records.
//! A pointer has the checksum of the page as well, so that a page that was not written, or an older
//! one that is still there, is noticed although it is whole.

use super::{
    field::{
        is_gapless,
        Field, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    page::{
        bad,
        open_as,
        payload_mut,
        seal,
        Damage,
        Kind,
        Page,
        Stamp,
        PAYLOAD_BYTES, //
    },
};

/// Where it is.
pub const SLOT: Field = Field::first("slot", 4, "place of the page in the replica, or 0");
/// What it has to be.
pub const CHECKSUM: Field = SLOT.then("checksum", 4, "the checksum in the page's head");

/// A pointer, field by field.
pub const POINTER_FIELDS: &[Field] = &[SLOT, CHECKSUM];

/// Bytes of a pointer.
pub const POINTER_BYTES: usize = 8;

/// Which table it is.
pub const NUMBER: Field = Field::first("number", 4, "number of the table, from 0");
/// How many pointers.
pub const COUNT: Field = NUMBER.then("count", 4, "number of pointers that follow");

/// The fixed part of a table's payload, field by field.
pub const FIELDS: &[Field] = &[NUMBER, COUNT];

/// Bytes of the fixed part.
pub const FIXED_BYTES: usize = 8;

/// Pointers in a table. Table `t` points to the pages from `t * TABLE_PAGES` on.
pub const TABLE_PAGES: usize = (PAYLOAD_BYTES - FIXED_BYTES) / POINTER_BYTES;

/// Most tables of a root.
pub const TABLES_MAX: usize = 32;

const _: () = assert!(is_gapless(POINTER_FIELDS, POINTER_BYTES));
const _: () = assert!(is_gapless(FIELDS, FIXED_BYTES));
const _: () = assert!(TABLE_PAGES == 503);

/// Where a page is, and what it is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pointer {
    /// Its place in the replica; 0 if there is none.
    pub slot: u32,
    /// Its checksum.
    pub checksum: u32,
}

impl Pointer {
    /// To nothing.
    pub const NONE: Self = Self {
        slot: 0,
        checksum: 0,
    };

    /// Whether it points to a page.
    pub fn is_some(&self) -> bool {
        self.slot != 0
    }

    /// Verifies that bytes are the page that it points to.
    pub fn open<'a>(&self, bytes: &'a [u8], kind: Kind, set: Uuid) -> Result<Page<'a>, Damage> {
        let page = open_as(bytes, kind, set, self.slot)?;
        if page.checksum == self.checksum {
            Ok(page)
        } else {
            Err(Damage::Stale { found: page.stamp })
        }
    }

    pub(super) fn encode(&self, to: &mut [u8]) {
        SLOT.put(to, self.slot.into());
        CHECKSUM.put(to, self.checksum.into());
    }

    pub(super) fn decode(from: &[u8]) -> Self {
        Self {
            slot: SLOT.number32(from),
            checksum: CHECKSUM.number32(from),
        }
    }

    /// A pointer to nothing has no checksum: one that has is what is left of another one.
    pub(super) fn judge(&self) -> Result<(), Damage> {
        if self.is_some() || self.checksum == 0 {
            Ok(())
        } else {
            Err(bad(SLOT.name, self.slot.into()))
        }
    }
}

/// Makes the page of a table; returns its checksum. Pointers to nothing at its end are left out.
/// `None` if `bytes` is no page, or there are more pointers than a table has.
pub fn encode(
    number: u32,
    pointers: &[Pointer],
    set: Uuid,
    generation: Generation,
    slot: u32,
    bytes: &mut [u8],
) -> Option<u32> {
    let last = pointers.iter().rposition(Pointer::is_some);
    let count = last.map_or(0, |last| last.saturating_add(1));
    if pointers.len() > TABLE_PAGES {
        return None;
    }
    let payload = payload_mut(bytes);
    NUMBER.put(payload, number.into());
    COUNT.put(payload, count as u64);
    let list = payload.get_mut(FIXED_BYTES..)?;
    for (to, pointer) in list.chunks_exact_mut(POINTER_BYTES).zip(pointers) {
        pointer.encode(to);
    }
    let used = count.checked_mul(POINTER_BYTES)?.checked_add(FIXED_BYTES)?;
    let stamp = Stamp {
        kind: Kind::Table,
        set,
        generation,
        place: slot,
    };
    seal(bytes, stamp, used)
}

/// Reads a table that was verified to be the one pointed to, into the pointers of its pages.
pub fn decode(page: &Page<'_>, number: u32, pointers: &mut [Pointer]) -> Result<(), Damage> {
    let found = NUMBER.number(page.payload);
    if found != number.into() {
        return Err(bad(NUMBER.name, found));
    }
    let count = COUNT.number(page.payload);
    let list = page.payload.get(FIXED_BYTES..).unwrap_or(&[]);
    let bytes = (count as usize).checked_mul(POINTER_BYTES);
    if bytes != Some(list.len()) || count > pointers.len() as u64 {
        return Err(bad(COUNT.name, count));
    }
    pointers.fill(Pointer::NONE);
    let mut is_last_there = true;
    for (to, from) in pointers.iter_mut().zip(list.chunks_exact(POINTER_BYTES)) {
        *to = Pointer::decode(from);
        to.judge()?;
        is_last_there = to.is_some();
    }
    // Those to nothing at the end are left out.
    if is_last_there {
        Ok(())
    } else {
        Err(bad(COUNT.name, count))
    }
}
