// SPDX-License-Identifier: GPL-2.0
//! Concat, stripe, and concat of stripes (`svm.md` section 3).
//!
//! A metadevice is a list of rows, one behind the other. A row is a stripe over its components:
//! one interlace on the first component, the next on the second, and around again. With a single
//! component it is a plain run of that component's sectors.
//!
//! ```text
//! rows        |  row 0: a, b, c        |  row 1: d       |
//! sectors     | a b c a b c a b c ...  | d d d d d d d d |
//! ```
//!
//! [`lay_out`] turns what the administrator asked for into the tables [`Row`] and [`Component`];
//! [`map()`] finds a sector in them, and [`ranges()`] what a run of sectors is on each component.
//! The tables are plain data, kept by whoever owns the memory.

#[cfg(test)]
pub(crate) mod fixture;
mod layout;
mod map;
mod ranges;

use core::num::{
    NonZeroU32,
    NonZeroU64, //
};

pub(crate) use self::map::{
    place_in_row,
    row_of_sector, //
};
pub use self::{
    layout::{
        lay_out,
        ComponentSpec,
        LayoutError,
        RowSpec, //
    },
    map::{
        map,
        row_of_component,
        uniform_chunk,
        unmap,
        FirstRun,
        Piece, //
    },
    ranges::ranges,
};

/// A row as laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    /// Index of the row's first component; the others follow it.
    pub first_component: u32,
    /// Components in the row.
    pub component_count: NonZeroU32,
    /// How much lies on one component before the next one's turn. Of no effect in a row of one.
    pub interlace_sectors: NonZeroU64,
    /// First sector of the row in the metadevice.
    pub start_sector: u64,
    /// Size of the row: that of its components together, never zero.
    pub size_sectors: u64,
}

impl Row {
    /// What a table holds before [`lay_out`] fills it.
    pub const UNFILLED: Self = Self {
        first_component: 0,
        component_count: NonZeroU32::MIN,
        interlace_sectors: NonZeroU64::MIN,
        start_sector: 0,
        size_sectors: 0,
    };
}

/// A component as laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Component {
    /// First sector of the data on the device.
    pub start_sector: u64,
    /// How many sectors of the device hold data. The same for all components of a row.
    pub size_sectors: u64,
}

impl Component {
    /// What a table holds before [`lay_out`] fills it.
    pub const UNFILLED: Self = Self {
        start_sector: 0,
        size_sectors: 0,
    };
}
