// SPDX-License-Identifier: GPL-2.0
//! What callers want of the mirror, and how far it has come.

use std::ops::Range;

use md_model::mirror::exclusion::Claim;

use super::BLOCKS;

/// A component, by its side and its index there.
pub(super) type Place = (usize, usize);

/// How far a request has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// It waits for writes that it overlaps with, or for its regions to be opened.
    Waits,
    /// It has claimed its blocks, and has not looked whether their regions are open.
    Claimed,
    /// It is being carried out.
    Runs,
    /// It is carried out, and waits until what excuses it is recorded.
    Records,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    /// Blocks get this version.
    Write(u32),
    /// All that was acknowledged is made durable.
    Flush,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) wanted: Wanted,
    pub(super) blocks: Range<usize>,
    pub(super) stage: Stage,
    pub(super) claims: Vec<Claim>,
    /// What is in flight: the component, and the block of a write.
    pub(super) in_flight: Vec<(Place, usize)>,
    pub(super) failed: Vec<Place>,
    /// For a flush: what had been acknowledged of each block when it was issued.
    pub(super) acknowledged: [usize; BLOCKS],
}
