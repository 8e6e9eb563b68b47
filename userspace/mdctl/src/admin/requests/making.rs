// SPDX-License-Identifier: GPL-2.0
//! Making and growing metadevices.

use super::{
    field,
    header,
    judge,
    soft,
    Admin,
    RequestError, //
};
use crate::syntax::{
    mirror::Options,
    name::MetadeviceName,
    pace::Pace,
    raid::RaidSpec,
    rows::{
        RowSpec,
        StripeSpec, //
    },
    size::Sectors,
    spec::Spec, //
};
use md_abi::admin::{
    self as abi,
    Hints,
    MirrorOptions,
    UnitKind,
    CREATE_ASSUME_CLEAN,
    CREATE_CHECK_ONLY,
    CREATE_IN_USE,
    CREATE_SVM_ROTATION,
    CREATE_UNLOGGED,
    START_DEFAULT, //
};
use md_report::{
    ReadPolicy,
    WritePolicy, //
};
use zerocopy::FromZeros;

/// A device for a new metadevice: its number is what the kernel opens, its path is for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeviceChoice {
    /// Path of the device.
    pub path: String,
    /// Its number, as `st_rdev` has it.
    pub dev: u64,
    /// By what else it is known.
    pub hints: Hints,
}

/// What else to say when a metadevice is made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Making {
    /// Everything is checked, nothing is made.
    pub check_only: bool,
    /// A component may be in use; see [`abi::CREATE_IN_USE`].
    pub in_use: bool,
    /// The submirrors of a mirror are equal already; see [`abi::CREATE_ASSUME_CLEAN`].
    pub assume_clean: bool,
    /// What is on the base of a soft partition does not matter; see [`abi::SOFT_FORCE`].
    pub force: bool,
}

/// Makes a metadevice, or sees whether it could be made. `devices` are those of `spec`, in the same
/// order.
pub fn create(
    admin: &mut dyn Admin,
    spec: &Spec,
    devices: &[DeviceChoice],
    how: Making,
) -> Result<(), RequestError> {
    if let (Spec::Soft(soft), [base]) = (spec, devices) {
        let manner = soft::Manner {
            check_only: how.check_only,
            force: how.force,
            rebuilt: None,
        };
        return soft::create(admin, soft, base, manner);
    }
    let mut argument = abi::Create::new_zeroed();
    argument.header = header::<abi::Create>();
    argument.name = field(&spec.name().to_string())?;
    if how.check_only {
        argument.flags |= CREATE_CHECK_ONLY;
    }
    if how.in_use {
        argument.flags |= CREATE_IN_USE;
    }
    if how.assume_clean {
        argument.flags |= CREATE_ASSUME_CLEAN;
    }
    let mut rows = Vec::new();
    let mut start_sectors = START_DEFAULT;
    match spec {
        Spec::Stripe(stripe) => {
            argument.kind = UnitKind::Stripe as u32;
            rows = new_rows(&stripe.rows);
            argument.pool = stripe.pool.map_or(0, |pool| pool.number() + 1);
            if stripe.keep_data {
                start_sectors = 0;
            }
        }
        Spec::Mirror(mirror) => {
            argument.kind = UnitKind::Mirror as u32;
            argument.mirror = new_options(&mirror.options, mirror.pace);
        }
        Spec::Raid(raid) => {
            argument.kind = UnitKind::Raid as u32;
            rows = raid_rows(raid);
            argument.pool = raid.pool.map_or(0, |pool| pool.number() + 1);
            argument.mirror = new_pace(raid.pace);
            if raid.has_svm_rotation {
                argument.flags |= CREATE_SVM_ROTATION;
            }
            if !raid.has_log {
                argument.flags |= CREATE_UNLOGGED;
            }
        }
        // It has one base.
        Spec::Soft(_) => argument.kind = UnitKind::SoftPartition as u32,
    }
    let components = new_components(devices, start_sectors)?;
    let result = admin.create(&mut argument, &rows, &components);
    judge(result, &argument.header)
}

/// Makes a stripe or concat whose data is on its devices already, or sees whether it could be made;
/// how large it is. `devices` are those of `spec`, in the same order, each with the sector where
/// its data begins.
pub fn create_again(
    admin: &mut dyn Admin,
    spec: &StripeSpec,
    devices: &[(DeviceChoice, Sectors)],
    check_only: bool,
) -> Result<Sectors, RequestError> {
    let mut argument = abi::Create::new_zeroed();
    argument.header = header::<abi::Create>();
    argument.name = field(&spec.name.to_string())?;
    argument.kind = UnitKind::Stripe as u32;
    if check_only {
        argument.flags |= CREATE_CHECK_ONLY;
    }
    let component = |(device, start): &(DeviceChoice, Sectors)| new_component(device, start.0);
    let components: Result<Vec<_>, _> = devices.iter().map(component).collect();
    let result = admin.create(&mut argument, &new_rows(&spec.rows), &components?);
    judge(result, &argument.header)?;
    Ok(Sectors(argument.size_sectors))
}

