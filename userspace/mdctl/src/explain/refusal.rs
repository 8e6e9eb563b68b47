// SPDX-License-Identifier: GPL-2.0
//! The kernel's refusals in words. The match has no wildcard: a new refusal in the ABI does not
//! compile until someone has said here what to type next.

use super::{
    events,
    mirror,
    multihost,
    Failure,
    Subject, //
};
use crate::{
    admin::{
        requests::Refused,
        ADMIN_PATH, //
    },
    syntax::name::MetadeviceName,
};
use md_abi::admin::{
    Refusal,
    UnitKind,
    ABI_VERSION,
    OPTION_PASS,
    OPTION_READ_POLICY,
    OPTION_TARGET,
    OPTION_WRITE_POLICY, //
};
use rustix::io::Errno;
use std::cmp::Ordering;

/// Why a request about `subject` was refused.
pub fn refusal(refused: &Refused, subject: &Subject<'_>) -> Failure {
    if let Some(failure) = events::refusal(refused.refusal, refused.values) {
        return failure;
    }
    let disk = subject.component(refused.index);
    if let Some(failure) = multihost::refusal(refused.refusal, refused.values, &disk) {
        return failure;
    }
    Words {
        unit: subject.unit_name(),
        unit_path: subject.unit.map(MetadeviceName::path).unwrap_or_default(),
        component: subject.component(refused.index),
        row: refused.index.unwrap_or(0),
        kernel_abi: refused.kernel_abi,
    }
    .failure(refused.refusal, refused.values)
}

/// What a refusal can be about, in words.
struct Words {
    /// The metadevice, or the administration device if it is about none.
    unit: String,
    /// Path of the metadevice, or nothing.
    unit_path: String,
    /// Path of the component, or the metadevice if it is about none.
    component: String,
    /// Number of the row.
    row: usize,
    /// Version of the kernel's interface.
    kernel_abi: u32,
}

impl Words {
    /// The table. `a` and `b` are the figures that belong to the refusal.
    fn failure(&self, refusal: Refusal, [a, b]: [u64; 2]) -> Failure {
        match refusal {
            Refusal::VersionMismatch => version_mismatch(self.kernel_abi),
            Refusal::BadSize => not_built_together(&format!("{b} bytes, not {a}")),
            Refusal::ReservedNotZero => not_built_together("unknown parts"),
            Refusal::BadName => self.about_unit("is not a name for a metadevice", HELP),
            Refusal::NameInUse => exists(&self.unit),
            Refusal::UnitRecorded => unmade(&self.unit),
            Refusal::NoSuchUnit => self.about_unit("does not exist", "metastat -c"),
            Refusal::UnitOpen => self.about_unit(
                format!("is open (open count {a})"),
                format!("lsblk {}", self.unit_path),
            ),
            Refusal::UnitHasParent => self.about_unit(
                format!("is part of the metadevice d{a}"),
                format!("metaclear d{a}"),
            ),
            Refusal::NoPersonality => self.without_module(module_of(a)),
            Refusal::BadRowCount => {
                self.about_unit(format!("has {a} rows, and 1 to {b} are possible"), HELP)
            }
            Refusal::BadComponentCount => self.about_unit(
                format!("has {a} components, and 1 to {b} are possible"),
                HELP,
            ),
            Refusal::BadInterlace => self.about_row(
                format!("an interlace of {a} blocks is beyond the limit of {b} blocks"),
                HELP,
            ),
            Refusal::InterlaceUnaligned => self.about_row(
                format!("an interlace of {a} blocks is no multiple of a block size, {b} blocks"),
                "lsblk -d -o NAME,LOG-SEC",
            ),
            Refusal::ComponentNotFound => self.about_component(
                format!("there is no such block device: {}", errno_text(a)),
                "lsblk",
            ),
            Refusal::ComponentBusy => {
                self.about_component("is in use", format!("lsblk {}", self.component))
            }
            Refusal::ComponentReadOnly => self.about_component(
                "is write-protected",
                format!("blockdev --setrw {}", self.component),
            ),
            Refusal::ComponentTooSmall => self.about_component(
                format!("is too small: it has {b} blocks, and {a} are needed"),
                "lsblk -d -o NAME,SIZE",
            ),
            Refusal::ComponentZoned => self.about_component(
                "is a zoned device, and metadevices are made of ordinary ones",
                "lsblk -d -o NAME,ZONED",
            ),
            Refusal::ComponentInUse => {
                self.about_component("is given twice, and a component has one place", "lsblk")
            }
            Refusal::ComponentUnaligned => self.about_component(
                format!("{a} blocks are not a multiple of its block size, {b} blocks"),
                format!("lsblk -o NAME,LOG-SEC {}", self.component),
            ),
            Refusal::TooLarge => self.about_unit(
                format!("would have {a} blocks, and {b} are possible"),
                "lsblk -d -o NAME,SIZE",
            ),
            Refusal::TooManyUnits => self.about_unit(
                format!("there are {a} metadevices, and there cannot be more"),
                "metastat -c",
            ),
            Refusal::ArrayTooSmall => self.about_unit(
                format!("grew while it was read, from {a} to {b} entries"),
                "metastat",
            ),
            Refusal::NoMemory => self.about_unit("the kernel is out of memory", "free -m"),
            Refusal::NestedTooDeep => self.about_unit(
                format!("would be made of metadevices in more than {a} levels"),
                "metastat -c",
            ),
            Refusal::DiskFailed => self.about_unit(
                format!("its block device could not be made: {}", errno_text(a)),
                "dmesg | tail",
            ),
            Refusal::NotAMirror => mirror::not_a_mirror(&self.unit),
            Refusal::NotAStripe => self.about_unit(
                "is a mirror or soft partition, and components are for a stripe, concat or RAID5",
                format!("metastat {}", self.unit),
            ),
            Refusal::BadSubmirror => self.about_component(
                "is not a concat or stripe metadevice, and a submirror is one",
                "metastat -c",
            ),
            Refusal::ComponentIsMirror => {
                self.about_component("is a mirror, and nothing is made of mirrors", "metastat -c")
            }
            Refusal::BadOption => {
                self.about_unit(format!("{} {b} is not possible", option(a)), OPTIONS_HELP)
            }
            Refusal::SubmirrorErred => self.about_unit(
                "a submirror needs maintenance or is offline (see it, then use -f)",
                format!("metastat {}", self.unit),
            ),
            Refusal::BlockTooLarge => self.about_component(
                format!("has logical blocks of {a} bytes, and the metadevice has {b}"),
                "lsblk -d -o NAME,LOG-SEC",
            ),
            other => super::sides::refusal(other, [a, b], &self.unit, &self.component, self.row),
        }
    }

