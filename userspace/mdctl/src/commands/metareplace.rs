// SPDX-License-Identifier: GPL-2.0
//! `metareplace`

use crate::{
    admin::requests::{
        sides::{
            replace,
            Place,
            Replacing, //
        },
        DeviceChoice,
        RequestError, //
    },
    components,
    discover::{
        Holder,
        Host,
        Relation,
        User, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    parts,
    syntax::name::{
        component_path,
        missing,
        MetadeviceName, //
    },
    waiting::wait,
    Machine,
};
use clap::Parser;
use md_abi::admin::Refusal;

/// Name of the command, as it stands in messages.
const COMMAND: &str = "metareplace";

/// Replace a component of a mirror or RAID5 metadevice, or use it again.
///
/// The new component is resynced from the other submirrors, or made of the other components of
/// RAID5; the metadevice may be in use. A component that is the last one with some data comes after
/// all others: as long as no other submirror has that data it is not replaced, with -f neither. Its
/// name is that in "metastat", or what stands there behind "Invoke:".
///
/// Other than in SVM a mirror may be being resynced meanwhile: then one resync does both. It is
/// refused while nobody knows which submirror is right, which is until the end of the resync after
/// a crash.
#[derive(Debug, Parser)]
#[command(
    name = COMMAND,
    verbatim_doc_comment,
    override_usage = "metareplace [-f] [-n] [-w] MIRROR OLD NEW
       metareplace -e [-f] [-n] [-w] MIRROR COMPONENT"
)]
pub struct Arguments {
    /// Use the device again that the component has: it is repaired, or was not to blame
    #[arg(short = 'e', conflicts_with = "new")]
    enable: bool,

    /// Also before the resync after a crash has ended; also with a new one that carries a file
    /// system or the like, but not one in use
    #[arg(short = 'f')]
    force: bool,

    /// Check only, change nothing
    #[arg(short = 'n')]
    check_only: bool,

    /// Wait until it is resynced
    #[arg(short = 'w', long = "wait")]
    wait: bool,

    /// The mirror or RAID5 metadevice, such as d10
    #[arg(value_name = "MIRROR")]
    name: String,

    /// The component, as metastat shows it; one that was missing also by its device
    #[arg(value_name = "OLD")]
    old: String,

    /// A disk, partition or metadevice that nobody uses
    #[arg(value_name = "NEW", required_unless_present = "enable")]
    new: Option<String>,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let name = explain::name(COMMAND, &arguments.name)?;
    let mirror = super::read(machine, name)?;
    let place = parts::find(machine, &mirror, &arguments.old)?;
    let new = arguments.device(name, &place, machine.host)?;
    let failed = |error| failed(&error, name, &place, &new.path);
    let how = |check_only| Replacing {
        // One that was missing is back as another device, and lacks everything.
        enable: arguments.enable && missing(&place.device).is_none(),
        check_only,
        force: arguments.force,
        returns: false,
    };
    // What the kernel has against it goes before what only the tool has: after that, -f is enough.
    replace(machine.admin, name, &place, &new, how(true)).map_err(failed)?;
    if !arguments.enable && !arguments.force {
        check_signatures(&new.path, machine)?;
    }
    let done = format!("{name}: {}", arguments.done());
    if arguments.check_only {
        answer.line(&done);
        answer.document.checked = Some(vec![name.to_string()]);
        return Ok(());
    }
    replace(machine.admin, name, &place, &new, how(false)).map_err(failed)?;
    answer.has_changed = true;
    answer.line(&done);
    answer.show(machine, &[name])?;
    if arguments.wait {
        wait(machine, &[name], answer)?;
    }
    Ok(())
}

impl Arguments {
    /// The device to use from now on.
    fn device(
        &self,
        mirror: MetadeviceName,
        place: &Place,
        host: &dyn Host,
    ) -> Result<DeviceChoice, Failure> {
        let device = match &self.new {
            Some(word) => {
                let path = component_path(word);
                let path = path.map_err(|reason| explain::word(COMMAND, word, reason))?;
                components::choose(&[path], host)?
            }
            None => own_device(mirror, place, &self.old, host)?,
        };
        device
            .into_iter()
            .next()
            .ok_or_else(|| explain::line(COMMAND, "names no device".to_string()))
    }

    /// What is done, in SVM's words.
    fn done(&self) -> String {
        let be = if self.check_only { "would be" } else { "is" };
        let old = &self.old;
        match &self.new {
            Some(new) => format!("device {old} {be} replaced with {new}"),
            None => format!("device {old} {be} enabled"),
        }
    }
}

/// The device that has a component's path now, or `word`, if that is a device with its label. That
/// its own submirror holds it is no use by others.
fn own_device(
    mirror: MetadeviceName,
    place: &Place,
    word: &str,
    host: &dyn Host,
) -> Result<Vec<DeviceChoice>, Failure> {
    if let Some(known) = missing(&place.device) {
        let back = parts::returned(host, place, word);
        let still = || explain::mirror::still_missing(mirror, known);
        return components::choose(&[back.ok_or_else(still)?], host);
    }
    let choices = components::look_up(std::slice::from_ref(&place.device), host)?;
    let own = User::Holder(Holder::Metadevice(place.submirror.to_string()));
    match components::find_usage(&choices, host)? {
        Some(used) if used.usage.by != own || used.usage.relation != Relation::Same => {
            Err(explain::device::in_use(&used.device_asked, &used.usage))
        }
        _ => Ok(choices),
    }
}

/// Sees that the new component carries nothing that somebody may want back.
fn check_signatures(path: &String, machine: &mut Machine<'_>) -> Result<(), Failure> {
    match components::find_carrier([path], machine)? {
        None => Ok(()),
        Some(carrier) => Err(explain::mirror::overwritten(&carrier)),
    }
}

/// Why the kernel does not replace a component: for one that it has, or for the new one.
fn failed(error: &RequestError, mirror: MetadeviceName, place: &Place, new: &str) -> Failure {
    let part = match error.refusal() {
        Some(Refusal::SideOffline | Refusal::NotASubmirror | Refusal::NoOtherSource) => {
            place.submirror.to_string()
        }
        Some(
            Refusal::NoSuchComponent
            | Refusal::ComponentInService
            | Refusal::ReplaceOthersFirst
            | Refusal::ReplaceErredFirst
            | Refusal::NotRedundant,
        ) => place.device.clone(),
        _ => new.to_string(),
    };
    explain::request(error, &Subject::part(mirror, &[part]))
}
