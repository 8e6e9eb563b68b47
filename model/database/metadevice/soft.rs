// SPDX-License-Identifier: GPL-2.0
//! What the record of a soft partition has behind its component, which is its base: who it is,
//! which layout it has, and its extents. Where an extent is in the soft partition follows from
//! those before it, so that 16 bytes say all of it, and 10,000 of them fit into a record.

use super::super::{
    field::{
        is_gapless,
        Field, //
    },
    identity::Uuid,
    page::{
        bad,
        bad_field,
        zero,
        Damage, //
    },
};
use crate::{
    limits::{
        EXTENTS_MAX,
        GRAIN_SECTORS, //
    },
    soft::{
        Extent,
        GRAIN, //
    },
};

/// Its identity.
pub const SOFT: Field = Field::first("soft", 16, "uuid of the soft partition");
/// That of the watermarks of its base.
pub const BASE: Field = SOFT.then("base", 16, "uuid of the watermarks of its base");
/// Its layout.
pub const GENERATION: Field = BASE.then(
    "generation",
    8,
    "number of its layout, counted over its base, from 1",
);
/// Where extents begin.
pub const ALIGNMENT: Field = GENERATION.then(
    "alignment",
    8,
    "sectors of which the data of its extents begins on a multiple, not 0",
);
/// How many extents.
pub const EXTENTS: Field = ALIGNMENT.then("extents", 4, "number of extents, which follow");
/// How it is.
pub const STATE: Field = EXTENTS.then(
    "state",
    1,
    "0 okay; its watermarks are still to be written after it was 1 made, 2 grown, 3 shrunk, \
     4 cleared, 5 moved",
);
/// Nothing.
pub const REST: Field = STATE.then("rest", 11, "zero");

/// What comes before the extents, field by field.
pub const FIELDS: &[Field] = &[SOFT, BASE, GENERATION, ALIGNMENT, EXTENTS, STATE, REST];

/// Bytes of that.
pub const HEAD_BYTES: usize = 64;

/// Where an extent begins.
pub const EXTENT_SECTOR: Field = Field::first("sector", 8, "first sector of its data on the base");
/// How long it is.
pub const EXTENT_COUNT: Field = EXTENT_SECTOR.then("count", 8, "sectors of data");

/// An extent, field by field.
pub const EXTENT_FIELDS: &[Field] = &[EXTENT_SECTOR, EXTENT_COUNT];

/// Bytes of an extent.
pub const EXTENT_BYTES: usize = 16;

/// Bytes of the longest record of a soft partition.
pub const BYTES_MAX: usize = super::fields::HEAD_BYTES
    + super::fields::COMPONENT_BYTES
    + HEAD_BYTES
    + EXTENTS_MAX as usize * EXTENT_BYTES;

const _: () = assert!(is_gapless(FIELDS, HEAD_BYTES));
const _: () = assert!(is_gapless(EXTENT_FIELDS, EXTENT_BYTES));

/// How a soft partition is (`svm.md` section 6.1). All but the first mean that its watermarks are
/// still to be brought in line with the record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SoftState {
    /// It can be used.
    Okay,
    /// It is being made.
    Creating,
    /// It is being grown.
    Growing,
    /// It is being shrunk.
    Shrinking,
    /// It is being cleared.
    Clearing,
    /// An extent of it is being moved.
    Moving,
}

impl SoftState {
    /// Every state, by its number in the record.
    pub const ALL: [Self; 6] = [
        Self::Okay,
        Self::Creating,
        Self::Growing,
        Self::Shrinking,
        Self::Clearing,
        Self::Moving,
    ];

    /// Its number in the record.
    pub const fn number(self) -> u8 {
        match self {
            Self::Okay => 0,
            Self::Creating => 1,
            Self::Growing => 2,
            Self::Shrinking => 3,
            Self::Clearing => 4,
            Self::Moving => 5,
        }
    }

