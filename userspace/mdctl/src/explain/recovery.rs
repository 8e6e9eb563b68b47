// SPDX-License-Identifier: GPL-2.0
//! What keeps the metadevices of a lost set from being made again.

use super::Failure;
use crate::{
    recovery::plan::Missing,
    syntax::{
        name::MetadeviceName,
        size::Sectors, //
    },
};

/// The command.
const AGAIN: &str = "metarecover --all";

/// A mirror whose good side nobody has chosen.
pub fn waits(name: MetadeviceName, sides: &[MetadeviceName]) -> Failure {
    let words: Vec<_> = sides.iter().map(ToString::to_string).collect();
    let first = words.first().map_or("", String::as_str);
    let reason = format!(
        "waits: nobody knows which of its submirrors {} is the good one",
        words.join(", ")
    );
    Failure::of(name.to_string(), reason, format!("{AGAIN} --good {first}"))
}

/// A kind of metadevice that is not made again.
pub fn not_made_again(name: MetadeviceName, kind: &str) -> Failure {
    let reason = format!(
        "is a {kind}, which is not made again: what shares a device with it waits until you have"
    );
    Failure::of(name.to_string(), reason, "metainit --help")
}

/// Who is said to be good, and is a side of no mirror of the set.
pub fn no_side(name: MetadeviceName) -> Failure {
    let reason = "is a submirror of no mirror that the labels tell of";
    Failure::of(name.to_string(), reason, format!("{AGAIN} -n"))
}

/// A metadevice about which labels do not agree.
pub fn disputed(name: MetadeviceName, [one, other]: &[String; 2]) -> Failure {
    let reason = format!(
        "the labels of {one} and {other} say different things of it: name the devices that are to \
         be believed"
    );
    Failure::of(name.to_string(), reason, format!("mdctl dump {one}"))
}

/// A stripe or concat without one of its components.
pub fn missing(name: MetadeviceName, missing: &Missing) -> Failure {
    let uuid = missing.uuid.as_deref().unwrap_or("without a label");
    let number = missing.component;
    let reason = format!("its component {number} ({uuid}) is not there");
    Failure::of(name.to_string(), reason, "mdctl scan")
}

/// A metadevice without something that it is made of.
pub fn without_part(name: MetadeviceName, part: MetadeviceName) -> Failure {
    let reason = format!("is made of {part}, which is not there");
    Failure::of(name.to_string(), reason, format!("metastat {part}"))
}

/// A metadevice that would not be what it was.
pub fn other_size(name: MetadeviceName, size: Sectors, before: Sectors) -> Failure {
    let reason = format!("would have {} blocks, and had {}", size.0, before.0);
    Failure::of(name.to_string(), reason, "lsblk -d -o NAME,SIZE")
}

/// Something is not there yet.
pub fn unfinished(count: usize) -> Failure {
    let reason = match count {
        1 => "1 thing keeps it from being complete".to_string(),
        count => format!("{count} things keep it from being complete"),
    };
    Failure::of("the set", reason, format!("{AGAIN} -n"))
}

/// No labels of a lost set.
pub fn nothing() -> Failure {
    let reason = "no device has a label of a set that is not started";
    Failure::of("the set", reason, "mdctl scan")
}

/// Labels of several sets.
pub fn several(sets: &[String]) -> Failure {
    let reason = format!("there are labels of several sets: {}", sets.join(", "));
    let first = sets
        .first()
        .map_or("", |set| set.split(' ').next().unwrap_or(""));
    Failure::of("the set", reason, format!("{AGAIN} --set {first}"))
}

/// A set that may not be lost.
pub fn has_replica(path: &str) -> Failure {
    let reason = "has a replica of the set, which is not lost then (-f: it cannot be used)";
    Failure::of(path, reason, "mdctl start")
}
