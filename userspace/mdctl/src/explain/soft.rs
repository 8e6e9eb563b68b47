// SPDX-License-Identifier: GPL-2.0
//! What is wrong with soft partitions and their bases.

use super::{
    database,
    Failure, //
};
use crate::syntax::{
    name::{
        component_word,
        MetadeviceName, //
    },
    size::Sectors,
};
use md_abi::admin::Refusal;

/// Why a request about a soft partition, or its base, was refused.
pub(super) fn refusal(refusal: Refusal, values: [u64; 2], unit: &str, base: &str) -> Failure {
    let [a, b] = values;
    let word = component_word(base);
    let about_base = |reason: String, next: String| Failure::of(&word, reason, next);
    let metastat = || format!("metastat {unit}");
    match refusal {
        Refusal::NotASoftPartition => Failure::of(unit, "is not a soft partition", metastat()),
        Refusal::BaseIsSoft => about_base(
            "cannot stand on another soft partition".into(),
            "metastat -c".into(),
        ),
        Refusal::UnknownWatermarks => about_base(
            format!(
                "has a soft partition d{a} that there is no record of (-f: it is lost; to keep it:)"
            ),
            format!("metarecover {word} -p -d"),
        ),
        Refusal::WatermarksDiffer => about_base(
            format!("its watermark at block {a} is not the one that was read before"),
            format!("metarecover {word} -p"),
        ),
        Refusal::SoftIsPending => Failure::of(
            format!("d{a}"),
            "a change of it was not brought to its end",
            format!("metastat d{a}"),
        ),
        Refusal::NotSmaller => Failure::of(
            unit,
            format!("has {a} blocks, and cannot shrink to {b}"),
            metastat(),
        ),
        Refusal::ComponentOnMirror => about_base(
            "is a soft partition on a mirror, and nothing is made of those".into(),
            "metastat -c".into(),
        ),
        Refusal::UnitIsBase => Failure::of(
            unit,
            "there are soft partitions on it",
            format!("metaclear -p {unit}"),
        ),
        Refusal::WatermarkFailed => about_base(
            format!("a watermark, at block {b}, could not be read or written (error {a})"),
            "dmesg | tail".into(),
        ),
        Refusal::NoSoftPartitions => about_base(
            "there are no soft partitions on it".into(),
            "metastat -c".into(),
        ),
        Refusal::BaseBlockTooLarge => about_base(
            format!("has logical blocks of {a} bytes, and soft partitions are made on {b} at most"),
            "lsblk -d -o NAME,LOG-SEC".into(),
        ),
        other => moving(other, values, unit, base),
    }
}

/// Why an extent is not moved.
fn moving(refusal: Refusal, values: [u64; 2], unit: &str, base: &str) -> Failure {
    let [a, b] = values;
    let metastat = || format!("metastat {unit}");
    match refusal {
        Refusal::SoftIsMoving => Failure::of(
            unit,
            "an extent of it, or of what it is to be made of, is being moved",
            metastat(),
        ),
        Refusal::NoSuchExtent => Failure::of(
            unit,
            format!("has no extent {a}: there are {b}, counted from 0"),
            metastat(),
        ),
        Refusal::NoRunOnBase => Failure::of(
            component_word(base),
            format!("there is no room for {a} blocks in one piece"),
            "metastat -p",
        ),
        Refusal::MoveFailed => Failure::of(
            unit,
            format!("the extent could not be copied, and stays where it is (error {a})"),
            "dmesg | tail",
        ),
        Refusal::MoveInterrupted => Failure::of(
            unit,
            "the extent stays where it is: the move was interrupted",
            metastat(),
        ),
        other => extents(other, values, unit, base),
    }
}

/// Why extents cannot be where they were asked for.
fn extents(refusal: Refusal, values: [u64; 2], unit: &str, base: &str) -> Failure {
    let [a, b] = values;
    let about_base = |reason: String, next: &str| Failure::of(component_word(base), reason, next);
    match refusal {
        Refusal::NoRoomOnBase => {
            let needed = match a {
                u64::MAX => "more is".to_string(),
                blocks => format!("{blocks} blocks are"),
            };
            about_base(
                format!("there is room for {b} blocks, and {needed} needed"),
                "metastat -c",
            )
        }
        Refusal::TooManyExtents => Failure::of(
            unit,
            format!("would be in more than {a} extents"),
            "metastat -c",
        ),
        Refusal::BadAlignment => about_base(
            format!("an alignment of {a} blocks is no multiple of {b} blocks, which it asks for"),
            HELP,
        ),
        Refusal::ExtentUnaligned => Failure::of(
            unit,
            format!("the extent -o {a} -b {b} is not made of whole units of 16 blocks"),
            HELP,
        ),
        Refusal::ExtentTaken => Failure::of(
            unit,
            format!(
                "the extent -o {a} -b {b}, or the 16 blocks before it, are taken or not on the base"
            ),
            "metastat -p",
        ),
        other => database::refusal(other, values, base),
    }
}