    /// The state with a number.
    pub fn from_number(number: u64) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|state| u64::from(state.number()) == number)
    }
}

/// What is stored of a soft partition, its extents apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SoftHead {
    /// Its identity.
    pub soft: Uuid,
    /// Identity of the watermarks of its base.
    pub base: Uuid,
    /// Number of its layout.
    pub generation: u64,
    /// What the data of its extents begins on a multiple of, in sectors.
    pub alignment_sectors: u64,
    /// How it is.
    pub state: SoftState,
}

/// A soft partition, as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct Soft<'a> {
    /// All but the extents.
    pub head: SoftHead,
    /// The extents, in order.
    pub extents: &'a [Extent],
}

/// Bytes of a soft partition with so many extents; `None` if there are too many, or none.
pub(super) fn bytes_of(extents: usize) -> Option<usize> {
    let is_within = (1..=EXTENTS_MAX as usize).contains(&extents);
    let list = extents.checked_mul(EXTENT_BYTES)?;
    list.checked_add(HEAD_BYTES).filter(|_| is_within)
}

pub(super) fn encode(soft: &Soft<'_>, to: &mut [u8]) {
    SOFT.put_uuid(to, soft.head.soft);
    BASE.put_uuid(to, soft.head.base);
    GENERATION.put(to, soft.head.generation);
    ALIGNMENT.put(to, soft.head.alignment_sectors);
    EXTENTS.put(to, soft.extents.len() as u64);
    STATE.put(to, soft.head.state.number().into());
    let list = to.get_mut(HEAD_BYTES..).unwrap_or(&mut []);
    super::fill(list, EXTENT_BYTES, soft.extents, |extent, to| {
        EXTENT_SECTOR.put(to, extent.sector);
        EXTENT_COUNT.put(to, extent.count);
    });
}

pub(super) fn decode_head(from: &[u8]) -> Result<SoftHead, Damage> {
    zero(REST, from)?;
    let head = SoftHead {
        soft: SOFT.uuid(from),
        base: BASE.uuid(from),
        generation: GENERATION.number(from),
        alignment_sectors: ALIGNMENT.number(from),
        state: SoftState::from_number(STATE.number(from)).ok_or(bad_field(STATE, from))?,
    };
    if head.soft.is_nil() || head.base.is_nil() {
        return Err(bad(SOFT.name, 0));
    }
    if head.generation == 0 {
        return Err(bad(GENERATION.name, 0));
    }
    let alignment = head.alignment_sectors;
    if alignment == 0 || alignment % GRAIN != 0 {
        return Err(bad(ALIGNMENT.name, alignment));
    }
    Ok(head)
}

/// The extents behind a head.
pub(super) fn extents(from: &[u8]) -> impl Iterator<Item = Extent> + '_ {
    let list = from.get(HEAD_BYTES..).unwrap_or(&[]);
    list.chunks_exact(EXTENT_BYTES).map(|extent| Extent {
        sector: EXTENT_SECTOR.number(extent),
        count: EXTENT_COUNT.number(extent),
    })
}

/// Whether the extents are as many as they should be, lie between two sectors of the base, and make
/// up so many sectors.
pub(super) fn judge(from: &[u8], within: (u64, u64), size_sectors: u64) -> Result<(), Damage> {
    decode_head(from)?;
    let count = EXTENTS.number(from);
    let expected = usize::try_from(count).ok().and_then(bytes_of);
    if expected != Some(from.len()) {
        return Err(bad(EXTENTS.name, count));
    }
    let (start, end) = within;
    let first = start.saturating_add(GRAIN_SECTORS);
    let mut total = 0_u64;
    for extent in extents(from) {
        if !extent.is_sound() || extent.sector < first || extent.end() > end {
            return Err(bad(EXTENT_SECTOR.name, extent.sector));
        }
        total = total.saturating_add(extent.count);
    }
    if total != size_sectors {
        return Err(bad("sectors of all extents", total));
    }
    Ok(())
}
