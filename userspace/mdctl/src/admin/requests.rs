// SPDX-License-Identifier: GPL-2.0
//! What the commands ask the kernel for: arguments are filled in, answers are checked.

use super::{
    Admin,
    CallError, //
};
use crate::{
    family::Kin,
    syntax::{
        name::MetadeviceName,
        rows::StripeSpec,
        size::Sectors, //
    },
    unit::{
        Component,
        Row,
        Unit, //
    },
};
use md_abi::admin::{
    self as abi,
    ComponentState,
    Header,
    Refusal,
    UnitKind,
    UnitSummary,
    ABI_VERSION,
    COMPONENTS_MAX,
    CREATE_CHECK_ONLY,
    NO_INDEX,
    NO_PARENT,
    ROWS_MAX,
    START_DEFAULT, //
};
use md_report::State;
use rustix::io::Errno;
use std::time::{
    Duration,
    UNIX_EPOCH, //
};
use thiserror::Error;
use zerocopy::FromZeros;

/// Room for metadevices in the first question for the list. More are asked for as needed.
const LIST_CAPACITY: usize = 64;

/// How often the list is asked for anew because it grew in between.
const LIST_TRIES: usize = 8;

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

/// A device for a new metadevice: its number is what the kernel opens, its path is for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeviceChoice {
    /// Path of the device.
    pub path: String,
    /// Its number, as `st_rdev` has it.
    pub dev: u64,
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

/// Sees whether a stripe or concat could be made, and makes nothing. `devices` are those of
/// `spec`, in the same order.
pub fn check(
    admin: &mut dyn Admin,
    spec: &StripeSpec,
    devices: &[DeviceChoice],
) -> Result<(), RequestError> {
    request_creation(admin, spec, devices, CREATE_CHECK_ONLY)
}

/// Makes a stripe or concat. `devices` are those of `spec`, in the same order.
pub fn create(
    admin: &mut dyn Admin,
    spec: &StripeSpec,
    devices: &[DeviceChoice],
) -> Result<(), RequestError> {
    request_creation(admin, spec, devices, 0)
}

/// Asks for a stripe or concat in the way that `flags` say.
fn request_creation(
    admin: &mut dyn Admin,
    spec: &StripeSpec,
    devices: &[DeviceChoice],
    flags: u32,
) -> Result<(), RequestError> {
    let mut argument = abi::Create::new_zeroed();
    argument.header = header::<abi::Create>();
    argument.name = field(&spec.name.to_string())?;
    argument.kind = UnitKind::Stripe as u32;
    argument.flags = flags;
    let rows: Vec<_> = spec
        .rows
        .iter()
        .map(|row| abi::Row {
            interlace_sectors: row.interlace.0,
            component_count: row.devices.len() as u32,
            reserved: 0,
        })
        .collect();
    let start_sectors = if spec.keep_data { 0 } else { START_DEFAULT };
    let components = devices
        .iter()
        .map(|device| new_component(device, start_sectors))
        .collect::<Result<Vec<_>, _>>()?;
    let result = admin.create(&mut argument, &rows, &components);
    judge(result, &argument.header)
}

