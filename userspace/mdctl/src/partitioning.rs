// SPDX-License-Identifier: GPL-2.0
//! A disk that is given one partition, which is all of it, as the base of soft partitions
//! (`svm.md` section 10, `metainit -p -e`). `sfdisk` of util-linux writes the partition table, in
//! the format of EFI.

use crate::{
    components,
    discover::{
        partition_of,
        Host,
        Node, //
    },
    explain::{
        self,
        Failure, //
    },
    Machine,
};
use std::{
    io::{
        self,
        Write, //
    },
    os::{
        fd::OwnedFd,
        unix::net::UnixStream, //
    },
    process::{
        Command,
        Stdio, //
    },
    time::Duration,
};

/// The program that is asked, by its full path: what a root shell has in `PATH` may not have it.
const SFDISK: &str = "/usr/sbin/sfdisk";

/// What it is told: one partition from the first MiB on, which is all of the disk.
const TABLE: &[u8] = b"label: gpt\nstart=1MiB, type=linux\n";

/// How often it is looked whether the partition has come.
const TRIES: u32 = 50;

/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Sees that a disk can be partitioned: it is one, nobody uses anything of it, and it carries
/// nothing that somebody may want back, unless that does not matter.
pub fn check(disk: &str, force: bool, machine: &mut Machine<'_>) -> Result<(), Failure> {
    let host = machine.host;
    let path = disk.to_string();
    components::choose(std::slice::from_ref(&path), host)?;
    let dev = match host.node(disk) {
        Ok(Node::Block { dev }) => dev,
        _ => return Err(explain::device::not_a_block_device(disk)),
    };
    if crate::discover::is_partition(host, dev) {
        return Err(explain::soft::not_a_disk(disk));
    }
    if force {
        return Ok(());
    }
    components::check_carries_nothing([&path], machine)
}

/// Gives a disk its partition; the path of that.
pub fn partition(disk: &str, host: &dyn Host) -> Result<String, Failure> {
    let failed = |reason: String| explain::soft::not_partitioned(disk, &reason);
    let output = write_table(disk, host).map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(
            String::from_utf8_lossy(&output.stderr).trim().to_string(),
        ));
    }
    let Ok(Node::Block { dev }) = host.node(disk) else {
        return Err(explain::device::not_a_block_device(disk));
    };
    for _ in 0..TRIES {
        if let Some(path) = partition_of(host, dev) {
            if host.node(&path).is_ok() {
                return Ok(path);
            }
        }
        host.pause(PAUSE);
    }
    Err(failed("the partition has not come".to_string()))
}

fn write_table(disk: &str, host: &dyn Host) -> io::Result<std::process::Output> {
    let (mut ours, theirs) = UnixStream::pair()?;
    // It fits into the socket's buffer.
    ours.write_all(TABLE)?;
    drop(ours);
    let mut command = Command::new(SFDISK);
    command.env("LC_ALL", "C");
    command.args([
        "--quiet",
        "--wipe",
        "always",
        "--wipe-partitions",
        "always",
        disk,
    ]);
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    host.run(&mut command)
}
