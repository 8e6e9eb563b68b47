// SPDX-License-Identifier: GPL-2.0
//! What stands on a device agrees with what else stands there.

use crate::{
    damage::Damages,
    replica::GIVEN_UP, //
};
use md_model::database::page::PAGE_BYTES;
use md_report::dump::{
    Label,
    Member,
    Replica,
    Standing, //
};

/// Label and replicas are of one set; no replica is there twice; and the members that the replicas
/// name for this component are on it. With `only`, not all replicas are known.
pub(crate) fn check(
    label: Option<&Label>,
    replicas: &[Replica],
    only: Option<u32>,
    damages: &mut Damages,
) {
    for (index, replica) in replicas.iter().enumerate() {
        let Some(header) = &replica.header else {
            continue;
        };
        let what = format!("replica {}", replica.number);
        if let Some(label) = label.filter(|label| label.set != header.set) {
            let reason = format!("is of set {}, and the label of {}", header.set, label.set);
            damages.add(replica.page, what.clone(), reason);
        }
        let is_copy = |other: &&Replica| {
            let uuid = other.header.as_ref().map(|header| &header.uuid);
            uuid == Some(&header.uuid)
        };
        if let Some(other) = replicas.iter().take(index).find(is_copy) {
            let reason = format!("has the uuid of replica {}", other.number);
            damages.add(replica.page, what, reason);
        }
    }
    if let Some(label) = label.filter(|_| only.is_none()) {
        check_members(label, replicas, damages);
    }
}

/// Each member that is said to be on this component is there.
fn check_members(label: &Label, replicas: &[Replica], damages: &mut Damages) {
    let mut told: Vec<&str> = Vec::new();
    let roots = replicas.iter().flat_map(|replica| &replica.roots);
    let live = roots.filter(|root| root.standing == Standing::Live);
    let here = |member: &&Member| member.component.as_ref() == Some(&label.component);
    let members = live.flat_map(|root| &root.members).filter(here);
    for member in members.filter(|member| member.change != GIVEN_UP) {
        let is_it = |replica: &Replica| {
            let uuid = replica.header.as_ref().map(|header| &header.uuid);
            replica.offset == member.start && uuid == Some(&member.replica)
        };
        if !replicas.iter().any(is_it) && !told.contains(&member.replica.as_str()) {
            told.push(&member.replica);
            let page = member.start / PAGE_BYTES as u64;
            let what = format!("replica {}", member.replica);
            damages.add(page, what, "is a member on this component, and not there");
        }
    }
}
