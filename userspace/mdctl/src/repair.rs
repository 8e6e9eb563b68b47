// SPDX-License-Identifier: GPL-2.0
//! What to type when a metadevice, or a part of it, is out of service.

use crate::{
    family::Family,
    syntax::{
        self,
        name::{
            missing,
            typed_word,
            MetadeviceName, //
        }, //
    },
    unit::{
        Component,
        Unit, //
    },
};
use md_report::{
    ResyncState,
    State, //
};
use std::collections::BTreeMap;

/// More levels than metadevices can be nested in: a kernel that is out of its mind may tell of
/// more.
const LEVELS: usize = 64;

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

/// What has to happen before a last copy is replaced that others are to get while they are away.
const OTHERS_ARE_BACK: &str = "after repairing \"Unavailable\" submirrors:";

/// What has to happen before a last copy can be copied to the end.
const DEVICE_IS_READ: &str = "after the device can be read again:";

/// What brings `unit` back, if it is not in service. `units` are all metadevices. `may_return`: a
/// device that is back may be known by its label, and was not looked for yet.
pub fn repair(
    unit: &Unit,
    units: &BTreeMap<MetadeviceName, Unit>,
    family: &Family,
    may_return: bool,
) -> Option<Repair> {
    let top = family.top_of(unit.name);
    if unit.state == State::Okay {
        None
    } else if unit.raid().is_some() {
        of_raid(unit)
    } else if family.is_mirror(top) {
        below_mirror(unit, units.get(&top)?, family, may_return)
    } else {
        Some(Repair {
            after: (unit.state == State::Unavailable).then_some(DEVICE_IS_BACK),
            command: remaking(top, units, family),
        })
    }
}

/// What is to be done about a column of RAID5, in SVM's order (`svm.md` section 10.1): first the
/// one that is out of service, then those that fail and were the last ones with their data.
fn of_raid(unit: &Unit) -> Option<Repair> {
    // What is to go on has a line of its own.
    if unit.resync().is_some() && unit.state == State::Resyncing {
        return None;
    }
    let first = |state| {
        unit.components()
            .find(|part: &&Component| part.state == state)
    };
    let replace = |part: &Component| {
        format!(
            "metareplace {} {} <new device>",
            unit.name,
            typed_word(&part.device)
        )
    };
    if let Some(part) = first(State::Maintenance) {
        return Some(Repair::now(replace(part)));
    }
    if let Some(part) = first(State::LastErred) {
        return Some(Repair {
            after: Some(OTHERS_ARE_REPLACED),
            command: replace(part),
        });
    }
    let part = first(State::Unavailable)?;
    if missing(&part.device).is_some() {
        return Some(Repair::now(replace(part)));
    }
    Some(Repair {
        after: Some(DEVICE_IS_BACK),
        command: format!("metareplace -e {} {}", unit.name, typed_word(&part.device)),
    })
}

/// What is to be done about a submirror, or a metadevice below one, in SVM's order (`svm.md`
/// section 10.1). A mirror itself has nothing of the kind: its submirrors say what is to be done.
fn below_mirror(unit: &Unit, mirror: &Unit, family: &Family, may_return: bool) -> Option<Repair> {
    let name = mirror.name;
    match mirror.resync().map(|resync| resync.state) {
        _ if unit.is_mirror() => return None,
        Some(ResyncState::Running | ResyncState::Waiting) => return None,
        Some(ResyncState::Cancelled | ResyncState::Paused | ResyncState::LeftOut) => {
            return Some(Repair::now(format!("metasync {name}")));
        }
        Some(ResyncState::Stuck) | None => {}
    }
    let replacement = replacement(unit, mirror, family, may_return);
    replacement.or_else(|| match unit.state {
        State::NeedsResync => Some(Repair::now(format!("metasync {name}"))),
        State::Offline => Some(Repair::now(format!("metaonline {name} {}", unit.name))),
        _ => None,
    })
}

/// The replacement of a component below a mirror: of the first one that is out of service, unless
/// there is none and one must come last. What is replaced is a component of a submirror; of one
/// that is a metadevice it is all of that.
fn replacement(unit: &Unit, mirror: &Unit, family: &Family, may_return: bool) -> Option<Repair> {
    let name = mirror.name;
    let first = |state| {
        unit.components()
            .find(|part: &&Component| part.state == state)
    };
    let word = |part: &Component| match below_submirror(unit.name, family) {
        Some(component) => component.to_string(),
        None => typed_word(&part.device),
    };
    let replace = |part| format!("metareplace {name} {} <new device>", word(part));
    if let Some(part) = first(State::Maintenance) {
        return Some(Repair::now(replace(part)));
    }
    if let Some(part) = first(State::LastErred) {
        let side = side_of(unit.name, family);
        return Some(of_last_copy(side, mirror, replace(part)));
    }
    let part = first(State::Unavailable)?;
    if may_return && may_be_labelled(&part.device) && family.parent(unit.name) == Some(name) {
        return Some(Repair {
            after: Some(DEVICE_IS_BACK),
            command: format!("metastat -i {name}"),
        });
    }
    if missing(&part.device).is_some() {
        return Some(Repair::now(replace(part)));
    }
    Some(Repair {
        after: Some(DEVICE_IS_BACK),
        command: format!("metareplace -e {name} {}", word(part)),
    })
}

/// What is to be done about the last copy of something, on `side`. It is not replaced before
/// another submirror has what it has: which one can get it, and how?
fn of_last_copy(side: Option<MetadeviceName>, mirror: &Unit, replace: String) -> Repair {
    let name = mirror.name;
    let other = |states: &[State]| {
        let is_other = |part: &&Component| MetadeviceName::at_path(&part.device) != side;
        let mut others = mirror.components().filter(is_other);
        others.find(|other| states.contains(&other.state))
    };
    if other(&[State::Maintenance, State::NeedsMaintenance]).is_some() {
        return Repair {
            after: Some(OTHERS_ARE_REPLACED),
            command: replace,
        };
    }
    if other(&[State::Unavailable]).is_some() {
        return Repair {
            after: Some(OTHERS_ARE_BACK),
            command: replace,
        };
    }
    if let Some(offline) = other(&[State::Offline]) {
        let offline = typed_word(&offline.device);
        return Repair::now(format!("metaonline {name} {offline}"));
    }
    if other(&[State::NeedsResync]).is_some() {
        return Repair {
            after: Some(DEVICE_IS_READ),
            command: format!("metasync {name}"),
        };
    }
    Repair::now(format!("metattach {name} <new submirror>"))
}

/// The submirror that a metadevice is, or is below.
fn side_of(name: MetadeviceName, family: &Family) -> Option<MetadeviceName> {
    let mut side = name;
    for _ in 0..LEVELS {
        let parent = family.parent(side)?;
        if family.is_mirror(parent) {
            return Some(side);
        }
        side = parent;
    }
    None
}

/// Whether a component may have a label. What is missing is called by its uuid then.
fn may_be_labelled(device: &str) -> bool {
    missing(device).is_none_or(|known| syntax::uuid(known).is_some())
}

/// The component of a submirror that a metadevice is, or is part of; `None` if it is the submirror.
fn below_submirror(name: MetadeviceName, family: &Family) -> Option<MetadeviceName> {
    let mut below = name;
    for _ in 0..LEVELS {
        let parent = family.parent(below)?;
        let above = family.parent(parent)?;
        if family.is_mirror(above) {
            return Some(below);
        }
        below = parent;
    }
    None
}

impl Repair {
    /// A command before which nothing has to happen.
    fn now(command: String) -> Self {
        Repair {
            after: None,
            command,
        }
    }
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
