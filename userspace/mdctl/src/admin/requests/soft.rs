// SPDX-License-Identifier: GPL-2.0
//! Soft partitions.

use super::{
    field,
    header,
    judge,
    making::new_component,
    Admin,
    DeviceChoice,
    RequestError, //
};
use crate::syntax::{
    name::MetadeviceName,
    size::Sectors,
    soft::{
        Amount,
        Place,
        SoftSpec, //
    },
};
use md_abi::admin::{
    self as abi,
    Extent,
    SoftState,
    SOFT_ALL,
    SOFT_BRIEF,
    SOFT_CHECK_ONLY,
    SOFT_FORCE,
    SOFT_REBUILD,
    SOFT_SHRINK,
    START_DEFAULT, //
};
use md_model::database::identity::Uuid;
use zerocopy::FromZeros;

/// What the watermarks of a base say of a soft partition that is to be rebuilt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Identity {
    /// Its identity.
    pub soft: Uuid,
    /// That of the watermarks of its base.
    pub base: Uuid,
    /// Number of its layout.
    pub generation: u64,
}

/// How a soft partition is made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Manner {
    /// Everything is checked, nothing is made.
    pub check_only: bool,
    /// Watermarks of soft partitions that there is no record of may be lost.
    pub force: bool,
    /// It is on the base already.
    pub rebuilt: Option<Identity>,
}

/// Makes a soft partition on a base, or sees whether it could be made.
pub fn create(
    admin: &mut dyn Admin,
    spec: &SoftSpec,
    base: &DeviceChoice,
    how: Manner,
) -> Result<(), RequestError> {
    let mut argument = abi::CreateSoft::new_zeroed();
    argument.header = header::<abi::CreateSoft>();
    argument.name = field(&spec.name.to_string())?;
    argument.component = new_component(base, START_DEFAULT)?;
    if how.check_only {
        argument.flags |= SOFT_CHECK_ONLY;
    }
    if how.force {
        argument.flags |= SOFT_FORCE;
    }
    if let Some(identity) = how.rebuilt {
        argument.flags |= SOFT_REBUILD;
        argument.soft = identity.soft.to_bytes();
        argument.base = identity.base.to_bytes();
        argument.generation = identity.generation;
    }
    let mut extents: &[Extent] = &[];
    match &spec.place {
        Place::Free { amount, alignment } => {
            argument.alignment_sectors = alignment.map_or(0, |alignment| alignment.0);
            match amount {
                Amount::Size(size) => argument.size_sectors = size.0,
                Amount::All => argument.flags |= SOFT_ALL,
            }
        }
        Place::Extents {
            extents: given,
            alignment,
        } => {
            argument.alignment_sectors = alignment.map_or(0, |alignment| alignment.0);
            extents = given;
        }
    }
    let result = admin.create_soft(&mut argument, extents);
    judge(result, &argument.header)
}

/// How a soft partition is changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// It grows by so much.
    Grow(Amount, Option<Sectors>),
    /// It shrinks to so much.
    Shrink(Sectors),
}

/// Changes a soft partition, or sees whether it could be; how large it is then.
pub fn change(
    admin: &mut dyn Admin,
    name: MetadeviceName,
    change: Change,
    check_only: bool,
) -> Result<Sectors, RequestError> {
    let mut argument = abi::ChangeSoft::new_zeroed();
    argument.header = header::<abi::ChangeSoft>();
    argument.name = field(&name.to_string())?;
    if check_only {
        argument.flags |= SOFT_CHECK_ONLY;
    }
    match change {
        Change::Grow(amount, alignment) => {
            argument.alignment_sectors = alignment.map_or(0, |alignment| alignment.0);
            match amount {
                Amount::Size(size) => argument.size_sectors = size.0,
                Amount::All => argument.flags |= SOFT_ALL,
            }
        }
        Change::Shrink(size) => {
            argument.flags |= SOFT_SHRINK;
            argument.size_sectors = size.0;
        }
    }
    let result = admin.change_soft(&mut argument);
    judge(result, &argument.header)?;
    Ok(Sectors(argument.size_sectors))
}

