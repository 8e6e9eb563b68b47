// SPDX-License-Identifier: GPL-2.0
//! Making one metadevice: its components are looked up, everything that speaks against it is
//! looked for, and then it is made.

use crate::{
    admin::requests::{
        self,
        DeviceChoice,
        RequestError, //
    },
    discover::{
        signatures::{
            describe,
            signatures, //
        },
        Host,
        Node,
        Users, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    syntax::{
        name::MetadeviceName,
        rows::StripeSpec, //
    },
    Machine,
};

/// How a metadevice is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Everything is checked, nothing is made.
    pub check_only: bool,
    /// What the components carry does not matter.
    pub force: bool,
    /// It stands in md.tab, so that what its components that are metadevices carry is its own: a
    /// metadevice has no reserved head, and the file system of the one that is made of it shows
    /// on it while that one does not exist.
    pub from_md_tab: bool,
}

/// Makes a metadevice, or sees whether it could be made, and says so in the answer.
pub fn make(
    machine: &mut Machine<'_>,
    spec: &StripeSpec,
    manner: Manner,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let name = spec.name;
    check_vacant(machine, name)?;
    let devices = choose_devices(spec, machine.host)?;
    let failed = |error| creation_failed(&error, name, &devices);
    // What the kernel has against it goes before what only the tool has: after that, -f is enough.
    requests::check(machine.admin, spec, &devices).map_err(failed)?;
    check_signatures(spec, manner, machine.host)?;
    let document = &mut answer.document;
    if manner.check_only {
        let checked = document.checked.get_or_insert_default();
        checked.push(name.to_string());
        answer.line(&format!("{name}: Concat/Stripe would be setup"));
    } else {
        requests::create(machine.admin, spec, &devices).map_err(failed)?;
        answer.line(&format!("{name}: Concat/Stripe is setup"));
        let unit = requests::status(machine.admin, name)
            .map_err(|error| explain::request(&error, &Subject::unit(name)))?;
        let made = answer.document.metadevices.get_or_insert_default();
        made.push((&unit).into());
    }
    Ok(())
}

/// Sees that no metadevice has this name. The kernel does so too, but would be asked too late:
/// who makes a metadevice twice should not hear that its components are in use, and by whom.
fn check_vacant(machine: &mut Machine<'_>, name: MetadeviceName) -> Result<(), Failure> {
    match requests::status(machine.admin, name) {
        Ok(_) => Err(explain::refusal::exists(&name.to_string())),
        Err(error) if error.is_no_such_unit() => Ok(()),
        Err(error) => Err(explain::request(&error, &Subject::unit(name))),
    }
}

/// Looks up the components, and sees that nobody uses them.
fn choose_devices(spec: &StripeSpec, host: &dyn Host) -> Result<Vec<DeviceChoice>, Failure> {
    let mut choices: Vec<DeviceChoice> = Vec::new();
    for path in spec.devices() {
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
        });
    }
    check_users(&choices, host)?;
    Ok(choices)
}

/// Sees that nobody uses the components.
fn check_users(choices: &[DeviceChoice], host: &dyn Host) -> Result<(), Failure> {
    let users = Users::read(host).map_err(|error| explain::device::unknown("", &error))?;
    for choice in choices {
        let usage = users
            .of(choice.dev)
            .map_err(|error| explain::device::unknown(&choice.path, &error))?;
        if let Some(usage) = usage {
            return Err(explain::device::in_use(&choice.path, &usage));
        }
    }
    Ok(())
}

/// Sees that the components carry nothing that somebody may want back, if that is of interest.
fn check_signatures(spec: &StripeSpec, manner: Manner, host: &dyn Host) -> Result<(), Failure> {
    if manner.force || spec.keep_data {
        return Ok(());
    }
    let is_own = |path: &&String| manner.from_md_tab && MetadeviceName::at_path(path).is_some();
    let may_keep = spec.devices().count() == 1;
    for path in spec.devices().filter(|path| !is_own(path)) {
        let signatures =
            signatures(host, path).map_err(|error| explain::device::may_carry(path, &error))?;
        if !signatures.is_empty() {
            let what = describe(&signatures);
            return Err(explain::device::carries(path, &what, may_keep));
        }
    }
    Ok(())
}

/// Why the kernel does not make a metadevice.
fn creation_failed(
    error: &RequestError,
    name: MetadeviceName,
    devices: &[DeviceChoice],
) -> Failure {
    let paths: Vec<_> = devices.iter().map(|device| device.path.clone()).collect();
    let subject = Subject {
        unit: Some(name),
        devices: &paths,
    };
    explain::request(error, &subject)
}