    /// A failure for want of a module.
    fn without_module(&self, module: &str) -> Failure {
        self.about_unit(
            format!("its module, {module}, could not be loaded"),
            format!("modprobe {module}"),
        )
    }

    /// A failure that is about the metadevice.
    fn about_unit(&self, reason: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::of(&self.unit, reason, next)
    }

    /// A failure that is about a row of the metadevice.
    fn about_row(&self, reason: String, next: &str) -> Failure {
        self.about_unit(format!("row {}: {reason}", self.row), next)
    }

    /// A failure that is about a component.
    fn about_component(&self, reason: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::of(&self.component, reason, next)
    }
}

/// Where the rules for names, rows and widths stand.
const HELP: &str = "metainit --help";

/// Where the options of a mirror stand.
const OPTIONS_HELP: &str = "metaparam --help";

/// The module for metadevices of a kind.
fn module_of(kind: u64) -> &'static str {
    if kind == UnitKind::Mirror as u64 {
        "md_mirror"
    } else if kind == UnitKind::SoftPartition as u64 {
        "md_sp"
    } else if kind == UnitKind::Raid as u64 {
        "md_raid"
    } else {
        "md_stripe"
    }
}

/// An option of a mirror, by its bit.
fn option(bit: u64) -> &'static str {
    match u32::try_from(bit) {
        Ok(OPTION_READ_POLICY) => "the read policy",
        Ok(OPTION_WRITE_POLICY) => "the write policy",
        Ok(OPTION_PASS) => "the pass number",
        Ok(OPTION_TARGET) => "the time at which the resync gives way",
        _ => "an option with the value",
    }
}

/// A request that the module cannot read, although the versions are the same.
fn not_built_together(what: &str) -> Failure {
    let reason = format!("the tool was not built for the loaded module: it sends {what}");
    Failure::of(ADMIN_PATH, reason, "mdctl version")
}

/// A metadevice that the set has, and that could not be made from its record.
fn unmade(name: &str) -> Failure {
    let reason = "is on record, but could not be made at the start ('metaclear -f' gives it up)";
    Failure::of(name, reason, "mdctl stop && mdctl start")
}

