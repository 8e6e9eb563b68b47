// SPDX-License-Identifier: GPL-2.0
//! Devices that are to become components: they are looked up, and what speaks against them is
//! looked for.

use crate::{
    admin::requests::{
        database::database,
        DeviceChoice, //
    },
    discover::{
        members::{
            hints,
            look_at, //
        },
        signatures::{
            describe,
            signatures, //
        },
        Host,
        Node,
        Usage,
        Users, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    Machine,
};

/// Looks the devices with these paths up.
pub fn look_up(paths: &[String], host: &dyn Host) -> Result<Vec<DeviceChoice>, Failure> {
    let mut choices: Vec<DeviceChoice> = Vec::new();
    for path in paths {
        let dev = match host.node(path) {
            Ok(Node::Block { dev }) => dev,
            Ok(Node::File) => return Err(explain::device::regular_file(path)),
            Ok(Node::Other) => return Err(explain::device::not_a_block_device(path)),
            Err(error) => return Err(explain::device::not_found(path, &error)),
        };
        if let Some(earlier) = choices.iter().find(|choice| choice.dev == dev) {
            return Err(explain::device::given_twice(path, &earlier.path));
        }
        choices.push(DeviceChoice {
            path: path.clone(),
            dev,
            hints: hints(host, dev),
        });
    }
    Ok(choices)
}

/// Looks the devices with these paths up, and sees that nobody uses them.
pub fn choose(paths: &[String], host: &dyn Host) -> Result<Vec<DeviceChoice>, Failure> {
    let choices = look_up(paths, host)?;
    match find_usage(&choices, host)? {
        None => Ok(choices),
        Some(usage) => Err(explain::device::in_use(&usage.device_asked, &usage.usage)),
    }
}

/// A device that is in use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Used {
    /// Its path, as it was given.
    pub device_asked: String,
    /// Who uses it, or what is on the same disk.
    pub usage: Usage,
}

/// The first of the devices that is in use.
pub fn find_usage(choices: &[DeviceChoice], host: &dyn Host) -> Result<Option<Used>, Failure> {
    let users = Users::read(host).map_err(|error| explain::device::unknown("", &error))?;
    for choice in choices {
        let usage = users
            .of(choice.dev)
            .map_err(|error| explain::device::unknown(&choice.path, &error))?;
        if let Some(usage) = usage {
            return Ok(Some(Used {
                device_asked: choice.path.clone(),
                usage,
            }));
        }
    }
    Ok(None)
}

/// A device that carries something that somebody may want back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Carrier {
    /// Its path.
    pub path: String,
    /// What it carries, in words.
    pub what: String,
    /// It is a set's, which could be started instead.
    pub is_member: bool,
}

/// The first of the devices with these paths that carries something. What is left on it of the set
/// that runs is not wanted back: what that still uses, the kernel protects.
pub fn find_carrier<'a>(
    paths: impl IntoIterator<Item = &'a String>,
    machine: &mut Machine<'_>,
) -> Result<Option<Carrier>, Failure> {
    let running = database(machine.admin)
        .map_err(|error| explain::request(&error, &Subject::none()))?
        .map(|database| database.set);
    for path in paths {
        let signatures = signatures(machine.host, path)
            .map_err(|error| explain::device::may_carry(path, &error))?;
        let member = look_at(machine.host, path).filter(|found| Some(found.set) != running);
        let what = match member {
            _ if !signatures.is_empty() => describe(&signatures),
            Some(found) => format!("a part of {}", found.set_words()),
            None => continue,
        };
        return Ok(Some(Carrier {
            path: path.clone(),
            what,
            is_member: signatures.is_empty(),
        }));
    }
    Ok(None)
}

/// Sees that none of the devices with these paths carries something that somebody may want back.
pub fn check_carries_nothing<'a>(
    paths: impl IntoIterator<Item = &'a String>,
    machine: &mut Machine<'_>,
) -> Result<(), Failure> {
    match find_carrier(paths, machine)? {
        None => Ok(()),
        Some(carrier) => Err(explain::device::carries(&carrier, false)),
    }
}
