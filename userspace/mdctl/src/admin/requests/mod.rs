// SPDX-License-Identifier: GPL-2.0
//! What the commands ask the kernel for: arguments are filled in, answers are checked.

pub mod database;
pub mod events;
mod lost;
mod making;
pub mod multihost;
pub mod pools;
mod reading;
pub mod scrub;
pub mod sides;
pub mod soft;

pub use making::{
    check_growth,
    create,
    create_again,
    grow,
    DeviceChoice,
    Making, //
};
pub use reading::{
    has_softs,
    list,
    status,
    status_of_all, //
};

use super::{
    Admin,
    CallError, //
};
use crate::syntax::name::MetadeviceName;
use md_abi::admin::{
    self as abi,
    Header,
    Refusal,
    ABI_VERSION,
    CLEAR_FORCE,
    NO_INDEX,
    OPTION_CEILING,
    OPTION_FLOOR,
    OPTION_PASS,
    OPTION_READ_POLICY,
    OPTION_TARGET,
    OPTION_WRITE_POLICY,
    RENAME_EXCHANGE, //
};
use md_report::{
    ReadPolicy,
    WritePolicy, //
};
use rustix::io::Errno;
use thiserror::Error;
use zerocopy::FromZeros;

/// Why a request has no result.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RequestError {
    /// The administration device could not be opened.
    #[error("open: {0}")]
    Open(Errno),
    /// The kernel refused, and says why.
    #[error("refused: {0:?}")]
    Refused(Refused),
    /// The call failed before the module could say why.
    #[error("ioctl: {0}")]
    Failed(Errno),
    /// The answer makes no sense to this tool.
    #[error("the answer makes no sense: {0}")]
    Nonsense(String),
}

impl RequestError {
    /// Why the kernel refused, if it did.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            RequestError::Refused(refused) => Some(refused.refusal),
            _ => None,
        }
    }

    /// Whether there is no metadevice of that name.
    pub fn is_no_such_unit(&self) -> bool {
        self.refusal() == Some(Refusal::NoSuchUnit)
    }
}

/// A refusal and its figures; see [`Refusal`] for what they mean.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// Which row or component it is about, if it is about one.
    pub index: Option<usize>,
    /// Figures that belong to the refusal.
    pub values: [u64; 2],
    /// Version of the interface that the kernel has.
    pub kernel_abi: u32,
}

/// The loaded module's versions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModuleVersion {
    /// Release of the module.
    pub release: String,
    /// Version of its interface.
    pub abi: u32,
}

/// Reads the versions of the loaded module.
pub fn version(admin: &mut dyn Admin) -> Result<ModuleVersion, RequestError> {
    let mut argument = abi::Version::new_zeroed();
    argument.header = header::<abi::Version>();
    let result = admin.version(&mut argument);
    judge(result, &argument.header)?;
    Ok(ModuleVersion {
        release: text_of(&argument.module_version),
        abi: argument.header.abi_version,
    })
}

/// Clears a metadevice; with `force` also a mirror of which a submirror needs maintenance.
pub fn clear(admin: &mut dyn Admin, name: MetadeviceName, force: bool) -> Result<(), RequestError> {
    let mut argument = abi::Clear::new_zeroed();
    argument.header = header::<abi::Clear>();
    argument.name = field(&name.to_string())?;
    argument.flags = if force { CLEAR_FORCE } else { 0 };
    let result = admin.clear(&mut argument);
    judge(result, &argument.header)
}

/// Gives a metadevice another name; with `exchange`, the other metadevice gets its one.
pub fn rename(
    admin: &mut dyn Admin,
    name: MetadeviceName,
    new: MetadeviceName,
    exchange: bool,
) -> Result<(), RequestError> {
    let mut argument = abi::Rename::new_zeroed();
    argument.header = header::<abi::Rename>();
    argument.name = field(&name.to_string())?;
    argument.new_name = field(&new.to_string())?;
    argument.flags = if exchange { RENAME_EXCHANGE } else { 0 };
    let result = admin.rename(&mut argument);
    judge(result, &argument.header)
}

