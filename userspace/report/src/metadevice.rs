// SPDX-License-Identifier: GPL-2.0
//! Metadevices, as the documents describe them.

use crate::check::Check;
use serde::Serialize;

/// A metadevice. A stripe or concat has `rows`; a mirror has `submirrors` and its options; a soft
/// partition has `soft_partition`; a RAID5 metadevice has `columns` and its `interlace`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Metadevice {
    /// Its name, such as `d10`.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// Its state: the worst of its components'.
    pub state: State,
    /// True if it is read-only until the set is started again, since a component was in use when
    /// it was made. Absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// Name of the metadevice that this one is a component of. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Name of the hot spare pool of a stripe, concat or RAID5 metadevice. Absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot_spare_pool: Option<String>,
    /// The rows of a stripe or concat, in order. Absent for a mirror.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<Row>>,
    /// The columns of a RAID5 metadevice, in order. Absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Component>>,
    /// How many of the columns a RAID5 metadevice was made of; those behind them were attached.
    /// Absent if none were, and for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_columns: Option<usize>,
    /// Bytes on one column of a RAID5 metadevice before it is the next one's turn. Absent for
    /// others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interlace: Option<u64>,
    /// True if the parity of a RAID5 metadevice goes around as in SVM. Absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub svm_rotation: bool,
    /// True if what is written to a RAID5 metadevice is in no log: after a crash its parity is made
    /// anew, and with a component missing then it cannot be opened any more. Absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_log: bool,
    /// True if a RAID5 metadevice cannot be opened, as its columns do not have what they should;
    /// the kernel's log says why. Absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    /// Blocks of 4 KiB of a RAID5 metadevice that read as errors until they are written: they were
    /// being written when the power went, and a column went with it. Absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_blocks: Option<u32>,
    /// Where these are. Absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostRange>,
    /// True while the parity of a RAID5 metadevice is made for the first time; `resync` says how
    /// far it is. Absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub initializing: bool,
    /// The sides of a mirror, in order. Absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submirrors: Option<Vec<Submirror>>,
    /// Which side of a mirror a read goes to. Absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_policy: Option<ReadPolicy>,
    /// How writes go to the sides of a mirror. Absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_policy: Option<WritePolicy>,
    /// When a mirror is resynced after a crash, 1 to 9; 0 for never. Absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<u32>,
    /// How fast a mirror is resynced, or RAID5 made. Absent if it is as fast as everybody has it,
    /// and for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resync_pace: Option<Pace>,
    /// The resync of a mirror or of a column of a RAID5 metadevice, counted on each of its columns.
    /// Absent if there is nothing to resync, and for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resync: Option<Resync>,
    /// The checks of a mirror or RAID5 metadevice. Absent if there never was one, and for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
    /// What a soft partition is made of. Absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_partition: Option<SoftPartition>,
}

/// What a soft partition is made of.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SoftPartition {
    /// The device or metadevice that it is on, which others may be on as well.
    pub base: Component,
    /// `Okay`, or the word for what is still to be done about its watermarks: `Creating`,
    /// `Growing`, `Shrinking` or `Deleting`; or `Errored` if they are not as they should be.
    pub layout: String,
    /// What the data of its extents begins on a multiple of.
    pub alignment: u64,
    /// Bytes of data that there is room for on the base, in all of its free space together.
    pub free: u64,
    /// Its extents, in order.
    pub extents: Vec<Extent>,
}

/// An extent of a soft partition.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Extent {
    /// First byte of its data on the base.
    pub start: u64,
    /// Bytes of data.
    pub size: u64,
}

/// How fast a mirror is resynced, as `metaparam` has it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Pace {
    /// How long a request of the mirror may take on average before the resync gives way, in
    /// microseconds.
    pub latency_us: u32,
    /// Bytes per second below which it is not made to fall; 0 for no floor.
    pub floor: u64,
    /// Bytes per second that it does not exceed while the mirror is in use; 0 for no ceiling.
    pub ceiling: u64,
}

/// The resync of a mirror that has something to resync.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Resync {
    /// Whether it goes on.
    pub state: ResyncState,
    /// Bytes that are done.
    pub done: u64,
    /// Bytes that there are to do in all.
    pub total: u64,
}

/// Whether a resync goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ResyncState {
    /// It is under way.
    Running,
    /// The administrator has cancelled it; `metasync` starts it again.
    Cancelled,
    /// Some of it could not be done: a block cannot be read on any submirror, or the set is
    /// read-only.
    Stuck,
    /// The administrator has it pause; `metasync` lets it go on.
    Paused,
    /// It comes after those of mirrors with a lower pass.
    Waiting,
    /// It is not started by itself, since the mirror has pass 0; `metasync` does.
    #[serde(rename = "left out")]
    LeftOut,
}

/// Kinds of metadevices.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// No row has more than one component.
    Concat,
    /// At least one row has more than one component.
    Stripe,
    /// The same data on each of its submirrors.
    Mirror,
    /// Data over several columns, with a parity.
    Raid5,
    /// Extents of a device or metadevice.
    #[serde(rename = "soft-partition")]
    SoftPartition,
}

