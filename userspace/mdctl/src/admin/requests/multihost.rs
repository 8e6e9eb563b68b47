// SPDX-License-Identifier: GPL-2.0
//! Disks that several hosts can reach.

use super::{
    field,
    header,
    judge,
    Admin,
    RequestError, //
};
use md_abi::admin as abi;
use md_model::failfast::{
    wire::kind_word,
    Action, //
};
use md_report::{
    Access,
    Lost,
    MultihostDisk,
    Reservation,
    Way, //
};
use zerocopy::FromZeros;

/// Keys that are read at once.
const KEYS_MAX: usize = 511;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Asked {
    /// One of the ABI's operations.
    pub operation: u32,
    /// Our key.
    pub key: u64,
    /// The new key, or the victim's.
    pub other_key: u64,
    /// Kind of a reservation, as SCSI numbers them.
    pub kind: u8,
    /// Whether a registration survives a loss of power.
    pub survives: bool,
    /// Until a reservation is put back, how long ownership must have been stable, when to give up,
    /// in milliseconds; zero for what is usual.
    pub timing_ms: [u32; 3],
    /// Milliseconds between probes.
    pub failfast_ms: u32,
    /// What is done when access is lost.
    pub action: Action,
}

/// Carries out an operation on the disk with a number and a path. The disk as it is after that.
pub fn multihost(
    admin: &mut dyn Admin,
    dev: u64,
    path: &str,
    asked: &Asked,
) -> Result<MultihostDisk, RequestError> {
    let mut argument = abi::Multihost::new_zeroed();
    argument.header = header::<abi::Multihost>();
    argument.dev = dev;
    argument.path = field(path)?;
    argument.operation = asked.operation;
    argument.key = asked.key;
    argument.other_key = asked.other_key;
    argument.kind = asked.kind.into();
    argument.timing_ms = asked.timing_ms;
    argument.failfast_ms = asked.failfast_ms;
    argument.action = asked.action.number();
    if asked.survives {
        argument.flags = abi::MULTIHOST_SURVIVES;
    }
    let is_keys = asked.operation == abi::MULTIHOST_KEYS;
    let mut keys = vec![0_u64; if is_keys { KEYS_MAX } else { 0 }];
    let result = admin.multihost(&mut argument, &mut keys);
    judge(result, &argument.header)?;
    let mut disk = parse(path, &argument)?;
    if asked.operation == abi::MULTIHOST_STATUS {
        disk.access = Some(access(argument.access)?);
    }
    if is_keys {
        keys.truncate(argument.key_count as usize);
        disk.keys = Some(keys.iter().map(|key| key_text(*key)).collect());
    }
    Ok(disk)
}

/// A key in words: sixteen hexadecimal digits.
pub fn key_text(key: u64) -> String {
    format!("0x{key:016x}")
}

fn parse(path: &str, argument: &abi::Multihost) -> Result<MultihostDisk, RequestError> {
    let is = |bit: u32| argument.state & bit != 0;
    let lost = match (is(abi::MULTIHOST_LOST), is(abi::MULTIHOST_LOST_BY_IO)) {
        (false, _) => None,
        (true, false) => Some(Lost::Probe),
        (true, true) => Some(Lost::Io),
    };
    let action = Action::from_number(argument.action)
        .ok_or_else(|| nonsense("action", argument.action.into()))?;
    Ok(MultihostDisk {
        device: path.to_string(),
        access: None,
        owned: is(abi::MULTIHOST_OWNED),
        way: way(argument.way)?,
        registered: is(abi::MULTIHOST_REGISTERED),
        reservation: reservation(argument)?,
        keys: None,
        generation: argument.generation,
        failfast_ms: argument.failfast_ms,
        action: action.word().to_string(),
        recorded: is(abi::MULTIHOST_RECORDED),
        unrecorded: is(abi::MULTIHOST_UNRECORDED),
        expected: is(abi::MULTIHOST_EXPECTED),
        lost,
        fenced: is(abi::MULTIHOST_FENCED),
        stalled: is(abi::MULTIHOST_STALLED),
        gone: is(abi::MULTIHOST_GONE),
        reinstating: is(abi::MULTIHOST_REINSTATING),
        good_ms: Some(argument.good_ms).filter(|ms| *ms != u64::MAX),
        probes: argument.probes,
        silent: argument.silent,
        conflicts: argument.conflicts,
        resets: argument.resets,
    })
}

fn nonsense(what: &str, found: u64) -> RequestError {
    RequestError::Nonsense(format!("a disk with the {what} {found}"))
}

fn access(number: u32) -> Result<Access, RequestError> {
    match number {
        abi::ACCESS_YES => Ok(Access::Yes),
        abi::ACCESS_NO => Ok(Access::No),
        abi::ACCESS_UNKNOWN => Ok(Access::Unknown),
        other => Err(nonsense("access", other.into())),
    }
}

fn way(number: u32) -> Result<Option<Way>, RequestError> {
    match number {
        abi::WAY_UNKNOWN => Ok(None),
        abi::WAY_RESERVE => Ok(Some(Way::Reserve)),
        abi::WAY_PERSISTENT => Ok(Some(Way::Persistent)),
        other => Err(nonsense("way", other.into())),
    }
}

fn reservation(argument: &abi::Multihost) -> Result<Option<Reservation>, RequestError> {
    if argument.kind == 0 {
        return Ok(None);
    }
    let kind = u8::try_from(argument.kind).ok().and_then(kind_word);
    let kind = kind.ok_or_else(|| nonsense("kind of reservation", argument.kind.into()))?;
    Ok(Some(Reservation {
        key: key_text(argument.key),
        kind: kind.to_string(),
    }))
}