/// Options of a mirror that are to be changed; the others stay as they are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NewOptions {
    /// Which side a read goes to.
    pub read_policy: Option<ReadPolicy>,
    /// How writes go to the sides.
    pub write_policy: Option<WritePolicy>,
    /// When it is resynced after a crash.
    pub pass: Option<u32>,
    /// How long a request may take before its resync gives way, in microseconds.
    pub target_us: Option<u32>,
    /// KiB per second below which its resync is not made to fall; 0 for no floor.
    pub floor_kib_s: Option<u32>,
    /// KiB per second that its resync does not exceed; 0 for no ceiling.
    pub ceiling_kib_s: Option<u32>,
}

/// Changes options of a mirror.
pub fn set_options(
    admin: &mut dyn Admin,
    name: MetadeviceName,
    options: &NewOptions,
) -> Result<(), RequestError> {
    let mut argument = abi::SetOptions::new_zeroed();
    argument.header = header::<abi::SetOptions>();
    argument.name = field(&name.to_string())?;
    if let Some(policy) = options.read_policy {
        argument.which |= OPTION_READ_POLICY;
        argument.mirror.read_policy = making::read_policy(policy);
    }
    if let Some(policy) = options.write_policy {
        argument.which |= OPTION_WRITE_POLICY;
        argument.mirror.write_policy = making::write_policy(policy);
    }
    if let Some(pass) = options.pass {
        argument.which |= OPTION_PASS;
        argument.mirror.pass = pass;
    }
    if let Some(target_us) = options.target_us {
        argument.which |= OPTION_TARGET;
        argument.mirror.target_us = target_us;
    }
    if let Some(floor_kib_s) = options.floor_kib_s {
        argument.which |= OPTION_FLOOR;
        argument.mirror.floor_kib_s = floor_kib_s;
    }
    if let Some(ceiling_kib_s) = options.ceiling_kib_s {
        argument.which |= OPTION_CEILING;
        argument.mirror.ceiling_kib_s = ceiling_kib_s;
    }
    let result = admin.set_options(&mut argument);
    judge(result, &argument.header)
}

/// Sees whether the components of a metadevice answer. What came out is in its status.
pub fn probe(admin: &mut dyn Admin, name: MetadeviceName) -> Result<(), RequestError> {
    let mut argument = abi::Probe::new_zeroed();
    argument.header = header::<abi::Probe>();
    argument.name = field(&name.to_string())?;
    let result = admin.probe(&mut argument);
    judge(result, &argument.header)
}

/// The header of an argument of type `T`.
fn header<T>() -> Header {
    Header {
        abi_version: ABI_VERSION,
        size: size_of::<T>() as u32,
        ..Header::default()
    }
}

/// Whether a call was successful, by its result and the header that came back.
fn judge(result: Result<(), CallError>, header: &Header) -> Result<(), RequestError> {
    let errno = match result {
        Ok(()) => return Ok(()),
        Err(CallError::Open(errno)) => return Err(RequestError::Open(errno)),
        Err(CallError::Ioctl(errno)) => errno,
    };
    if header.refusal == 0 {
        return Err(RequestError::Failed(errno));
    }
    let refusal = Refusal::from_number(header.refusal)
        .ok_or_else(|| RequestError::Nonsense(format!("refusal number {}", header.refusal)))?;
    Err(RequestError::Refused(Refused {
        refusal,
        index: (header.refusal_index != NO_INDEX).then_some(header.refusal_index as usize),
        values: header.refusal_values,
        kernel_abi: header.abi_version,
    }))
}

/// A text as a field of the ABI, with at least one zero behind it.
fn field<const N: usize>(text: &str) -> Result<[u8; N], RequestError> {
    let mut field = [0; N];
    match field.get_mut(..text.len()) {
        Some(start) if text.len() < N => start.copy_from_slice(text.as_bytes()),
        _ => {
            return Err(RequestError::Nonsense(format!(
                "{text} is too long to be sent"
            )))
        }
    }
    Ok(field)
}

/// The text in a field of the ABI.
fn text_of(field: &[u8]) -> String {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}
