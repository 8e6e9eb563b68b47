// SPDX-License-Identifier: GPL-2.0
//! Refusals that have to do with RAID5.

use super::Failure;
use crate::syntax::name::MetadeviceName;
use md_abi::admin::Refusal;

/// Why a request about a RAID5 metadevice, or a column of it, was refused. `index` is the number of
/// the column that the refusal names.
pub(super) fn refusal(
    refusal: Refusal,
    [a, b]: [u64; 2],
    unit: &str,
    part: &str,
    index: usize,
) -> Option<Failure> {
    let metastat = || format!("metastat {unit}");
    let failure = match refusal {
        Refusal::NotARaid => Failure::of(unit, "is not a RAID5 metadevice", metastat()),
        Refusal::BadColumnCount => Failure::of(
            unit,
            format!("would have {a} columns, and 3 to {b} are possible"),
            "metainit --help",
        ),
        Refusal::ComponentIsRaid => Failure::of(
            part,
            "is a RAID5 metadevice, or on one, and only soft partitions are made of these",
            "metastat -c",
        ),
        Refusal::ColumnIsMetadevice => Failure::of(
            part,
            "is a metadevice, and a column of RAID5 is a disk or partition",
            "lsblk",
        ),
        Refusal::RaidNeedsDatabase => Failure::of(
            part,
            format!("holds the last voting replica, without which RAID5, such as d{a}, cannot be"),
            format!("metastat d{a}"),
        ),
        Refusal::RaidIsMade => Failure::of(
            unit,
            "its parity, or another component, is being made",
            metastat(),
        ),
        Refusal::ReplaceErredFirst => Failure::of(
            part,
            format!("component {index} of {unit}, which needs maintenance, comes first"),
            metastat(),
        ),
        Refusal::NotRedundant => Failure::of(
            part,
            format!("holds data that the other components of {unit} do not make up for"),
            metastat(),
        ),
        Refusal::ZeroingFailed => Failure::of(
            part,
            format!("could not be filled with zeroes, and is not attached (error {a})"),
            "dmesg | tail",
        ),
        Refusal::AttachInterrupted => Failure::of(
            unit,
            "is as it was: metattach was interrupted before all of it was filled with zeroes",
            metastat(),
        ),
        _ => return None,
    };
    Some(failure)
}

/// Why what is made of RAID5 stands still that nobody has cancelled.
pub const STUCK: &str = "a block of another component cannot be read, or the set is read-only";

/// An option of a mirror that is given for RAID5.
pub fn no_mirror_options(name: MetadeviceName) -> Failure {
    let reason = "is a RAID5 metadevice, which has no read or write policy, and no pass";
    Failure::of(name.to_string(), reason, format!("metastat {name}"))
}

/// Columns that are to be attached with an interlace of their own.
pub fn has_one_interlace(name: MetadeviceName) -> Failure {
    let reason = "is a RAID5 metadevice, which has one interlace: attach without -i";
    Failure::of(name.to_string(), reason, "metattach --help")
}
