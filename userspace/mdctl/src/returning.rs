// SPDX-License-Identifier: GPL-2.0
//! Components of mirrors that are in service, but whose devices are not there ("Unavailable"). A
//! device that is back is known by its label, and given to its component, which has missed nothing
//! as long as it is in service.

use crate::{
    admin::requests::{
        database::database,
        sides::{
            take_back,
            Place, //
        },
        DeviceChoice, //
    },
    discover::members::{
        scan,
        Found, //
    },
    explain::{
        self,
        Failure,
        Subject, //
    },
    family::Family,
    syntax::{
        self,
        name::{
            missing,
            MetadeviceName, //
        },
    },
    unit::{
        Component,
        Unit, //
    },
    Machine,
};
use md_report::State;

/// Gives devices that are back to the components of these metadevices that wait for them. What the
/// kernel has against one is no error: its component is still shown as it is.
pub fn take_all_back<'a>(
    units: impl Iterator<Item = &'a Unit>,
    family: &Family,
    machine: &mut Machine<'_>,
) -> Result<(), Failure> {
    let waiting: Vec<_> = units.flat_map(|unit| waiting(unit, family)).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let running = database(machine.admin);
    let running = running.map_err(|error| explain::request(&error, &Subject::none()))?;
    let Some(running) = running else {
        return Ok(());
    };
    let mut found = scan(machine.host).map_err(|error| explain::device::unknown("", &error))?;
    found.retain(|found| found.set == running.set);
    for (mirror, place) in &waiting {
        for found in found.iter().filter(|found| may_be(found, &place.device)) {
            let device = DeviceChoice {
                path: found.member.path.clone(),
                dev: found.member.dev,
                hints: found.member.hints,
            };
            if take_back(machine.admin, *mirror, place, &device).is_ok() {
                break;
            }
        }
    }
    Ok(())
}

/// The components of a submirror that wait for their devices, and its mirror.
fn waiting(unit: &Unit, family: &Family) -> Vec<(MetadeviceName, Place)> {
    let Some(mirror) = unit.parent.filter(|parent| family.is_mirror(*parent)) else {
        return Vec::new();
    };
    let parts = unit.components().enumerate();
    let waits = |(_, part): &(usize, &Component)| part.state == State::Unavailable;
    let place = |(index, part): (usize, &Component)| Place {
        submirror: unit.name,
        index,
        device: part.device.clone(),
    };
    let places = parts.filter(waits).map(place);
    places.map(|place| (mirror, place)).collect()
}

/// Whether what was found on a device may be the component that the kernel calls like this. It
/// calls it by its uuid, or by the path that it had, and knows the uuid itself.
fn may_be(found: &Found, device: &str) -> bool {
    match (found.component, missing(device)) {
        (Some(own), Some(known)) => syntax::uuid(known) == Some(own),
        (Some(_), None) => true,
        (None, _) => false,
    }
}
