// SPDX-License-Identifier: GPL-2.0
//! What the tool promises to scripts: its JSON documents and its exit statuses.
//!
//! With `--json` every command writes exactly one [`Document`] to standard output, also when it
//! fails, and nothing to standard error; `mdctl monitor` writes one a line, for each event. The
//! fields that a document has depend on the command; the rules for reading one are:
//! 1. Look at the exit status first. It is 0 if and only if there is no `error`.
//! 2. A field may be added within a version; none changes its meaning or goes away.
//! 3. Sizes and positions are in bytes, and their names carry no unit.

mod check;
mod database;
pub mod dump;
mod event;
mod metadevice;
mod multihost;
mod pool;

pub use check::{
    Check,
    CheckEnd,
    CheckProgress,
    CheckRange,
    CheckRun, //
};
pub use database::{
    Database,
    Member,
    Replica, //
};
pub use event::Event;
pub use metadevice::{
    Component,
    Extent,
    Kind,
    LostRange,
    Metadevice,
    Pace,
    ReadPolicy,
    Resync,
    ResyncState,
    Row,
    SoftPartition,
    State,
    Submirror,
    WritePolicy, //
};
pub use multihost::{
    Access,
    Lost,
    MultihostDisk,
    Reservation,
    Way, //
};
pub use pool::{
    HotSpare,
    HotSparePool,
    SpareStatus, //
};

use serde::Serialize;
use std::process;

/// Version of the documents. A reader refuses one that it does not know.
pub const DOCUMENT_VERSION: u32 = 1;

/// How a command ended, as its caller's shell sees it.
///
/// Usage errors are errors like all others, except those of `mdctl dump`. 66 is kept for a stale
/// state database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExitStatus {
    /// All that was asked for is done.
    Done,
    /// Something was refused or failed; the message says what. For `mdctl dump`: what was looked
    /// at is damaged.
    Error,
    /// Of `mdctl dump` only: nothing could be looked at, because of the command line or the file.
    Unseen,
    /// Of `mddump` only: the dump was begun and ended before its end.
    Aborted,
}

impl ExitStatus {
    /// The number that the shell sees in `$?`.
    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Done => 0,
            ExitStatus::Error => 1,
            ExitStatus::Unseen => 2,
            ExitStatus::Aborted => 3,
        }
    }
}

impl From<ExitStatus> for process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        process::ExitCode::from(status.code())
    }
}

/// The answer of one command.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Document {
    /// [`DOCUMENT_VERSION`].
    pub version: u32,
    /// `metastat`: the metadevices asked for, each followed by those that are its components.
    /// `metainit`: those that were made. `metattach`: the one that was grown, or the mirror that
    /// was attached to. `metaparam`, `metadetach`, `metaoffline`, `metaonline`, `metareplace`: the
    /// mirror as it is now. `metarename`: the metadevices that have another name. `metasync`: the
    /// mirrors that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadevices: Option<Vec<Metadevice>>,
    /// `metastat`: the hot spare pools, absent if there are none. `metahs`, and `metainit` of a
    /// pool: those that it was about, as they are now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot_spare_pools: Option<Vec<HotSparePool>>,
    /// `metadb`: the state database. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,
    /// `mdctl scan`: the devices on which sets have something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Member>>,
    /// `metainit -n`: names of the metadevices that could be made. `metattach -n`: the one that
    /// could be grown or attached to. `metareplace -n`: the mirror of which a component could be
    /// replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Vec<String>>,
    /// `metaclear`: names of the metadevices that are gone, also those before an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Vec<String>>,
    /// `mdctl version`: the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Release>,
    /// `mdctl version`: the loaded module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<Release>,
    /// `mdctl dump`: what is written on a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dump: Option<dump::Dump>,
    /// `mdctl mhd`: disks that several hosts can reach, as they are now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multihost: Option<Vec<MultihostDisk>>,
    /// `mdctl monitor`: something that has happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// `mdctl monitor`: how many events are lost, since they were not read in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// `mdctl export`: the description, the same text as without `--json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `metainit -a`: why some metadevices could not be made, one error for each. There is an
    /// `error` as well, which says how many they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Vec<Error>>,
    /// What may go wrong although the command did what it was told, each in words. Absent if
    /// there is nothing to be warned of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

impl Default for Document {
    /// A document of this version that says nothing yet.
    fn default() -> Self {
        Document {
            version: DOCUMENT_VERSION,
            metadevices: None,
            hot_spare_pools: None,
            database: None,
            members: None,
            checked: None,
            cleared: None,
            tool: None,
            module: None,
            dump: None,
            multihost: None,
            event: None,
            lost: None,
            description: None,
            failed: None,
            warnings: Vec::new(),
            error: None,
        }
    }
}

/// Release of a part of the product.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Release {
    /// The release, such as `0.1.0`.
    pub release: String,
    /// Version of the interface on `/dev/md/admin`; tool and module must have the same.
    pub abi: u32,
}

/// Why a command failed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Error {
    /// The command, such as `metainit`.
    pub command: String,
    /// What the error is about: a metadevice, or the path of a component or file. Null if it is
    /// about the command line.
    pub device: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// What to type next.
    pub next: String,
    /// The entry of md.tab that the error is about. Absent if it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
}

/// Where a metadevice stands in md.tab.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// Path of the file.
    pub file: String,
    /// Number of the line in which the entry begins, counted from 1.
    pub line: u64,
    /// Its first word, which should be the name of a metadevice.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are a contract with scripts (`svm.md` section 10, DESIGN section 7).
    #[test]
    fn exit_codes_are_those_of_the_contract() {
        assert_eq!(ExitStatus::Done.code(), 0);
        assert_eq!(ExitStatus::Error.code(), 1);
        assert_eq!(ExitStatus::Unseen.code(), 2);
        assert_eq!(ExitStatus::Aborted.code(), 3);
    }
}
