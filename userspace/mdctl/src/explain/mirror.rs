// SPDX-License-Identifier: GPL-2.0
//! What mirrors cannot do before there is a resync, and what can be done today.

use super::{
    Failure,
    Next, //
};
use crate::{
    components::Carrier,
    syntax::{
        mirror::MirrorSpec,
        name::MetadeviceName,
        spec::Spec, //
    },
    unit::{
        Body,
        Mirror,
        Unit, //
    },
};
use md_report::State;

/// What is to be said of a mirror that is made over several submirrors at once (`svm.md` section
/// 4.2: they count as equal, and nothing makes them so); nothing if it has one.
pub fn unequal_sides(mirror: &MirrorSpec, check_only: bool) -> Option<String> {
    let [first, _, ..] = mirror.submirrors[..] else {
        return None;
    };
    let name = mirror.name;
    let sides: Vec<_> = mirror
        .submirrors
        .iter()
        .map(|side| side.to_string())
        .collect();
    let clear = if check_only {
        String::new()
    } else {
        format!("metaclear {name} && ")
    };
    let alone = Spec::Mirror(mirror.over(vec![first])).command();
    Some(format!(
        "{name}: no resync is done, so that {} may differ, and a read finds the data of any of \
         them. Go on only if they are known to be equal, or if what is on them does not matter. \
         Else begin with one, \"{clear}{alone}\"; metattach for the others is to come",
        sides.join(", ")
    ))
}

/// A submirror that carries something, beside others that may not. `alone` is the mirror over
/// this one only.
pub fn carries(carrier: &Carrier, alone: &Spec) -> Failure {
    let reason = format!(
        "carries {}, and no resync makes the other submirrors equal to it (-f if they are)",
        carrier.what
    );
    Failure::of(&carrier.path, reason, alone.command())
}

/// A metadevice of another kind that is asked for the options of a mirror.
pub fn not_a_mirror(name: &str) -> Failure {
    let reason = "is a concat or stripe, and only a mirror has these options";
    Failure::of(name, reason, format!("metastat {name}"))
}

/// A submirror that is to be attached.
pub fn no_attach(name: MetadeviceName) -> Failure {
    let reason = "is a mirror, and submirrors cannot be attached yet: that comes with resync";
    Failure::of(name.to_string(), reason, format!("metastat {name}"))
}

/// A component of a metadevice that is to be replaced.
pub fn no_replacement(unit: &Unit) -> Failure {
    let name = unit.name.to_string();
    match &unit.body {
        Body::Stripe(_) => {
            let next = format!("metastat {name}");
            Failure::of(
                name,
                "is a concat or stripe, and has no copy of its data",
                next,
            )
        }
        Body::Mirror(mirror) => {
            let (today, next) = without_replacement(unit, mirror);
            let reason =
                format!("components cannot be replaced yet: that comes with resync. {today}");
            Failure {
                next: Next::Command(next),
                ..Failure::of(name, reason, "")
            }
        }
    }
}

/// What can be done for a mirror today, and the command that does it.
fn without_replacement(unit: &Unit, mirror: &Mirror) -> (&'static str, String) {
    let healthy = mirror.names(|side| side.state == State::Okay);
    if healthy.len() == mirror.submirrors.len() {
        (
            "Nothing of it needs that",
            format!("metastat {}", unit.name),
        )
    } else if healthy.is_empty() {
        (
            "No submirror is whole: copy away what can still be read",
            format!("metastat {}", unit.name),
        )
    } else {
        let Unit { name, .. } = unit;
        let spec = MirrorSpec {
            name: *name,
            submirrors: healthy,
            options: mirror.options,
        };
        let again = Spec::Mirror(spec).command();
        (
            "Copy the data away, or make the mirror again without the side that needs it",
            format!("metaclear -f {name} && {again}"),
        )
    }
}
