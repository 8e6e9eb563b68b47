// SPDX-License-Identifier: GPL-2.0
//! Refusals that have to do with the state database.

use super::{
    Failure,
    Next, //
};
use crate::admin::requests::database::Replica;
use md_abi::admin::{
    Refusal,
    SECTOR_BYTES, //
};

/// What to do about a set that is read-only, for people.
pub const READ_ONLY: &str = "\
The set is read-only: too few of its voting replicas can be written, and what the others
have may be newer. When the disks that are missing or broken are back, type
    mdctl stop && mdctl start
If they are gone for ever, type this; changes that only they knew of are lost then:
    mdctl stop && mdctl start --give-up-missing
";

/// Why a request was refused that is about `subject`, a device or a metadevice. `a` and `b` are the
/// figures that belong to the refusal.
pub(super) fn refusal(refusal: Refusal, [a, b]: [u64; 2], subject: &str) -> Failure {
    let (reason, next) = words(refusal, a, b, subject);
    Failure::of(subject, reason, next)
}

/// The same, where voting replicas that do not answer have to be deleted first, which are these.
pub fn delete_first(failure: Failure, replicas: &[Replica]) -> Failure {
    if replicas.is_empty() {
        return failure;
    }
    let paths: Vec<_> = replicas.iter().map(|one| one.path.as_str()).collect();
    // Their devices may be gone, or others by now.
    let uuids: Vec<_> = replicas.iter().map(|one| one.uuid.to_string()).collect();
    Failure {
        reason: format!("{} ({})", failure.reason, paths.join(", ")),
        next: Next::Command(format!("metadb -d {}", uuids.join(" "))),
        ..failure
    }
}

fn words(refusal: Refusal, a: u64, b: u64, subject: &str) -> (String, String) {
    match refusal {
        Refusal::NoDatabase => (
            "there is no state database".into(),
            format!("metadb -a -f {}", device_or("DEVICE", subject)),
        ),
        Refusal::HeadTooSmall => (
            format!(
                "has replicas up to block {a}, and a component only room for them up to block {b}"
            ),
            format!("metadb -d {}", device_or("DEVICE", subject)),
        ),
        Refusal::UnitsInMemory => (
            format!(
                "{a} metadevices live in memory; clear them first, and make them again afterwards"
            ),
            "metastat -p".into(),
        ),
        Refusal::NoReplicaFound => ("no state database was found".into(), "mdctl scan".into()),
        Refusal::SeveralSets => (
            "there are state databases of several sets; name one by its uuid".into(),
            "mdctl scan".into(),
        ),
        Refusal::NoQuorum => (
            format!("{a} of {b} voting replicas are there, and what the others have may be newer"),
            "mdctl start --read-only".into(),
        ),
        Refusal::DatabaseIncomplete => (
            "the newest state is known, but no replica that was found has all of it".into(),
            "dmesg | grep 'state database'".into(),
        ),
        Refusal::DatabaseDamaged => (
            "the state database is damaged".into(),
            "dmesg | grep 'state database'".into(),
        ),
        other => about_replicas(other, a, b),
    }
}

/// What the list of replicas helps with.
fn about_replicas(refusal: Refusal, a: u64, b: u64) -> (String, String) {
    let metadb = "metadb -i".to_string();
    match refusal {
        Refusal::SetIsLoaded => ("a state database is in use already".into(), metadb),
        Refusal::SetIsStopped => (
            "the set is read-only: too few replicas of the state database can be written".into(),
            metadb,
        ),
        Refusal::DatabaseFull => (
            format!("the state database is full: {a} pages are needed, and {b} are free"),
            metadb,
        ),
        Refusal::BadReplicaCount => (
            format!("{a} replicas, and at most {b} are possible"),
            metadb,
        ),
        Refusal::BadReplicaSize => (
            format!(
                "replicas of {} KiB, and at least {} KiB are needed",
                kib(a),
                kib(b)
            ),
            metadb,
        ),
        Refusal::ReplicaExists => ("has a replica of this kind already".into(), metadb),
        Refusal::NoSuchReplica => ("has no replica of the state database".into(), metadb),
        Refusal::LastReplica => (
            "holds the last voting replica; add another one first (-f: go on without any)".into(),
            "metadb -a DEVICE".into(),
        ),
        Refusal::MembersCannotCount => (
            format!(
                "{a} of {b} voting replicas do not answer: the set would stop; delete those first"
            ),
            metadb,
        ),
        Refusal::TieBreakerMisplaced => (
            "a tie-breaker belongs on a disk without a voting replica".into(),
            metadb,
        ),
        Refusal::NoReservedHead => (
            "is part of a metadevice, and has no reserved head where a replica would go".into(),
            "metastat -p".into(),
        ),
        Refusal::SetIncomplete => (
            format!("{a} replicas and {b} components of the set are missing"),
            "mdctl start".into(),
        ),
        Refusal::NoIdentity => (
            "would not be found again after a reboot: it has no partition uuid, its disk has no \
             world-wide name, and --keep-data leaves no room for a label"
                .into(),
            "lsblk -o NAME,PARTUUID,WWN".into(),
        ),
        Refusal::SetIsOpen => (format!("d{a} is open"), format!("lsblk /dev/md/dsk/d{a}")),
        other => about_labels(other, a, b)
            .unwrap_or_else(|| (format!("was refused: {other:?}"), "dmesg | tail".into())),
    }
}

/// What a label, or one that is missing, has against a device: the reason, and the next command.
fn about_labels(refusal: Refusal, a: u64, b: u64) -> Option<(String, String)> {
    Some(match refusal {
        Refusal::ShownTwice => (
            format!(
                "is another path to {}:{}, which the set uses, or a copy of it",
                rustix::fs::major(a),
                rustix::fs::minor(a)
            ),
            "lsblk -o NAME,MAJ:MIN,WWN,SERIAL".into(),
        ),
        Refusal::LabelFailed => (
            format!("its label could not be read or written (error {a})"),
            "dmesg | tail".into(),
        ),
        Refusal::ComponentRecorded if b != 0 => (
            format!("belongs to d{a}, which is without it"),
            format!("metastat d{a}"),
        ),
        Refusal::ComponentRecorded => (
            format!("belongs to d{a}, which could not be made when the set was started"),
            "mdctl stop && mdctl start".into(),
        ),
        _ => return None,
    })
}

fn kib(sectors: u64) -> u64 {
    sectors.saturating_mul(SECTOR_BYTES) / 1024
}

/// The device that a message is about, if it is about one.
fn device_or<'a>(other: &'a str, subject: &'a str) -> &'a str {
    if subject.starts_with("/dev/md/") || !subject.starts_with('/') {
        other
    } else {
        subject
    }
}