/// Clears a metadevice.
pub fn clear(admin: &mut dyn Admin, name: MetadeviceName) -> Result<(), RequestError> {
    let mut argument = abi::Clear::new_zeroed();
    argument.header = header::<abi::Clear>();
    argument.name = field(&name.to_string())?;
    let result = admin.clear(&mut argument);
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

/// All metadevices, in the order of their numbers.
pub fn list(admin: &mut dyn Admin) -> Result<Vec<Kin>, RequestError> {
    let mut capacity = LIST_CAPACITY;
    let mut tries = 1;
    loop {
        match list_up_to(admin, capacity) {
            Err(RequestError::Refused(Refused {
                refusal: Refusal::ArrayTooSmall,
                values: [_, needed],
                ..
            })) if tries < LIST_TRIES && (1..=abi::UNITS_MAX.into()).contains(&needed) => {
                capacity = needed as usize;
                tries += 1;
            }
            answer => return answer,
        }
    }
}

/// The same, if there are no more than `capacity`.
fn list_up_to(admin: &mut dyn Admin, capacity: usize) -> Result<Vec<Kin>, RequestError> {
    let mut argument = abi::List::new_zeroed();
    argument.header = header::<abi::List>();
    let mut units = vec![UnitSummary::new_zeroed(); capacity];
    let result = admin.list(&mut argument, &mut units);
    judge(result, &argument.header)?;
    let count = argument.unit_count as usize;
    let units = units.get(..count).ok_or_else(|| {
        RequestError::Nonsense(format!("{count} metadevices in an array for {capacity}"))
    })?;
    units.iter().map(kin_of).collect()
}

/// Reads a metadevice with its rows and components.
pub fn status(admin: &mut dyn Admin, name: MetadeviceName) -> Result<Unit, RequestError> {
    StatusReader::default().read(admin, name)
}

/// Reads all metadevices. One that is cleared meanwhile is left out.
pub fn status_of_all(admin: &mut dyn Admin) -> Result<Vec<Unit>, RequestError> {
    let mut reader = StatusReader::default();
    let mut units = Vec::new();
    for kin in list(admin)? {
        match reader.read(admin, kin.name) {
            Err(error) if error.is_no_such_unit() => {}
            unit => units.push(unit?),
        }
    }
    Ok(units)
}

/// Arrays that hold any metadevice, kept from one question to the next.
struct StatusReader {
    rows: Vec<abi::Row>,
    components: Vec<abi::Component>,
}

impl Default for StatusReader {
    fn default() -> Self {
        StatusReader {
            rows: vec![abi::Row::default(); ROWS_MAX as usize],
            components: vec![abi::Component::new_zeroed(); COMPONENTS_MAX as usize],
        }
    }
}

impl StatusReader {
    /// Asks for a metadevice.
    fn read(&mut self, admin: &mut dyn Admin, name: MetadeviceName) -> Result<Unit, RequestError> {
        let mut argument = abi::Status::new_zeroed();
        argument.header = header::<abi::Status>();
        argument.unit.name = field(&name.to_string())?;
        let result = admin.status(&mut argument, &mut self.rows, &mut self.components);
        judge(result, &argument.header)?;
        self.unit(&argument.unit)
    }

    /// The metadevice that the kernel described.
    fn unit(&self, summary: &UnitSummary) -> Result<Unit, RequestError> {
        let Kin { name, parent } = kin_of(summary)?;
        if summary.kind != UnitKind::Stripe as u32 {
            return Err(RequestError::Nonsense(format!(
                "{name} is of kind {}",
                summary.kind
            )));
        }
        let (Some(rows), Some(mut components)) = (
            self.rows.get(..summary.row_count as usize),
            self.components.get(..summary.component_count as usize),
        ) else {
            return Err(RequestError::Nonsense(format!(
                "{name} has more rows than it can have"
            )));
        };
        let mut unit = Unit {
            name,
            parent,
            state: state_of(&name.to_string(), summary.state)?,
            size: Sectors(summary.size_sectors),
            dev: summary.dev,
            rows: Vec::new(),
        };
        for row in rows {
            let (own, rest) = components
                .split_at_checked(row.component_count as usize)
                .ok_or_else(|| RequestError::Nonsense(format!("{name} lacks components")))?;
            components = rest;
            unit.rows.push(Row {
                interlace: Sectors(row.interlace_sectors),
                components: own.iter().map(component_of).collect::<Result<_, _>>()?,
            });
        }
        Ok(unit)
    }
}

/// A metadevice and its parent, as the kernel described them.
fn kin_of(summary: &UnitSummary) -> Result<Kin, RequestError> {
    let name = name_of(&summary.name)?;
    let number = summary.parent;
    let parent = MetadeviceName::from_number(number);
    if parent.is_none() && number != NO_PARENT {
        return Err(RequestError::Nonsense(format!(
            "{name} is part of a metadevice with number {number}"
        )));
    }
    Ok(Kin { name, parent })
}

/// A component as the kernel described it.
fn component_of(component: &abi::Component) -> Result<Component, RequestError> {
    let device = text_of(&component.device);
    Ok(Component {
        start: Sectors(component.start_sectors),
        size: Sectors(component.size_sectors),
        state: state_of(&device, component.state)?,
        read_errors: component.read_errors,
        write_errors: component.write_errors,
        event: event_of(&device, component.event_seconds)?,
        device,
    })
}

/// The state with a number, of a metadevice or component.
fn state_of(device: &str, number: u32) -> Result<State, RequestError> {
    match number {
        number if number == ComponentState::Okay as u32 => Ok(State::Okay),
        number if number == ComponentState::Unavailable as u32 => Ok(State::Unavailable),
        _ => Err(RequestError::Nonsense(format!(
            "{device} is in state {number}"
        ))),
    }
}

/// Second of the year 10000 from which on a time has no form in RFC 3339.
const SECONDS_END: u64 = 253_402_300_800;

/// A time as RFC 3339 has it.
fn event_of(device: &str, seconds: u64) -> Result<Option<String>, RequestError> {
    match seconds {
        0 => Ok(None),
        1..SECONDS_END => {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            Ok(Some(humantime::format_rfc3339_seconds(time).to_string()))
        }
        SECONDS_END.. => Err(RequestError::Nonsense(format!(
            "{device} has changed {seconds} seconds after 1970"
        ))),
    }
}

/// A component as it is given to the kernel.
fn new_component(
    device: &DeviceChoice,
    start_sectors: u64,
) -> Result<abi::Component, RequestError> {
    Ok(abi::Component {
        dev: device.dev,
        start_sectors,
        device: field(&device.path)?,
        ..abi::Component::new_zeroed()
    })
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

/// The metadevice's name in a field of the ABI.
fn name_of(field: &[u8]) -> Result<MetadeviceName, RequestError> {
    let name = text_of(field);
    name.parse()
        .map_err(|_| RequestError::Nonsense(format!("a metadevice named \"{name}\"")))
}