/// A name for a new metadevice that another one has.
pub fn exists(name: &str) -> Failure {
    Failure::of(name, "exists already", format!("metastat {name}"))
}

/// Tool and module have different versions of the interface: the older side is to be replaced.
fn version_mismatch(kernel_abi: u32) -> Failure {
    let versions = format!("(interface {kernel_abi}, tool: {ABI_VERSION})");
    match kernel_abi.cmp(&ABI_VERSION) {
        Ordering::Less => Failure::of(
            ADMIN_PATH,
            format!("the loaded module md_rs is older than the tool {versions}"),
            RELOAD,
        ),
        Ordering::Greater => Failure::of(
            ADMIN_PATH,
            format!("the loaded module md_rs is newer than the tool {versions}"),
            "make tool",
        ),
        Ordering::Equal => Failure::of(
            ADMIN_PATH,
            format!("the loaded module md_rs refuses its own version {versions}"),
            RELOAD,
        ),
    }
}

/// Loads the modules that are installed in place of those that were loaded earlier.
const RELOAD: &str =
    "modprobe -r md_failfast md_raid md_sp md_mirror md_stripe md_rs && modprobe md_rs";

/// An error number of the kernel, positive, in words.
fn errno_text(number: u64) -> String {
    match i32::try_from(number) {
        Ok(number) if (1..4096).contains(&number) => Errno::from_raw_os_error(number).to_string(),
        _ => format!("error {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Next;
    use insta::assert_snapshot;

    /// Refuses a request to make `d10` of `/dev/sda` and `/dev/sdb`.
    fn refuse(refusal: Refusal, kernel_abi: u32, index: Option<usize>) -> Failure {
        let devices = ["/dev/sda".to_string(), "/dev/sdb".to_string()];
        let subject = Subject {
            unit: "d10".parse().ok(),
            devices: &devices,
            only_one: false,
        };
        let refused = Refused {
            refusal,
            index,
            values: [17, 16],
            kernel_abi,
        };
        super::refusal(&refused, &subject)
    }

    /// A failure in two lines.
    fn line(failure: Failure) -> String {
        let Next::Command(next) = failure.next else {
            panic!("only a missing right leads to another");
        };
        let device = failure.device.unwrap();
        format!("{device}: {}\n  next: {next}\n", failure.reason)
    }

    /// Those from one number up to another one, in words.
    fn refusals(numbers: std::ops::RangeInclusive<u32>) -> String {
        let all = Refusal::ALL.into_iter();
        let chosen = all.filter(|refusal| numbers.contains(&(*refusal as u32)));
        let refused = chosen.map(|refusal| refuse(refusal, ABI_VERSION + 1, Some(1)));
        refused.map(line).collect()
    }

    /// Every refusal, so that a reader sees them beside each other.
    #[test]
    fn every_refusal_has_a_device_a_reason_and_a_next_command() {
        assert_snapshot!(refusals(1..=33), @r"
        /dev/md/admin: the loaded module md_rs is newer than the tool (interface 10, tool: 9)
          next: make tool
        /dev/md/admin: the tool was not built for the loaded module: it sends 16 bytes, not 17
          next: mdctl version
        /dev/md/admin: the tool was not built for the loaded module: it sends unknown parts
          next: mdctl version
        d10: is not a name for a metadevice
          next: metainit --help
        d10: exists already
          next: metastat d10
        d10: does not exist
          next: metastat -c
        d10: is open (open count 17)
          next: lsblk /dev/md/dsk/d10
        d10: is part of the metadevice d17
          next: metaclear d17
        d10: its module, md_stripe, could not be loaded
          next: modprobe md_stripe
        d10: has 17 rows, and 1 to 16 are possible
          next: metainit --help
        d10: has 17 components, and 1 to 16 are possible
          next: metainit --help
        d10: row 1: an interlace of 17 blocks is beyond the limit of 16 blocks
          next: metainit --help
        /dev/sdb: there is no such block device: File exists (os error 17)
          next: lsblk
        /dev/sdb: is in use
          next: lsblk /dev/sdb
        /dev/sdb: is write-protected
          next: blockdev --setrw /dev/sdb
        /dev/sdb: is too small: it has 16 blocks, and 17 are needed
          next: lsblk -d -o NAME,SIZE
        /dev/sdb: is a zoned device, and metadevices are made of ordinary ones
          next: lsblk -d -o NAME,ZONED
        /dev/sdb: is given twice, and a component has one place
          next: lsblk
        /dev/sdb: 17 blocks are not a multiple of its block size, 16 blocks
          next: lsblk -o NAME,LOG-SEC /dev/sdb
        d10: would have 17 blocks, and 16 are possible
          next: lsblk -d -o NAME,SIZE
        d10: there are 17 metadevices, and there cannot be more
          next: metastat -c
        d10: grew while it was read, from 17 to 16 entries
          next: metastat
        d10: the kernel is out of memory
          next: free -m
        d10: would be made of metadevices in more than 17 levels
          next: metastat -c
        d10: its block device could not be made: File exists (os error 17)
          next: dmesg | tail
        d10: row 1: an interlace of 17 blocks is no multiple of a block size, 16 blocks
          next: lsblk -d -o NAME,LOG-SEC
        d10: is not a mirror
          next: metastat d10
        d10: is a mirror or soft partition, and components are for a stripe, concat or RAID5
          next: metastat d10
        /dev/sdb: is not a concat or stripe metadevice, and a submirror is one
          next: metastat -c
        /dev/sdb: is a mirror, and nothing is made of mirrors
          next: metastat -c
        d10: an option with the value 16 is not possible
          next: metaparam --help
        d10: a submirror needs maintenance or is offline (see it, then use -f)
          next: metastat d10
        /dev/sdb: has logical blocks of 17 bytes, and the metadevice has 16
          next: lsblk -d -o NAME,LOG-SEC
        ");
    }

    #[test]
    fn so_has_every_refusal_about_the_state_database() {
        assert_snapshot!(refusals(34..=51), @r"
        /dev/sdb: there is no state database
          next: metadb -a -f /dev/sdb
        /dev/sdb: a state database is in use already
          next: metadb -i
        /dev/sdb: 17 metadevices live in memory; clear them first, and make them again afterwards
          next: metastat -p
        /dev/sdb: no state database was found
          next: mdctl scan
        /dev/sdb: there are state databases of several sets; name one by its uuid
          next: mdctl scan
        /dev/sdb: 17 of 16 voting replicas are there, and what the others have may be newer
          next: mdctl start --read-only
        /dev/sdb: the newest state is known, but no replica that was found has all of it
          next: dmesg | grep 'state database'
        /dev/sdb: the state database is damaged
          next: dmesg | grep 'state database'
        /dev/sdb: the set is read-only: too few replicas of the state database can be written
          next: metadb -i
        /dev/sdb: the state database is full: 17 pages are needed, and 16 are free
          next: metadb -i
        /dev/sdb: 17 replicas, and at most 16 are possible
          next: metadb -i
        /dev/sdb: replicas of 8 KiB, and at least 8 KiB are needed
          next: metadb -i
        /dev/sdb: has a replica of this kind already
          next: metadb -i
        /dev/sdb: has no replica of the state database
          next: metadb -i
        /dev/sdb: holds the last voting replica; add another one first (-f: go on without any)
          next: metadb -a DEVICE
        /dev/sdb: a tie-breaker belongs on a disk without a voting replica
          next: metadb -i
        /dev/sdb: is part of a metadevice, and has no reserved head where a replica would go
          next: metastat -p
        /dev/sdb: d17 is open
          next: lsblk /dev/md/dsk/d17
        ");
    }

    #[test]
    fn so_has_every_refusal_about_the_sides_of_a_mirror() {
        assert_snapshot!(refusals(54..=68), @r"
        d10: has 17 submirrors, and there cannot be more
          next: metastat d10
        /dev/sdb: is not a submirror of d10
          next: metastat d10
        /dev/sdb: has, or may have, blocks that no other submirror of d10 in service has
          next: metastat d10
        d10: has to be resynced before, or is being resynced
          next: metasync -w d10
        /dev/sdb: is offline, and has to be onlined first
          next: metaonline d10 /dev/sdb
        /dev/sdb: is not offline
          next: metastat d10
        /dev/sdb: is no longer the component of d10 in its place
          next: metastat d10
        /dev/sdb: is in service, so that there is nothing to be enabled
          next: metastat d10
        /dev/sdb: holds the last copy of its data: components of submirror 1 come first
          next: metastat d10
        d10: has nothing that has to be resynced
          next: metastat d10
        d10: is being checked already
          next: metasync -c --check d10
        d10: is not being checked
          next: metasync --check d10
        d10: has nothing to compare: two submirrors have to be in service, or all of RAID5
          next: metastat d10
        /dev/sdb: is not in service, so that nothing of d10 can be repaired from it
          next: metastat d10
        /dev/sdb: has 16 blocks, and d10 has 17: each submirror has to grow before
          next: metattach /dev/sdb <new device>
        ");
    }

    #[test]
    fn so_has_every_refusal_about_hot_spares() {
        assert_snapshot!(refusals(80..=92), @r"
        hsp017: there is no such hot spare pool
          next: metainit hsp017 <device>
        hsp017: exists already
          next: metahs -i hsp017
        hsp017: has 16 hot spares, which come out first
          next: metahs -i hsp017
        hsp017: is the hot spare pool of d16
          next: metaparam -h none d16
        /dev/sdb: is a hot spare of hsp017
          next: metahs -d hsp017 /dev/sdb
        /dev/sdb: is no hot spare of hsp017
          next: metahs -i hsp017
        /dev/sdb: is in use: it stands for component 16 of d17, or is about to go back
          next: metastat d17
        /dev/sdb: is not broken: there is nothing to be enabled
          next: metahs -i
        d10: would have 17 hot spares, and 16 are possible
          next: metahs -i
        d10: is a mirror, and a hot spare pool is for its submirrors
          next: metastat d10
        /dev/sdb: holds the last voting replica, without which hsp017 cannot be
          next: metahs -i
        /dev/sdb: is a metadevice, and a hot spare is a disk or partition
          next: lsblk
        /dev/sdb: logical blocks of a hot spare have 17 bytes, those of what it is for 16
          next: lsblk -d -o NAME,LOG-SEC
        ");
    }

    #[test]
    fn so_has_every_refusal_about_events_and_names() {
        assert_snapshot!(refusals(93..=98), @r"
        /dev/md/admin: event 17 has not happened since the module was loaded, the last one is 16
          next: mdctl monitor --past
        /dev/md/admin: a signal has come before there was an event
          next: mdctl monitor --past
        d17: exists already
          next: metastat d17
        d10: only a mirror and a submirror of it exchange their names
          next: metastat -c
        d17: a hot spare stands for component 16, or is about to go back
          next: metastat d17
        d10: its resync does not pause
          next: metastat d10
        ");
    }

    #[test]
    fn so_has_every_refusal_about_soft_partitions() {
        assert_snapshot!(refusals(110..=144), @r"
        d10: is not a soft partition
          next: metastat d10
        /dev/sdb: cannot stand on another soft partition
          next: metastat -c
        /dev/sdb: there is room for 16 blocks, and 17 blocks are needed
          next: metastat -c
        d10: would be in more than 17 extents
          next: metastat -c
        /dev/sdb: an alignment of 17 blocks is no multiple of 16 blocks, which it asks for
          next: metainit --help
        d10: the extent -o 17 -b 16 is not made of whole units of 16 blocks
          next: metainit --help
        d10: the extent -o 17 -b 16, or the 16 blocks before it, are taken or not on the base
          next: metastat -p
        /dev/sdb: has a soft partition d17 that there is no record of (-f: it is lost; to keep it:)
          next: metarecover /dev/sdb -p -d
        /dev/sdb: its watermark at block 17 is not the one that was read before
          next: metarecover /dev/sdb -p
        d17: a change of it was not brought to its end
          next: metastat d17
        d10: has 17 blocks, and cannot shrink to 16
          next: metastat d10
        /dev/sdb: is a soft partition on a mirror, and nothing is made of those
          next: metastat -c
        d10: there are soft partitions on it
          next: metaclear -p d10
        /dev/sdb: a watermark, at block 16, could not be read or written (error 17)
          next: dmesg | tail
        /dev/sdb: there are no soft partitions on it
          next: metastat -c
        /dev/sdb: has logical blocks of 17 bytes, and soft partitions are made on 16 at most
          next: lsblk -d -o NAME,LOG-SEC
        d10: is a soft partition or changes places with one, and those keep their names
          next: metastat d10
        /dev/sdb: is another path to 0:17, which the set uses, or a copy of it
          next: lsblk -o NAME,MAJ:MIN,WWN,SERIAL
        /dev/sdb: has replicas up to block 17, and a component only room for them up to block 16
          next: metadb -d /dev/sdb
        /dev/sdb: belongs to d17, which is without it
          next: metastat d17
        d10: is on record, but could not be made at the start ('metaclear -f' gives it up)
          next: mdctl stop && mdctl start
        /dev/sdb: its label could not be read or written (error 17)
          next: dmesg | tail
        d10: an extent of it, or of what it is to be made of, is being moved
          next: metastat d10
        d10: has no extent 17: there are 16, counted from 0
          next: metastat d10
        /dev/sdb: there is no room for 17 blocks in one piece
          next: metastat -p
        d10: the extent could not be copied, and stays where it is (error 17)
          next: dmesg | tail
        d10: the extent stays where it is: the move was interrupted
          next: metastat d10
        ");
    }

    #[test]
    fn and_every_refusal_about_raid5() {
        assert_snapshot!(refusals(150..=159), @r"
        d10: is not a RAID5 metadevice
          next: metastat d10
        d10: would have 17 columns, and 3 to 16 are possible
          next: metainit --help
        /dev/sdb: is a RAID5 metadevice, or on one, and only soft partitions are made of these
          next: metastat -c
        /dev/sdb: is a metadevice, and a column of RAID5 is a disk or partition
          next: lsblk
        /dev/sdb: holds the last voting replica, without which RAID5, such as d17, cannot be
          next: metastat d17
        d10: its parity, or another component, is being made
          next: metastat d10
        /dev/sdb: component 1 of d10, which needs maintenance, comes first
          next: metastat d10
        /dev/sdb: holds data that the other components of d10 do not make up for
          next: metastat d10
        /dev/sdb: could not be filled with zeroes, and is not attached (error 17)
          next: dmesg | tail
        d10: is as it was: metattach was interrupted before all of it was filled with zeroes
          next: metastat d10
        ");
    }

    #[test]
    fn the_older_side_is_to_be_replaced() {
        let versions = [ABI_VERSION - 1, ABI_VERSION, ABI_VERSION + 1];
        let lines = versions.map(|abi| line(refuse(Refusal::VersionMismatch, abi, None)));
        assert_snapshot!(lines.concat(), @r"
        /dev/md/admin: the loaded module md_rs is older than the tool (interface 8, tool: 9)
          next: modprobe -r md_failfast md_raid md_sp md_mirror md_stripe md_rs && modprobe md_rs
        /dev/md/admin: the loaded module md_rs refuses its own version (interface 9, tool: 9)
          next: modprobe -r md_failfast md_raid md_sp md_mirror md_stripe md_rs && modprobe md_rs
        /dev/md/admin: the loaded module md_rs is newer than the tool (interface 10, tool: 9)
          next: make tool
        ");
    }

    #[test]
    fn a_refusal_of_an_unknown_component_is_about_the_metadevice() {
        for index in [None, Some(2), Some(usize::MAX)] {
            let failure = refuse(Refusal::ComponentBusy, ABI_VERSION, index);
            assert_eq!(failure.device.as_deref(), Some("d10"));
        }
    }

    #[test]
    fn so_has_every_refusal_about_disks_of_several_hosts() {
        assert_snapshot!(refusals(160..=166), @r"
        /dev/sdb: md_failfast, the module for disks of several hosts, could not be loaded
          next: modprobe md_failfast
        /dev/sdb: another host has it, or has another key (reservation conflict)
          next: mdctl mhd status /dev/sdb
        /dev/sdb: has no command for that, or not that kind
          next: mdctl mhd status /dev/sdb
        /dev/sdb: is owned by this host alone, or has a key for several, which exclude each other
          next: mdctl mhd status /dev/sdb
        /dev/sdb: has not carried out a command, and does not say that another host has it
          next: dmesg | tail
        /dev/sdb: a time, key, kind or action is not possible
          next: mdctl mhd --help
        /dev/sdb: 17 disks are known, and there cannot be more
          next: mdctl mhd release DISK
        ");
    }

    #[test]
    fn so_has_the_refusal_of_a_change_of_the_members() {
        assert_snapshot!(refusals(167..=167), @r"
        /dev/sdb: 17 of 16 voting replicas do not answer: the set would stop; delete those first
          next: metadb -i
        ");
    }

    #[test]
    fn error_numbers_out_of_range_stay_numbers() {
        assert_eq!(errno_text(6), "No such device or address (os error 6)");
        assert_eq!(errno_text(0), "error 0");
        assert_eq!(errno_text(4096), "error 4096");
        assert_eq!(errno_text(u64::MAX), "error 18446744073709551615");
    }
}
