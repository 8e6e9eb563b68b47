// SPDX-License-Identifier: GPL-2.0
//! What is wrong with disks that several hosts can reach.

use super::Failure;
use md_abi::admin::Refusal;

/// Why an operation was refused; `None` for what has to do with something else.
pub(super) fn refusal(refusal: Refusal, values: [u64; 2], disk: &str) -> Option<Failure> {
    let status = format!("mdctl mhd status {disk}");
    Some(match refusal {
        Refusal::NoMultihost => Failure::of(
            disk,
            "md_failfast, the module for disks of several hosts, could not be loaded",
            "modprobe md_failfast",
        ),
        Refusal::ReservationConflict => Failure::of(
            disk,
            "another host has it, or has another key (reservation conflict)",
            status,
        ),
        Refusal::NoReservations => {
            Failure::of(disk, "has no command for that, or not that kind", status)
        }
        Refusal::ReservationsMixed => Failure::of(
            disk,
            "is owned by this host alone, or has a key for several, which exclude each other",
            status,
        ),
        Refusal::ReservationFailed => Failure::of(
            disk,
            "has not carried out a command, and does not say that another host has it",
            "dmesg | tail",
        ),
        Refusal::BadMultihost => Failure::of(
            disk,
            "a time, key, kind or action is not possible",
            "mdctl mhd --help",
        ),
        Refusal::TooManyWatched => Failure::of(
            disk,
            format!("{} disks are known, and there cannot be more", values[0]),
            "mdctl mhd release DISK",
        ),
        _ => return None,
    })
}