/// What a soft partition is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// How it is.
    pub state: SoftState,
    /// Watermarks that were not as they should be.
    pub wrong: u32,
    /// What the data of its extents begins on a multiple of.
    pub alignment: Sectors,
    /// Number of its layout.
    pub generation: u64,
    /// What there is room for on its base.
    pub free: Sectors,
    /// Its identity.
    pub soft: Uuid,
    /// That of the watermarks of its base.
    pub base: Uuid,
    /// Its extents, in order.
    pub extents: Vec<Extent>,
}

/// Reads what a soft partition is made of; what is free on its base only if `with_free`: that takes
/// the longer, the more there are on it. `room` holds the extents of any.
pub fn status(
    admin: &mut dyn Admin,
    name: MetadeviceName,
    with_free: bool,
    room: &mut [Extent],
) -> Result<Status, RequestError> {
    let mut argument = abi::SoftStatus::new_zeroed();
    argument.header = header::<abi::SoftStatus>();
    argument.name = field(&name.to_string())?;
    argument.flags = if with_free { 0 } else { SOFT_BRIEF };
    let result = admin.soft_status(&mut argument, room);
    judge(result, &argument.header)?;
    let count = argument.extent_count;
    let extents = room
        .get(..count as usize)
        .ok_or_else(|| RequestError::Nonsense(format!("{name} has {count} extents")))?;
    let states = [
        SoftState::Okay,
        SoftState::Creating,
        SoftState::Growing,
        SoftState::Shrinking,
        SoftState::Clearing,
        SoftState::Moving,
    ];
    let number = argument.state;
    let state = states.into_iter().find(|state| *state as u32 == number);
    Ok(Status {
        state: state
            .ok_or_else(|| RequestError::Nonsense(format!("{name} is in state {number}")))?,
        wrong: argument.wrong_count,
        alignment: Sectors(argument.alignment_sectors),
        generation: argument.generation,
        free: Sectors(argument.free_sectors),
        soft: Uuid::from_bytes(argument.soft),
        base: Uuid::from_bytes(argument.base),
        extents: extents.to_vec(),
    })
}

/// Which extent of a soft partition goes where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Relocation {
    /// Number of the extent.
    pub extent: u32,
    /// First sector of its data then; 0 for the first place where all of it fits.
    pub sector: u64,
    /// Everything is checked, nothing is moved.
    pub check_only: bool,
}

/// Moves an extent; the first sector of its data then. Waits until that is done.
pub fn relocate(
    admin: &mut dyn Admin,
    name: MetadeviceName,
    wanted: Relocation,
) -> Result<u64, RequestError> {
    let mut argument = abi::MoveSoft::new_zeroed();
    argument.header = header::<abi::MoveSoft>();
    argument.name = field(&name.to_string())?;
    argument.index = wanted.extent;
    argument.sector = wanted.sector;
    if wanted.check_only {
        argument.flags |= SOFT_CHECK_ONLY;
    }
    let result = admin.move_soft(&mut argument);
    judge(result, &argument.header)?;
    Ok(argument.sector)
}

/// What became of the watermarks of a base.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mended {
    /// How many it should have.
    pub count: u32,
    /// How many were not as they should be.
    pub wrong: u32,
    /// How many soft partitions had a change that was brought to its end.
    pub finished: u32,
}

/// Has the watermarks of a base written by the records, or only compared.
pub fn mend(admin: &mut dyn Admin, dev: u64, check_only: bool) -> Result<Mended, RequestError> {
    let mut argument = abi::MendSoft::new_zeroed();
    argument.header = header::<abi::MendSoft>();
    argument.dev = dev;
    argument.flags = if check_only { SOFT_CHECK_ONLY } else { 0 };
    let result = admin.mend_soft(&mut argument);
    judge(result, &argument.header)?;
    Ok(Mended {
        count: argument.count,
        wrong: argument.wrong_count,
        finished: argument.finished_count,
    })
}
