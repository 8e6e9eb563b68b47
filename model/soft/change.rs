// SPDX-License-Identifier: GPL-2.0
//! In which order the watermarks of a change are written (`svm.md` section 6.4).
//!
//! The places of the new chain are of two kinds: those that the old chain has as well, and *new*
//! ones, which stand where it has free space or data that is given up, so that nobody is led there
//! yet. From one common place to the next, both chains lead on their own ways. So a common place
//! that is written last switches from one to the other, in one sector, and what is interrupted
//! before or after it is a whole chain.
//!
//! The first extent of a soft partition says which layout of it is in force
//! ([`rebuild`](super::rebuild)); writing it *commits* a change:
//!
//! | change | order |
//! |---|---|
//! | create | new places, common places: the last extent that is reached completes the layout |
//! | grow | new places, common places, commit: until then the added extents do not count |
//! | shrink | commit, new places, common places: from then on what is cut off does not count |
//! | clear | new places, common places: an extent that is missing ends the layout |
//! | move | as if the extent were made once more; commit, common places: the old one is given up |
//!
//! While an extent is moved it is there twice, with the same data. So it does not matter which of
//! the two a layout has: where the first extent is moved, the new one counts as soon as it is
//! reached, else with the commit.
//!
//! What is written in one [`Round`] may be written at once; it is flushed before the next one. Of a
//! place to which the chain leads, the second copy is written when the first one is durable.

use super::{
    chain::{
        tile,
        tile_at,
        Content,
        Tile, //
    },
    taken::Taken,
    watermark::{
        Behind,
        Stamp,
        Version,
        Watermark, //
    },
    Base,
};
use crate::{
    database::identity::Uuid,
    name::UnitName, //
};

/// What becomes of a soft partition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It is made.
    Create,
    /// It gets more extents, or its last one becomes longer.
    Grow,
    /// It gives up what is at its end.
    Shrink,
    /// It goes.
    Clear,
    /// An extent of it is there twice: the data is at its new place as well.
    Double,
    /// That one is at its new place only.
    Move,
}

/// Which places are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Those that the old chain does not lead to.
    New,
    /// Those that it does.
    Common,
    /// The first extent, with the new layout.
    Commit,
}

/// Which copies are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Copies {
    /// Both.
    Both,
    /// The first one.
    First,
    /// The second one.
    Second,
}

/// What may be written at once. A flush of the base follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Round {
    /// Which places.
    pub step: Step,
    /// Which copies.
    pub copies: Copies,
}

const fn round(step: Step, copies: Copies) -> Round {
    Round { step, copies }
}

const NEW: Round = round(Step::New, Copies::Both);
const COMMON_ONCE: Round = round(Step::Common, Copies::First);
const COMMON_TWICE: Round = round(Step::Common, Copies::Second);
const COMMIT_ONCE: Round = round(Step::Commit, Copies::First);
const COMMIT_TWICE: Round = round(Step::Commit, Copies::Second);
const PLAIN: &[Round] = &[NEW, COMMON_ONCE, COMMON_TWICE];
const COMMIT_LAST: &[Round] = &[NEW, COMMON_ONCE, COMMON_TWICE, COMMIT_ONCE, COMMIT_TWICE];
const COMMIT_FIRST: &[Round] = &[COMMIT_ONCE, COMMIT_TWICE, NEW, COMMON_ONCE, COMMON_TWICE];

/// A base and what is taken of it, in order.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// The base.
    pub base: Base,
    /// What is taken.
    pub taken: &'a [Taken],
}

impl Layout<'_> {
    fn tile_at(&self, sector: u64) -> Option<Tile> {
        tile_at(&self.base, self.taken, sector)
    }
}

/// A change of one soft partition of a base.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// What it is.
    pub kind: Kind,
    /// Identity of the watermarks of the base.
    pub base: Uuid,
    /// What the base has; `None` if it has no chain yet.
    pub old: Option<Layout<'a>>,
    /// What it is to have.
    pub new: Layout<'a>,
    /// The soft partition, as the owner of what is taken.
    pub owner: u32,
    /// Its identity.
    pub soft: Uuid,
    /// Its name.
    pub name: UnitName,
    /// Its layout so far; that of one that is made does not matter.
    pub before: Version,
    /// Its layout to be.
    pub after: Version,
}

