// SPDX-License-Identifier: GPL-2.0
//! Tables for unit tests, written down rather than laid out.

use core::num::{
    NonZeroU32,
    NonZeroU64, //
};

use super::{
    Component,
    Row, //
};

/// A row of `count` components, not zero, the first of which has the number `first`.
pub(crate) const fn row(first: u32, count: u32, interlace: u64, start: u64, size: u64) -> Row {
    Row {
        first_component: first,
        component_count: match NonZeroU32::new(count) {
            Some(count) => count,
            None => NonZeroU32::MIN,
        },
        interlace_sectors: match NonZeroU64::new(interlace) {
            Some(interlace) => interlace,
            None => NonZeroU64::MIN,
        },
        start_sector: start,
        size_sectors: size,
    }
}

/// A component.
pub(super) const fn component(start_sector: u64, size_sectors: u64) -> Component {
    Component {
        start_sector,
        size_sectors,
    }
}
