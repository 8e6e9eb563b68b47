// SPDX-License-Identifier: GPL-2.0
//! Growing a metadevice: what cannot, and what comes after.

use super::Failure;
use crate::{
    discover::signatures::Signature,
    syntax::{
        name::MetadeviceName,
        shell::quoted, //
    },
};

/// What is said to be equal already where nothing would be copied.
pub fn nothing_is_copied(name: MetadeviceName) -> Failure {
    let reason = "does not grow as a mirror does, and --assume-clean is for one that grows";
    Failure::of(name.to_string(), reason, "metattach --help")
}

/// What can be done when a submirror has grown.
pub fn mirror_can_grow(name: MetadeviceName, mirror: MetadeviceName) -> String {
    format!("{name}: when all submirrors of {mirror} have grown, it can: metattach {mirror}")
}

/// A component of a concat or stripe that is to grow.
pub fn part_of(name: MetadeviceName, parent: MetadeviceName) -> Failure {
    let reason = format!("is part of {parent}, and only a submirror or what is at the top grows");
    Failure::of(name.to_string(), reason, format!("metastat {parent}"))
}

/// A metadevice that is to grow by nothing.
pub fn nothing_to_attach(name: MetadeviceName) -> Failure {
    let reason = "grows by components, and none is given";
    Failure::of(name.to_string(), reason, "metattach --help")
}

/// A line about the file system that is on a metadevice, which is mounted at `place` if it is at
/// all; nothing if there is none.
pub fn can_grow(
    name: MetadeviceName,
    signatures: &[Signature],
    place: Option<&str>,
) -> Option<String> {
    let path = name.path();
    let mounted = place.map_or("MOUNTPOINT".to_string(), quoted);
    let found = signatures
        .iter()
        .find(|found| found.usage == "filesystem")?;
    let command = match found.what.as_str() {
        "ext2" | "ext3" | "ext4" => format!("resize2fs {path}"),
        "xfs" => format!("xfs_growfs {mounted}"),
        "btrfs" => format!("btrfs filesystem resize max {mounted}"),
        "f2fs" => format!("resize.f2fs {path}"),
        _ => return Some(any_can_grow(name)),
    };
    let what = &found.what;
    Some(format!(
        "{name}: its {what} file system can be grown now: {command}"
    ))
}

/// The same if nobody knows which file system it is, if any.
pub fn any_can_grow(name: MetadeviceName) -> String {
    let path = name.path();
    format!(
        "{name}: a file system on it can be grown now, for example: resize2fs {path} (ext4), \
         xfs_growfs MOUNTPOINT (xfs)"
    )
}