impl<'a> Change<'a> {
    /// The rounds, one after the other.
    pub fn rounds(&self) -> &'static [Round] {
        match self.kind {
            Kind::Create | Kind::Clear | Kind::Double => PLAIN,
            Kind::Grow => COMMIT_LAST,
            Kind::Shrink | Kind::Move => COMMIT_FIRST,
        }
    }

    /// The watermarks that are written in a step.
    pub fn writes(&self, step: Step) -> impl Iterator<Item = Watermark> + 'a {
        let this = *self;
        let list = match self.old {
            // Until what is cut off is given up, the first extent is as long as it was.
            Some(old) if step == Step::Commit && self.kind == Kind::Shrink => old.taken,
            _ => self.new.taken,
        };
        let base = self.new.base;
        let count = list.len().saturating_mul(2).saturating_add(2);
        let tiles = (0..count).filter_map(move |number| tile(&base, list, number));
        tiles
            .filter(move |tile| this.is_written(tile, step))
            .filter_map(move |tile| this.watermark(&tile, step))
    }

    fn is_written(&self, tile: &Tile, step: Step) -> bool {
        let before = self.old.and_then(|old| old.tile_at(tile.sector));
        // Without a chain, only its first place leads anybody anywhere.
        let is_first = self.old.is_none() && tile.sector == self.new.base.start;
        match step {
            Step::New => before.is_none() && !is_first,
            Step::Common => is_first || before.is_some_and(|before| before != *tile),
            Step::Commit => match tile.content {
                Content::Taken(one) => one.owner == self.owner && one.sequence == 0,
                Content::Free | Content::End => false,
            },
        }
    }

    /// The watermark of a tile. `None` for an extent of another soft partition, which no change of
    /// this one touches.
    fn watermark(&self, tile: &Tile, step: Step) -> Option<Watermark> {
        let behind = match tile.content {
            Content::Free => Behind::Free,
            Content::End => Behind::End,
            Content::Taken(one) if one.owner != self.owner => return None,
            Content::Taken(one) => Behind::Extent(Stamp {
                soft: self.soft,
                name: self.name,
                sequence: one.sequence,
                version: self.version(one.sequence, step),
            }),
        };
        Some(Watermark {
            base: self.base,
            sector: tile.sector,
            length: tile.length,
            behind,
        })
    }

    /// The layout that an extent names.
    fn version(&self, sequence: u32, step: Step) -> Version {
        if self.kind == Kind::Grow && step != Step::Commit {
            uncommitted(self.before, self.after, sequence)
        } else {
            self.after
        }
    }
}

/// The layout that an extent names until a growth is committed: what was there before is not of the
/// new layout yet.
pub fn uncommitted(before: Version, after: Version, sequence: u32) -> Version {
    if sequence < before.extents {
        before
    } else {
        after
    }
}

/// All watermarks of a base, from the last one to the first; `stamp` says whose an extent is.
/// Written in this order, each only after the one before it is durable, they turn any chain into
/// this one, and leave a whole one at all times.
///
/// So changes are brought to their end that are recorded, but perhaps only in part written. If a
/// soft partition is to shrink, its first extent is committed before; if it is to grow, afterwards,
/// and until then its extents are [`uncommitted`]. What they were before, the first extent on the
/// base still says.
pub fn all<'a>(
    base: Uuid,
    layout: Layout<'a>,
    stamp: impl Fn(&Taken) -> Option<Stamp> + 'a,
) -> impl Iterator<Item = Watermark> + 'a {
    let count = layout.taken.len().saturating_mul(2).saturating_add(2);
    let tiles = (0..count).rev();
    tiles
        .filter_map(move |number| tile(&layout.base, layout.taken, number))
        .filter_map(move |tile| {
            let behind = match tile.content {
                Content::Free => Behind::Free,
                Content::End => Behind::End,
                Content::Taken(one) => Behind::Extent(stamp(&one)?),
            };
            Some(Watermark {
                base,
                sector: tile.sector,
                length: tile.length,
                behind,
            })
        })
}
