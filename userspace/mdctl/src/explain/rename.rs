// SPDX-License-Identifier: GPL-2.0
//! Refusals that have to do with names of metadevices, and with what pauses.

use super::Failure;
use crate::syntax::name::MetadeviceName;
use md_abi::admin::Refusal;

/// Why a metadevice does not get another name; `None` if the refusal is about something else.
pub(super) fn refusal(refusal: Refusal, [a, b]: [u64; 2], unit: &str) -> Option<Failure> {
    match refusal {
        Refusal::NewNameInUse => Some(Failure::of(
            format!("d{a}"),
            "exists already",
            format!("metastat d{a}"),
        )),
        Refusal::SoftKeepsName => Some(Failure::of(
            unit,
            "is a soft partition or changes places with one, and those keep their names",
            format!("metastat {unit}"),
        )),
        Refusal::NotRelated => Some(Failure::of(
            unit,
            "only a mirror and a submirror of it exchange their names",
            "metastat -c",
        )),
        Refusal::SpareStandsIn => Some(Failure::of(
            format!("d{a}"),
            format!("a hot spare stands for component {b}, or is about to go back"),
            format!("metastat d{a}"),
        )),
        Refusal::ResyncNotPaused => Some(Failure::of(
            unit,
            "its resync does not pause",
            format!("metastat {unit}"),
        )),
        _ => None,
    }
}

/// A metadevice that soft partitions are on: it keeps its name, and nobody has to clear these for
/// that.
pub fn is_base(name: MetadeviceName) -> Failure {
    let reason = "there are soft partitions on it, so it keeps its name";
    Failure::of(name.to_string(), reason, "metastat -c")
}
