// SPDX-License-Identifier: GPL-2.0
//! The sides of a mirror: attaching and detaching them, replacing their components, and resync.

use super::{
    field,
    header,
    judge,
    making::{
        new_component,
        DeviceChoice, //
    },
    Admin,
    RequestError, //
};
use crate::syntax::name::MetadeviceName;
use md_abi::admin::{
    self as abi,
    CREATE_ASSUME_CLEAN,
    CREATE_CHECK_ONLY,
    REPLACE_CHECK_ONLY,
    REPLACE_ENABLE,
    REPLACE_FORCE,
    REPLACE_RETURN,
    SIDE_DETACH,
    SIDE_FORCE,
    SIDE_OFFLINE,
    SIDE_ONLINE,
    START_DEFAULT,
    SYNC_CANCEL,
    SYNC_PAUSE,
    SYNC_RESUME,
    SYNC_START, //
};
use zerocopy::FromZeros;

/// Adds a submirror to a mirror, or sees whether it could be added.
pub fn attach(
    admin: &mut dyn Admin,
    mirror: MetadeviceName,
    submirror: &DeviceChoice,
    check_only: bool,
) -> Result<(), RequestError> {
    let mut argument = abi::Attach::new_zeroed();
    argument.header = header::<abi::Attach>();
    argument.name = field(&mirror.to_string())?;
    argument.flags = if check_only { CREATE_CHECK_ONLY } else { 0 };
    argument.submirror = new_component(submirror, START_DEFAULT)?;
    let result = admin.attach(&mut argument);
    judge(result, &argument.header)
}

/// Lets a mirror become as large as its smallest submirror, or sees whether it could. What is new
/// of the submirrors is copied, unless it is known to be equal.
pub fn grow_mirror(
    admin: &mut dyn Admin,
    mirror: MetadeviceName,
    is_equal: bool,
    check_only: bool,
) -> Result<(), RequestError> {
    let mut argument = abi::GrowMirror::new_zeroed();
    argument.header = header::<abi::GrowMirror>();
    argument.name = field(&mirror.to_string())?;
    let flags = [
        (is_equal, CREATE_ASSUME_CLEAN),
        (check_only, CREATE_CHECK_ONLY),
    ];
    let flags = flags.iter().filter(|(wanted, _)| *wanted);
    argument.flags = flags.map(|(_, flag)| flag).sum();
    let result = admin.grow_mirror(&mut argument);
    judge(result, &argument.header)
}

/// What becomes of a submirror.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// It is a metadevice by itself again.
    Detached,
    /// It is out of service.
    Offlined,
    /// It is back in service.
    Onlined,
}

/// Changes a submirror; with `force` also one with a component that is erred, or one that is being
/// resynced.
pub fn change(
    admin: &mut dyn Admin,
    mirror: MetadeviceName,
    submirror: MetadeviceName,
    change: Change,
    force: bool,
) -> Result<(), RequestError> {
    let mut argument = abi::ChangeSide::new_zeroed();
    argument.header = header::<abi::ChangeSide>();
    argument.name = field(&mirror.to_string())?;
    argument.submirror = field(&submirror.to_string())?;
    argument.action = match change {
        Change::Detached => SIDE_DETACH,
        Change::Offlined => SIDE_OFFLINE,
        Change::Onlined => SIDE_ONLINE,
    };
    argument.flags = if force { SIDE_FORCE } else { 0 };
    let result = admin.change_side(&mut argument);
    judge(result, &argument.header)
}

/// A component of a mirror's submirror.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The submirror.
    pub submirror: MetadeviceName,
    /// Which of its components, counted from 0.
    pub index: usize,
    /// Path of the device, as the kernel has it.
    pub device: String,
}

/// How a component is to be replaced.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Replacing {
    /// The device is the one that it has already.
    pub enable: bool,
    /// Everything is checked, nothing is changed.
    pub check_only: bool,
    /// Also the last copy of its blocks.
    pub force: bool,
    /// The device was not there, and is back.
    pub returns: bool,
}

/// Gives a component that is in service its device back, which was not there.
pub fn take_back(
    admin: &mut dyn Admin,
    mirror: MetadeviceName,
    place: &Place,
    device: &DeviceChoice,
) -> Result<(), RequestError> {
    let how = Replacing {
        returns: true,
        ..Replacing::default()
    };
    replace(admin, mirror, place, device, how)
}

/// Replaces a component, or sees whether it could be replaced.
pub fn replace(
    admin: &mut dyn Admin,
    mirror: MetadeviceName,
    place: &Place,
    new: &DeviceChoice,
    how: Replacing,
) -> Result<(), RequestError> {
    let mut argument = abi::Replace::new_zeroed();
    argument.header = header::<abi::Replace>();
    argument.name = field(&mirror.to_string())?;
    argument.submirror = field(&place.submirror.to_string())?;
    argument.index = place.index as u32;
    argument.old = field(&place.device)?;
    argument.new = new_component(new, START_DEFAULT)?;
    let flags = [
        (how.enable, REPLACE_ENABLE),
        (how.check_only, REPLACE_CHECK_ONLY),
        (how.force, REPLACE_FORCE),
        (how.returns, REPLACE_RETURN),
    ];
    argument.flags = flags
        .iter()
        .filter(|(wanted, _)| *wanted)
        .map(|(_, flag)| flag)
        .sum();
    let result = admin.replace(&mut argument);
    judge(result, &argument.header)
}

/// Starts the resync of a mirror.
pub fn start_sync(admin: &mut dyn Admin, mirror: MetadeviceName) -> Result<(), RequestError> {
    sync(admin, mirror, SYNC_START)
}

/// Stops the resync of a mirror until it is started again.
pub fn cancel_sync(admin: &mut dyn Admin, mirror: MetadeviceName) -> Result<(), RequestError> {
    sync(admin, mirror, SYNC_CANCEL)
}

/// Has the resync of a mirror pause, until it is started or resumed.
pub fn pause_sync(admin: &mut dyn Admin, mirror: MetadeviceName) -> Result<(), RequestError> {
    sync(admin, mirror, SYNC_PAUSE)
}

/// Lets a resync that pauses go on.
pub fn resume_sync(admin: &mut dyn Admin, mirror: MetadeviceName) -> Result<(), RequestError> {
    sync(admin, mirror, SYNC_RESUME)
}

fn sync(admin: &mut dyn Admin, mirror: MetadeviceName, action: u32) -> Result<(), RequestError> {
    let mut argument = abi::Sync::new_zeroed();
    argument.header = header::<abi::Sync>();
    argument.name = field(&mirror.to_string())?;
    argument.action = action;
    let result = admin.sync(&mut argument);
    judge(result, &argument.header)
}
