// SPDX-License-Identifier: GPL-2.0
//! Whether what is on a soft partition would still fit when that shrinks.

use crate::{
    discover::{
        signatures::{
            describe,
            signatures, //
        },
        Host, //
    },
    explain::{
        soft::{
            of_unknown_size,
            too_large, //
        },
        Failure, //
    },
    syntax::{
        name::MetadeviceName,
        size::Sectors, //
    },
};
use std::process::Command;

/// The program that knows how large file systems are.
const BLKID: &str = "/usr/sbin/blkid";

/// Sees that what is on a soft partition fits into so many sectors: there is nothing, or a file
/// system that says how large it is.
pub fn check_fits(host: &dyn Host, name: MetadeviceName, wanted: Sectors) -> Result<(), Failure> {
    let path = name.path();
    let found = signatures(host, &path)
        .map_err(|error| of_unknown_size(name, "perhaps something", &format!(": {error}")))?;
    if found.is_empty() {
        return Ok(());
    }
    let what = describe(&found);
    match file_system_bytes(host, &path) {
        Some(bytes) if bytes <= wanted.bytes() => Ok(()),
        Some(bytes) => Err(too_large(name, &what, bytes, wanted)),
        None => Err(of_unknown_size(name, &what, "")),
    }
}

/// How many bytes a file system takes, from the first one of the device on.
fn file_system_bytes(host: &dyn Host, path: &str) -> Option<u64> {
    let mut command = Command::new(BLKID);
    command.env("LC_ALL", "C");
    command.args(["--probe", "--output", "export", path]);
    let output = host.run(&mut command).ok()?;
    size_in(&String::from_utf8_lossy(&output.stdout))
}

/// The size in what `blkid` says. Versions before 2.39 do not say it, and say it of no more than
/// some file systems since.
fn size_in(text: &str) -> Option<u64> {
    let value = |name: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value?.parse::<u64>().ok()
    };
    value("FSLASTBLOCK")?.checked_mul(value("FSBLOCKSIZE").or(value("BLOCK_SIZE"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_file_system_is_known_when_it_is_told() {
        let xfs = "TYPE=xfs\nFSSIZE=1\nFSLASTBLOCK=76800\nFSBLOCKSIZE=4096\nBLOCK_SIZE=512\n";
        assert_eq!(size_in(xfs), Some(300 << 20));
        assert_eq!(
            size_in("FSLASTBLOCK=4096\nBLOCK_SIZE=1024\n"),
            Some(4 << 20)
        );
        assert_eq!(size_in("TYPE=ext2\nBLOCK_SIZE=1024\n"), None);
        assert_eq!(
            size_in(&format!("FSLASTBLOCK={}\nFSBLOCKSIZE=2\n", u64::MAX)),
            None
        );
        assert_eq!(size_in(""), None);
    }
}
