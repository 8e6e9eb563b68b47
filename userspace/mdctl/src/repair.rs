// SPDX-License-Identifier: GPL-2.0
//! What to type when a metadevice, or a part of it, is out of service.

use crate::{
    family::Family,
    syntax::name::{
        component_word,
        MetadeviceName, //
    },
    unit::{
        Component,
        Unit, //
    },
};
use md_report::State;
use std::collections::BTreeMap;

/// A command that brings a metadevice back into service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Repair {
    /// What has to happen before.
    pub after: Option<&'static str>,
    /// The command.
    pub command: String,
}

/// What has to happen before a device that was removed can be used again.
const DEVICE_IS_BACK: &str = "after the missing device is back:";

/// What has to happen before the last copy of something is replaced (`svm.md` section 10.1).
const OTHERS_ARE_REPLACED: &str = "after replacing \"Maintenance\" components:";

/// What brings `unit` back, if it is not in service. `units` are all metadevices.
pub fn repair(
    unit: &Unit,
    units: &BTreeMap<MetadeviceName, Unit>,
    family: &Family,
) -> Option<Repair> {
    let top = family.top_of(unit.name);
    if unit.state == State::Okay {
        None
    } else if family.is_mirror(top) {
        replacement(unit, top)
    } else {
        Some(Repair {
            after: (unit.state == State::Unavailable).then_some(DEVICE_IS_BACK),
            command: remaking(top, units, family),
        })
    }
}

/// The replacement of a component below a mirror: of the first one that is out of service, unless
/// there is none and one must come last (`svm.md` section 10.1). A mirror itself has none: its
/// submirrors say what is to be done.
fn replacement(unit: &Unit, mirror: MetadeviceName) -> Option<Repair> {
    let first = |state| {
        unit.components()
            .find(|part: &&Component| part.state == state)
    };
    let word = |part: &Component| component_word(&part.device);
    if unit.is_mirror() {
        return None;
    }
    if let Some(part) = first(State::Maintenance) {
        return Some(Repair {
            after: None,
            command: format!("metareplace {mirror} {} <new device>", word(part)),
        });
    }
    if let Some(part) = first(State::LastErred) {
        return Some(Repair {
            after: Some(OTHERS_ARE_REPLACED),
            command: format!("metareplace {mirror} {} <new device>", word(part)),
        });
    }
    first(State::Unavailable).map(|part| Repair {
        after: Some(DEVICE_IS_BACK),
        command: format!("metareplace -e {mirror} {}", word(part)),
    })
}

/// The commands that make everything up to the top anew.
///
/// A stripe has no copy of what was on its device, so that there is nothing to be done before that
/// is back. Then it is a new one to the kernel: whatever stands above it has to be made anew, over
/// the same components, with the data that is on them.
fn remaking(
    top: MetadeviceName,
    units: &BTreeMap<MetadeviceName, Unit>,
    family: &Family,
) -> String {
    let tree = family.places(&[top]);
    let recursive = if tree.len() > 1 { " -r" } else { "" };
    let mut commands = vec![format!("metaclear{recursive} {top}")];
    let units = tree.iter().rev().filter_map(|place| units.get(&place.name));
    commands.extend(units.map(|unit| unit.specification().command()));
    commands.join(" && ")
}
