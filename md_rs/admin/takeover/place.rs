// SPDX-License-Identifier: GPL-2.0
//! Where a hot spare is to take over: a component of a side of a mirror, or a column of RAID5.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use md_model::{
    mirror::{
        component::State as Condition,
        side::SideState, //
    },
    name::UnitName,
    spare::choose::START_SECTOR, //
};

use super::{
    super::{
        raid,
        replace::{
            Case,
            Lacks, //
        },
        sides::Target, //
    },
    Spot, //
};
use crate::{
    abi::Refusal,
    body::Body,
    component::Component,
    unit_table::UnitTable,
    Refused, //
};

/// A component, in what it is part of.
pub(super) enum Place<'a> {
    /// Of a side.
    Side(Case<'a>),
    /// Of a RAID5 metadevice.
    Column(raid::Case<'a>),
}

impl<'a> Place<'a> {
    /// The component as it is now.
    pub(super) fn find(units: &'a UnitTable, spot: &Spot) -> Result<Self, Refused> {
        let stripe = units.get(&spot.side)?;
        if stripe.body().raid().is_some() {
            return Ok(Self::Column(raid::Case::at(units, &spot.side, spot.index)?));
        }
        let target = Target::find(units, &spot.mirror)?;
        let side = target.side(&spot.side)?;
        let components = stripe.body().shape().components();
        let old = components.get(spot.index as usize);
        Ok(Self::Side(Case {
            target,
            side,
            stripe,
            index: spot.index,
            old: old.ok_or(Refused::new(ENXIO, Refusal::NoSuchComponent))?,
        }))
    }

    /// The component.
    pub(super) fn old(&self) -> &'a Arc<Component> {
        match self {
            Self::Side(case) => case.old,
            Self::Column(case) => case.old,
        }
    }

    /// What it is a component of.
    pub(super) fn body(&self) -> &'a Body {
        match self {
            Self::Side(case) => case.stripe.body(),
            Self::Column(case) => case.body(),
        }
    }

    /// Whether it may be replaced now. A side that is offline gets nothing, nor does what may not
    /// be changed; and what is uncertain after a crash is made certain first.
    pub(super) fn may_be_served(&self) -> bool {
        match self {
            Self::Side(case) => {
                let map = case.target.map();
                let is_erred = case.old.condition.state() == Condition::Erred;
                let is_offline = map.side_state(case.side) == SideState::Offline;
                is_erred && !is_offline && !map.is_frozen() && !map.has_uncertain()
            }
            Self::Column(case) => case.may_be_served(),
        }
    }

    /// Sectors that it has there.
    pub(super) fn size_sectors(&self) -> Result<u64, Refused> {
        match self {
            Self::Side(case) => Ok(case.place()?.size_sectors),
            Self::Column(case) => Ok(case.used_sectors()),
        }
    }

    /// The first of them.
    pub(super) fn start_sector(&self) -> Result<u64, Refused> {
        match self {
            Self::Side(case) => Ok(case.place()?.start_sector),
            Self::Column(case) => Ok(case.start_sector()),
        }
    }

    /// A spare takes its place. What this refers to is gone then.
    pub(super) fn carry_out(
        self,
        units: &UnitTable,
        mirror: &UnitName,
        spare: Arc<Component>,
    ) -> Result<(), Refused> {
        match self {
            Self::Side(case) => {
                let shape = case.shape_with(&spare, START_SECTOR)?;
                case.carry_out(units, mirror, spare, shape, Lacks::Everything)
            }
            Self::Column(case) => {
                let shape = case.shape_with(&spare, START_SECTOR)?;
                case.carry_out(units, spare, shape)
            }
        }
    }
}