/// States of metadevices, submirrors and components, in SVM's words (`svm.md` section 10.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum State {
    /// In service.
    Okay,
    /// The device, or one that the metadevice needs, was removed from the machine.
    Unavailable,
    /// A component: out of service since a write to it failed. Another side has its data.
    Maintenance,
    /// A component: a write to it failed, but it holds the last copy of its blocks.
    #[serde(rename = "Last Erred")]
    LastErred,
    /// A metadevice: one of its components is in the state `Maintenance` or `Last Erred`.
    #[serde(rename = "Needs maintenance")]
    NeedsMaintenance,
    /// A submirror that has to be made equal to the others, while the resync of its mirror stands
    /// still.
    #[serde(rename = "Needs maintenance")]
    NeedsResync,
    /// A submirror or component that is being made equal to the others.
    Resyncing,
    /// A submirror that the administrator has taken out of service.
    Offline,
}

impl State {
    /// The state as text has it, the same words as in the documents.
    pub fn word(self) -> &'static str {
        match self {
            State::Okay => "Okay",
            State::Unavailable => "Unavailable",
            State::Maintenance => "Maintenance",
            State::LastErred => "Last Erred",
            State::NeedsMaintenance | State::NeedsResync => "Needs maintenance",
            State::Resyncing => "Resyncing",
            State::Offline => "Offline",
        }
    }
}

/// Which side of a mirror a read goes to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadPolicy {
    /// Each in turn.
    #[default]
    RoundRobin,
    /// Each has an equal part of the blocks.
    Geometric,
    /// The first one.
    First,
    /// Each in turn, and another one as well if that takes long.
    Hedged,
}

impl ReadPolicy {
    /// All of them, in the order of SVM's numbers.
    pub const ALL: [ReadPolicy; 4] = [
        ReadPolicy::RoundRobin,
        ReadPolicy::Geometric,
        ReadPolicy::First,
        ReadPolicy::Hedged,
    ];

    /// The policy as text and command lines have it, the same word as in the documents.
    pub fn word(self) -> &'static str {
        match self {
            ReadPolicy::RoundRobin => "roundrobin",
            ReadPolicy::Geometric => "geometric",
            ReadPolicy::First => "first",
            ReadPolicy::Hedged => "hedged",
        }
    }
}

/// How writes go to the sides of a mirror.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WritePolicy {
    /// To all at once.
    #[default]
    Parallel,
    /// To one after the other.
    Serial,
    /// To all at once, from a copy of our own.
    Copy,
}

impl WritePolicy {
    /// All of them, in the order of SVM's numbers.
    pub const ALL: [WritePolicy; 3] = [
        WritePolicy::Parallel,
        WritePolicy::Serial,
        WritePolicy::Copy,
    ];

    /// The policy as text and command lines have it, the same word as in the documents.
    pub fn word(self) -> &'static str {
        match self {
            WritePolicy::Parallel => "parallel",
            WritePolicy::Serial => "serial",
            WritePolicy::Copy => "copy",
        }
    }
}

/// A side of a mirror. The metadevice of that name has a description of its own.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Submirror {
    /// Name of the metadevice.
    pub name: String,
    /// Its state.
    pub state: State,
}

/// A row of a stripe or concat.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Row {
    /// Bytes on one component before it is the next one's turn; of no effect in a row of one.
    pub interlace: u64,
    /// The components, in order.
    pub components: Vec<Component>,
}

/// A component of a row.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Component {
    /// Path of the device, as it was given when the metadevice was made. It may be that of
    /// another metadevice.
    pub device: String,
    /// Where the metadevice's data begins on the device, in bytes.
    pub start: u64,
    /// Bytes of the device that hold data of the metadevice.
    pub size: u64,
    /// Its state.
    pub state: State,
    /// Reads that failed since the metadevice was made or loaded.
    pub read_errors: u64,
    /// Writes and flushes that failed, likewise.
    pub write_errors: u64,
    /// Blocks that could not be read, and were good again when they had been rewritten from another
    /// submirror, likewise. Absent if there are none.
    #[serde(skip_serializing_if = "is_zero")]
    pub healed_errors: u64,
    /// It answers so late that reads go to other submirrors. Absent if not.
    #[serde(skip_serializing_if = "is_false")]
    pub slow: bool,
    /// When its state last changed or an error last occurred, in UTC as RFC 3339 has it, such as
    /// `2026-03-01T12:34:56Z`. Null if never.
    pub event: Option<String>,
    /// Path of the hot spare that stands for it: `state` and the errors are the spare's. Absent if
    /// none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot_spare: Option<String>,
}

/// Whether there is nothing to tell.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Whether there is nothing to tell.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_false(answer: &bool) -> bool {
    !*answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_documents_have_the_same_words() {
        let states = [
            State::Okay,
            State::Unavailable,
            State::Maintenance,
            State::LastErred,
            State::NeedsMaintenance,
            State::NeedsResync,
            State::Resyncing,
            State::Offline,
        ];
        for state in states {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
        for policy in ReadPolicy::ALL {
            assert_eq!(serde_json::to_value(policy).unwrap(), policy.word());
        }
        for policy in WritePolicy::ALL {
            assert_eq!(serde_json::to_value(policy).unwrap(), policy.word());
        }
    }
}

/// A part of a RAID5 metadevice that reads as errors until it is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct LostRange {
    /// The first byte.
    pub start: u64,
    /// How many bytes.
    pub size: u64,
}
