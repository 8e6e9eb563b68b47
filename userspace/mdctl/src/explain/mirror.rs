// SPDX-License-Identifier: GPL-2.0
//! What goes wrong with mirrors: their submirrors, their components and their resync.

use super::{
    Failure,
    Next, //
};
use crate::{
    admin::requests::sides::Place,
    components::Carrier,
    syntax::{
        name::{
            typed_word,
            MetadeviceName, //
        },
        shell::quoted,
        size::Sectors,
        spec::Spec,
        uuid, //
    },
    unit::Resync,
};
use md_report::ResyncState;

/// A submirror that carries something, beside others that are said to be equal and may not be.
/// `alone` is the mirror over this one only.
pub fn carries(carrier: &Carrier, alone: &Spec) -> Failure {
    let reason = format!(
        "carries {}, and no resync makes the other submirrors equal to it (-f if they are)",
        carrier.what
    );
    Failure::of(&carrier.path, reason, alone.command())
}

/// A submirror or component that carries something, and is to be made equal to others.
pub fn overwritten(carrier: &Carrier) -> Failure {
    let reason = format!("carries {}, which the resync would overwrite", carrier.what);
    Failure {
        next: Next::SameWithForce,
        ..Failure::of(&carrier.path, reason, "")
    }
}

/// A metadevice of another kind that is taken for a mirror.
pub fn not_a_mirror(name: &str) -> Failure {
    let reason = "is not a mirror";
    Failure::of(name, reason, format!("metastat {name}"))
}

/// Not exactly one submirror that is to be attached.
pub fn one_at_a_time(name: MetadeviceName) -> Failure {
    let reason = "is a mirror, to which one submirror is attached at a time, without -i";
    Failure::of(name.to_string(), reason, "metattach --help")
}

/// A word that means no component of a mirror.
pub fn no_component(mirror: MetadeviceName, word: &str, places: &[Place]) -> Failure {
    let reason = format!("is no component of {mirror}, which has {}", list(places));
    Failure::of(word, reason, format!("metastat {mirror}"))
}

/// A word that means several components of a mirror.
pub fn several(mirror: MetadeviceName, word: &str, places: &[Place]) -> Failure {
    let list = list(places);
    let reason = format!("is more than one component of {mirror}, which has {list}");
    Failure::of(word, reason, format!("metastat {mirror}"))
}

/// Components, each with its submirror.
fn list(places: &[Place]) -> String {
    let place = |place: &Place| format!("{} ({})", typed_word(&place.device), place.submirror);
    places.iter().map(place).collect::<Vec<_>>().join(", ")
}

/// A component that is to be used again, and whose device is not there; `known` is by what it is
/// known.
pub fn still_missing(mirror: MetadeviceName, known: &str) -> Failure {
    // By its label it can be told from others; by anything else only when the set is started.
    let is_labelled = uuid(known).is_some();
    let back = match is_labelled {
        true => format!("'metareplace -e {mirror} <device>'"),
        false => "stop and start it".to_string(),
    };
    let reason = format!(
        "is missing since the set was started: {back} when its device is back, or replace it"
    );
    let next = format!("metareplace {mirror} {} <new device>", quoted(known));
    Failure::of(known, reason, next)
}

/// The resync of a metadevice of a size, which was waited for, and stands still; `stuck` says why
/// if nobody has cancelled it.
pub fn unfinished(name: MetadeviceName, size: Sectors, resync: &Resync, stuck: &str) -> Failure {
    let percent = resync.percent(size);
    let reason = match resync.state {
        ResyncState::Running | ResyncState::Waiting | ResyncState::Stuck => {
            format!("its resync stands still, {percent} % done: {stuck}")
        }
        ResyncState::Cancelled => format!("its resync was cancelled, {percent} % done"),
        ResyncState::Paused => format!("its resync pauses, {percent} % done"),
        ResyncState::LeftOut => "its resync is not started, since it has pass 0".to_string(),
    };
    let next = match resync.state {
        ResyncState::Running | ResyncState::Waiting | ResyncState::Stuck => {
            format!("metastat {name}")
        }
        ResyncState::Cancelled | ResyncState::Paused | ResyncState::LeftOut => {
            format!("metasync -w {name}")
        }
    };
    Failure::of(name.to_string(), reason, next)
}

/// Why a resync stands still that nobody has cancelled.
pub const STUCK: &str = "a block can be read from no submirror, or the set is read-only";
