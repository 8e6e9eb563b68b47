// SPDX-License-Identifier: GPL-2.0
//! From a sector of a metadevice to the leaves, through the metadevices in between.

use kernel::prelude::*;

use crate::{
    body::Shape,
    component::Component,
    kapi::{
        bdev::BlockDevice,
        clone::{
            Side,
            Target, //
        },
        fan_out::{
            FanOut,
            Part, //
        }, //
    },
};

/// Where the first piece of a run of sectors lives.
pub(crate) struct Place<'a> {
    /// The leaf.
    pub(crate) device: &'a BlockDevice,
    /// First sector there.
    pub(crate) sector: u64,
    /// How long the piece is.
    pub(crate) count: u64,
}

impl<'a> Place<'a> {
    /// The place, for a clone.
    #[inline]
    pub(crate) fn target(&self) -> Target<'a> {
        self.target_on(None)
    }

    /// Writes zeros there, by whatever means the device has. Sleeps.
    pub(crate) fn write_zeros(&self) -> Result {
        self.device.write_zeros(self.sector, self.count)
    }

    /// The same, on a side of a mirror.
    #[inline]
    pub(crate) fn target_on(&self, side: Option<Side<'a>>) -> Target<'a> {
        Target {
            device: self.device,
            sector: self.sector,
            side,
        }
    }
}

/// The component of a stripe, and the place below it, where the first piece of `count` sectors from
/// `sector` on lives.
#[inline]
pub(crate) fn place(shape: &Shape, sector: u64, count: u64) -> Option<(&Component, Place<'_>)> {
    let piece = shape.map(sector, count)?;
    let first = shape.component(piece.component)?;
    let mut place = Place {
        device: &first.device,
        sector: piece.sector,
        count: piece.count,
    };
    let mut component = first;
    while let Some(child) = &component.child {
        let shape = child.body().shape();
        let piece = shape.map(place.sector, place.count)?;
        component = shape.component(piece.component)?;
        place = Place {
            device: &component.device,
            sector: piece.sector,
            count: piece.count,
        };
    }
    Some((first, place))
}

/// Calls `each` with the runs of sectors that `count` sectors from `sector` on are on the leaves
/// below a component. As deep a recursion as there are levels of metadevices. `None` if the sectors
/// leave a metadevice.
pub(crate) fn leaf_runs(
    component: &Component,
    sector: u64,
    count: u64,
    each: &mut dyn FnMut(Place<'_>),
) -> Option<()> {
    match &component.child {
        None => each(Place {
            device: &component.device,
            sector,
            count,
        }),
        Some(child) => runs(
            child.body().shape(),
            sector,
            count,
            &mut |below, from, length| leaf_runs(below, from, length, each),
        )?,
    }
    Some(())
}

/// Calls `each` with the run of sectors that each component of a stripe has in the `count` sectors
/// from `sector` on: the component, the first sector there, how many. `None` if the sectors leave
/// the metadevice, or if `each` says so.
pub(crate) fn runs<'a>(
    shape: &'a Shape,
    sector: u64,
    count: u64,
    each: &mut dyn FnMut(&'a Component, u64, u64) -> Option<()>,
) -> Option<()> {
    let mut inside = Some(());
    shape
        .unit()
        .striped()?
        .ranges(sector, count, &mut |piece| {
            let done = shape
                .component(piece.component)
                .and_then(|component| each(component, piece.sector, piece.count));
            inside = inside.and(done);
        })?;
    inside
}

/// Sends a flush to every leaf below a component.
pub(crate) fn flush_below(out: &FanOut<'_>, component: &Component, side: Option<Side<'_>>) {
    match &component.child {
        None => out.send_flush(&Target {
            device: &component.device,
            sector: 0,
            side,
        }),
        Some(child) => {
            for below in child.body().shape().components() {
                flush_below(out, below, side);
            }
        }
    }
}

/// Calls `each` for the pieces of a bio, one after the other: it is given the first sector and how
/// many are left, and says how many it has taken care of. `None` if it cannot.
#[inline]
pub(crate) fn for_pieces(
    part: &Part<'_>,
    mut each: impl FnMut(u64, u64, u64) -> Option<u64>,
) -> Option<()> {
    let mut done = 0u64;
    while done < part.sectors() {
        let left = part.sectors().checked_sub(done)?;
        let from = part.sector().checked_add(done)?;
        let count = each(done, from, left)?;
        done = done.checked_add(count)?;
    }
    Some(())
}
