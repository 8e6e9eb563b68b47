// SPDX-License-Identifier: GPL-2.0
//! Disks that several hosts can reach, as text.

use md_report::{
    Access,
    Lost,
    MultihostDisk,
    Way, //
};

/// A disk, in a paragraph.
pub fn paragraph(disk: &MultihostDisk) -> String {
    let mut text = format!("{}:\n", disk.device);
    let mut line = |what: &str, value: &str| text += &format!("    {what}: {value}\n");
    line("Access", access(disk));
    line("Owned", owned(disk));
    match &disk.reservation {
        Some(held) => line("Reservation", &format!("{} by {}", held.kind, held.key)),
        None => line("Reservation", "none that is persistent"),
    }
    line("Failfast", &failfast(disk));
    line("When lost", &disk.action);
    if disk.recorded {
        line("Kept", "in the state database, for each start of the set");
    }
    for (is_so, what) in [
        (disk.fenced, "fenced: metadevices on it fail"),
        (disk.stalled, "a probe is not answered"),
        (disk.gone, "the disk is gone"),
        (
            disk.reinstating,
            "the reservation is to be put back after a reset",
        ),
    ] {
        if is_so {
            line("State", what);
        }
    }
    line("Probes", &probes(disk));
    text
}

fn access(disk: &MultihostDisk) -> &'static str {
    match (disk.access, disk.lost) {
        (_, Some(Lost::Probe)) => "lost, found by a probe",
        (_, Some(Lost::Io)) => "lost, found by a read or write that was refused",
        (Some(Access::Yes), None) => "yes",
        (Some(Access::No), None) => "no, another host has the disk",
        (Some(Access::Unknown) | None, None) => "unknown, the disk does not say",
    }
}

fn owned(disk: &MultihostDisk) -> &'static str {
    match (disk.owned, disk.way) {
        (false, _) if disk.registered => "no, but a key is registered",
        (false, _) => "no",
        (true, Some(Way::Persistent)) => "yes, by a persistent reservation",
        (true, _) => "yes, by RESERVE",
    }
}

fn failfast(disk: &MultihostDisk) -> String {
    match (disk.failfast_ms, disk.expected) {
        (0, _) => "off".to_string(),
        (ms, true) => format!("every {ms} ms"),
        (ms, false) => format!("every {ms} ms, and access is not expected yet"),
    }
}

fn probes(disk: &MultihostDisk) -> String {
    let last = match disk.good_ms {
        Some(ms) => format!("access last seen {ms} ms ago"),
        None => "access not seen yet".to_string(),
    };
    format!(
        "{}, {} without an answer, {} conflicts, {} resets; {last}",
        disk.probes, disk.silent, disk.conflicts, disk.resets
    )
}