/// Where the rules for sizes and alignments stand.
const HELP: &str = "metainit --help";

/// A file system that would not fit into a soft partition that shrinks.
pub fn too_large(name: MetadeviceName, what: &str, size: u64, wanted: Sectors) -> Failure {
    let wanted = wanted.bytes();
    let reason =
        format!("{what} on it has {size} bytes, and would have {wanted} (-f: all the same)");
    Failure::of(
        name.to_string(),
        reason,
        format!("lsblk -f {}", name.path()),
    )
}

/// Something on a soft partition that shrinks, of which nobody knows how large it is.
pub fn of_unknown_size(name: MetadeviceName, what: &str, why: &str) -> Failure {
    let reason = format!("carries {what}, and it is not known how large that is{why} (-f: shrink)");
    Failure::of(
        name.to_string(),
        reason,
        format!("lsblk -f {}", name.path()),
    )
}

/// A soft partition that is to grow or shrink, and nothing says by how much.
pub fn no_size(name: MetadeviceName) -> Failure {
    let reason = "grows by a size, or by all, and none is given";
    Failure::of(name.to_string(), reason, "metattach --help")
}

/// Parameters of a soft partition.
pub fn no_parameters(name: MetadeviceName) -> Failure {
    let reason = "is a soft partition, which has no parameters";
    Failure::of(name.to_string(), reason, format!("metastat {name}"))
}

/// An option for soft partitions and something else.
pub fn only_for_soft(name: MetadeviceName, option: &str) -> Failure {
    let reason = format!("is not a soft partition, and {option} is for those");
    Failure::of(name.to_string(), reason, format!("metastat {name}"))
}

/// A base without soft partitions.
pub fn none_on(base: &str) -> Failure {
    let reason = "there are no soft partitions on it";
    Failure::of(component_word(base), reason, "metastat -c")
}

/// Watermarks that cannot be followed.
pub fn broken(base: &str, block: u64, damage: &str) -> Failure {
    let word = component_word(base);
    let reason = format!("its watermark at block {block} cannot be used: {damage}");
    Failure::of(word.clone(), reason, format!("metarecover {word} -p -m"))
}

/// Watermarks and records that do not agree.
pub fn disagree(base: &str, wrong: u32, count: u32) -> Failure {
    let word = component_word(base);
    let reason = format!("{wrong} of {count} watermarks are not as the records say");
    Failure::of(word.clone(), reason, format!("metarecover {word} -p -m"))
}

/// Soft partitions that are only in part on a base.
pub fn incomplete(base: &str, name: MetadeviceName) -> Failure {
    let word = component_word(base);
    let reason = format!("has watermarks of {name}, but not all of them: nothing is rebuilt");
    Failure::of(word.clone(), reason, format!("metarecover -v {word} -p"))
}

/// Soft partitions on a base that has others, of which there are records.
pub fn recorded(base: &str, name: MetadeviceName) -> Failure {
    let word = component_word(base);
    let reason = format!("there are records of its soft partitions, such as {name}, already");
    Failure::of(word.clone(), reason, format!("metarecover {word} -p -m"))
}

/// A base that cannot be read.
pub fn unreadable(base: &str, error: &std::io::Error) -> Failure {
    let reason = format!("cannot be read: {error}");
    Failure::of(component_word(base), reason, format!("lsblk {base}"))
}

/// A partition, where a disk is wanted.
pub fn not_a_disk(path: &str) -> Failure {
    let reason = "is a partition, and -e makes one on a disk";
    Failure::of(path, reason, "lsblk")
}

/// A disk that could not be given a partition.
pub fn not_partitioned(disk: &str, reason: &str) -> Failure {
    let reason = format!("could not be partitioned: {reason}");
    Failure::of(disk, reason, format!("sfdisk --list {disk}"))
}