/// Sees whether rows could be added to a stripe or concat, and adds none. `devices` are those of
/// the rows, in the same order.
pub fn check_growth(
    admin: &mut dyn Admin,
    name: MetadeviceName,
    rows: &[RowSpec],
    devices: &[DeviceChoice],
) -> Result<(), RequestError> {
    request_growth(admin, name, rows, devices, CREATE_CHECK_ONLY)
}

/// Adds rows to a stripe or concat. `devices` are those of the rows, in the same order.
pub fn grow(
    admin: &mut dyn Admin,
    name: MetadeviceName,
    rows: &[RowSpec],
    devices: &[DeviceChoice],
) -> Result<(), RequestError> {
    request_growth(admin, name, rows, devices, 0)
}

/// Asks for more rows in the way that `flags` say.
fn request_growth(
    admin: &mut dyn Admin,
    name: MetadeviceName,
    rows: &[RowSpec],
    devices: &[DeviceChoice],
    flags: u32,
) -> Result<(), RequestError> {
    let mut argument = abi::Grow::new_zeroed();
    argument.header = header::<abi::Grow>();
    argument.name = field(&name.to_string())?;
    argument.flags = flags;
    let components = new_components(devices, START_DEFAULT)?;
    let result = admin.grow(&mut argument, &new_rows(rows), &components);
    judge(result, &argument.header)
}

/// Rows as they are given to the kernel.
fn new_rows(rows: &[RowSpec]) -> Vec<abi::Row> {
    rows.iter()
        .map(|row| abi::Row {
            interlace_sectors: row.interlace.0,
            component_count: row.devices.len() as u32,
            reserved: 0,
        })
        .collect()
}

/// The row of a RAID5 metadevice, and that of the columns that were attached, if there are some.
fn raid_rows(raid: &RaidSpec) -> Vec<abi::Row> {
    [raid.devices.len() - raid.attached, raid.attached]
        .into_iter()
        .filter(|count| *count > 0)
        .map(|count| abi::Row {
            interlace_sectors: raid.interlace.0,
            component_count: count as u32,
            reserved: 0,
        })
        .collect()
}

/// Components as they are given to the kernel, all with data from the same sector on.
fn new_components(
    devices: &[DeviceChoice],
    start_sectors: u64,
) -> Result<Vec<abi::Component>, RequestError> {
    let component = |device| new_component(device, start_sectors);
    devices.iter().map(component).collect()
}

/// A component as it is given to the kernel.
pub(super) fn new_component(
    device: &DeviceChoice,
    start_sectors: u64,
) -> Result<abi::Component, RequestError> {
    Ok(abi::Component {
        dev: device.dev,
        start_sectors,
        device: field(&device.path)?,
        hints: device.hints,
        ..abi::Component::new_zeroed()
    })
}

/// Options of a mirror as they are given to the kernel.
fn new_options(options: &Options, pace: Pace) -> MirrorOptions {
    MirrorOptions {
        read_policy: read_policy(options.read_policy),
        write_policy: write_policy(options.write_policy),
        pass: options.pass,
        ..new_pace(pace)
    }
}

/// How fast something is made, as it is given to the kernel.
fn new_pace(pace: Pace) -> MirrorOptions {
    MirrorOptions {
        target_us: pace.target_us,
        floor_kib_s: pace.floor_kib_s,
        ceiling_kib_s: pace.ceiling_kib_s,
        ..MirrorOptions::default()
    }
}

/// Number of a read policy.
pub(super) fn read_policy(policy: ReadPolicy) -> u32 {
    let policy = match policy {
        ReadPolicy::RoundRobin => abi::ReadPolicy::RoundRobin,
        ReadPolicy::Geometric => abi::ReadPolicy::Geometric,
        ReadPolicy::First => abi::ReadPolicy::First,
        ReadPolicy::Hedged => abi::ReadPolicy::Hedged,
    };
    policy as u32
}

/// Number of a write policy.
pub(super) fn write_policy(policy: WritePolicy) -> u32 {
    let policy = match policy {
        WritePolicy::Parallel => abi::WritePolicy::Parallel,
        WritePolicy::Serial => abi::WritePolicy::Serial,
        WritePolicy::Copy => abi::WritePolicy::Copy,
    };
    policy as u32
}
