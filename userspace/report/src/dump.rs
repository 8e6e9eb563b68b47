// SPDX-License-Identifier: GPL-2.0
//! What is written on a device, as `mdctl dump` describes it. `docs/format.md` says what it means.
//!
//! Wherever something stands on the device, `page` is the number of its page of 4096 bytes, and
//! `offset` the page's first byte.

use serde::Serialize;

/// Everything of ours on a device.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Dump {
    /// Path of the device or image.
    pub device: String,
    /// Its size in bytes.
    pub size: u64,
    /// The component label, by the copy that counts. Null if there is none that is whole.
    pub label: Option<Label>,
    /// The replicas of the state database, in the order in which they stand there.
    pub replicas: Vec<Replica>,
    /// Everything that is not as it should be.
    pub damage: Vec<Damage>,
    /// What is worth knowing, and no damage.
    pub notes: Vec<String>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Damage {
    /// The page.
    pub page: u64,
    /// Its first byte.
    pub offset: u64,
    /// What the page is, or should be.
    pub what: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The label of a component.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Label {
    /// Uuid of the set.
    pub set: String,
    /// Name of the set.
    pub name: String,
    /// Uuid of the component.
    pub component: String,
    /// First byte of its data.
    pub data: u64,
    /// Counts the changes of the label.
    pub sequence: u64,
    /// The copies that are whole.
    pub copies: Vec<LabelCopy>,
    /// What the component is part of. Its states are meaningless.
    pub tree: Vec<Record>,
}

/// A copy of a label that is whole.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct LabelCopy {
    /// Its first page.
    pub page: u64,
    /// Its first byte.
    pub offset: u64,
    /// How many pages it has.
    pub pages: u32,
    /// Its own count of changes.
    pub sequence: u64,
}

/// A replica of the state database.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Replica {
    /// Number of the replica on this device, from 0.
    pub number: u32,
    /// Its first page.
    pub page: u64,
    /// Its first byte.
    pub offset: u64,
    /// Whether its head is whole.
    pub head: bool,
    /// Whether its tail is whole, and says the same.
    pub tail: bool,
    /// What it says of itself. Null if neither end can be read.
    pub header: Option<Header>,
    /// The four places of roots.
    pub roots: Vec<Root>,
    /// The tables of the live root.
    pub tables: Vec<Table>,
    /// The pages of records of the live root.
    pub pages: Vec<RecordsPage>,
    /// The records.
    pub records: Vec<Record>,
    /// Whether every page of the live root's commit is whole.
    pub complete: bool,
}

/// What a replica says of itself.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Header {
    /// Uuid of the replica.
    pub uuid: String,
    /// Uuid of the set.
    pub set: String,
    /// What it is for.
    pub role: Role,
    /// Its size in bytes.
    pub size: u64,
}

/// What a replica is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It has a vote.
    Vote,
    /// It has none, and decides when exactly half of the votes are there.
    TieBreaker,
}

/// How a root stands to the others of its replica.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Its (epoch, sequence, claim) is the largest: it counts.
    Live,
    /// It is the other copy of the live one.
    Same,
    /// It is older than the live one.
    Older,
    /// It is damaged, and does not count.
    Damaged,
    /// Nothing was written there yet.
    Empty,
}

/// A root at one of its places.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Root {
    /// Its page.
    pub page: u64,
    /// Its first byte.
    pub offset: u64,
    /// How it stands to the others.
    pub standing: Standing,
    /// The commit, epoch and sequence: `3.17`. Null if it is damaged.
    pub commit: Option<String>,
    /// Largest epoch that was claimed on the replica, or 0. Null if it is damaged.
    pub claim: Option<u64>,
    /// The members of the set, as this commit has them.
    pub members: Vec<Member>,
}

/// A member of the set's state database.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Member {
    /// Uuid of the replica.
    pub replica: String,
    /// What it is for.
    pub role: Role,
    /// `stays`, `joins`, `leaves` or `given-up`.
    pub change: &'static str,
    /// Whether a commit could not reach it.
    pub failed: bool,
    /// Uuid of the component on the same device. Null if it has none.
    pub component: Option<String>,
    /// Its first byte on its device, a hint.
    pub start: u64,
}

/// A table.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Table {
    /// Its number.
    pub number: u32,
    /// Its page.
    pub page: u64,
    /// Its first byte.
    pub offset: u64,
    /// The commit that wrote it. Null if it is damaged.
    pub commit: Option<String>,
    /// How many pages of records it points to.
    pub pointers: u32,
}

/// A page of records.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RecordsPage {
    /// Its number.
    pub number: u32,
    /// Its page.
    pub page: u64,
    /// Its first byte.
    pub offset: u64,
    /// The commit that wrote it. Null if it is damaged.
    pub commit: Option<String>,
    /// The parts of records in it, in order.
    pub parts: Vec<Part>,
}

/// A part of a record.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Part {
    /// Number of the record.
    pub record: u32,
    /// Which part it is, from 0.
    pub part: u16,
    /// Of how many.
    pub of: u16,
    /// Its length in bytes.
    pub length: u64,
}

/// A record.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Record {
    /// Its number.
    pub record: u32,
    /// Its kind: 1 for a metadevice, 2 for a hot spare pool, 3 for what failfast does.
    pub kind: u16,
    /// Version of that kind.
    pub version: u16,
    /// What it says. Null if it is damaged, or of a kind or version that is not known, or no
    /// metadevice's.
    pub metadevice: Option<Metadevice>,
    /// What it says of a hot spare pool. Absent if it is damaged, or no pool's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// What it says of failfast. Absent if it is damaged, or about something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failfast: Option<Vec<Watched>>,
}

/// What failfast does with the disk of a device, as it is stored.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Watched {
    /// Uuid in the device's label, or of a replica on it. Null if it has neither.
    pub device: Option<String>,
    /// Uuid of the partition, a hint. Null if it is none.
    pub partition: Option<String>,
    /// World-wide name of the disk, a hint. Null if it is not known.
    pub wwn: Option<String>,
    /// Milliseconds between probes; 0 for none.
    pub failfast_ms: u32,
    /// What is done when the disk is lost. Null for what the module has.
    pub action: Option<&'static str>,
}

/// A hot spare pool as it is stored.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Its spares, in order. Whether one is in use is in the metadevice that has it.
    pub spares: Vec<Spare>,
}

/// A hot spare as it is stored.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Spare {
    /// Uuid in its label.
    pub spare: Option<String>,
    /// Uuid of the partition, a hint. Null if it is none.
    pub partition: Option<String>,
    /// World-wide name of the disk, a hint. Null if it is not known.
    pub wwn: Option<String>,
    /// Whether it has failed, and was not enabled since.
    pub broken: bool,
    /// When it broke or was enabled, in UTC as RFC 3339 has it. Null if never.
    pub changed: Option<String>,
}

/// A metadevice as it is stored.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Metadevice {
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: crate::Kind,
    /// Its size in bytes.
    pub size: u64,
    /// The rows of a stripe or concat. Empty for a mirror.
    pub rows: Vec<Row>,
    /// Name of the hot spare pool of a stripe or concat. Absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// What components have to do with hot spares. Absent if that is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spared: Vec<Spared>,
    /// The sides of a mirror. Empty for others.
    pub submirrors: Vec<Side>,
    /// Options of a mirror. Null for others.
    pub options: Option<Options>,
    /// What a mirror remembers of its regions. Null if it is not known, and for others.
    pub regions: Option<Regions>,
    /// What a mirror remembers of checks. Absent if there were none, and for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
    /// What a soft partition is made of. Absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_partition: Option<SoftPartition>,
    /// What a RAID5 metadevice has besides its columns, which are the components of its row. Absent
    /// for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raid5: Option<Raid5>,
}

/// A RAID5 metadevice as it is stored, its columns apart.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Raid5 {
    /// Uuid of the logs of its columns.
    pub log: String,
    /// What is being made: `parity`, or `column` and its index. Absent if all is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// Bytes of each column for which that is done.
    pub done: u64,
}

/// A soft partition as it is stored.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SoftPartition {
    /// Its uuid.
    pub uuid: String,
    /// Uuid of the watermarks of its base.
    pub base_uuid: String,
    /// Number of its layout.
    pub generation: u64,
    /// What the data of its extents begins on a multiple of, in bytes.
    pub alignment: u64,
    /// `okay`, or what is still to be done: `creating`, `growing`, `shrinking`, `clearing`,
    /// `moving`.
    pub state: &'static str,
    /// Its base, from the first watermark to the last.
    pub base: Component,
    /// Its extents, in order.
    pub extents: Vec<crate::Extent>,
}

/// What a mirror remembers of checks of its sides.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Checks {
    /// How many it remembers.
    pub count: usize,
    /// When the last one began, in UTC as RFC 3339 has it. Null if it is not known.
    pub last: Option<String>,
    /// How many ranges the last one has found to differ.
    pub ranges: u32,
}

/// What a component has to do with a hot spare.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Spared {
    /// Index of the component, over all rows.
    pub component: u32,
    /// `stands for`: the component is a hot spare, and stands for the other device. `replaced`: the
    /// other device is a hot spare, which goes back to its pools after the resync.
    pub role: &'static str,
    /// Uuid in the label of the other device. Null if it has none.
    pub device: Option<String>,
    /// Uuid of its partition, a hint. Null if it is none.
    pub partition: Option<String>,
    /// World-wide name of its disk, a hint. Null if it is not known.
    pub wwn: Option<String>,
    /// First byte of the data on it.
    pub start: u64,
}

/// What a mirror remembers of its regions.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Regions {
    /// Bytes of each but the last.
    pub size: u64,
    /// How many there are.
    pub count: u32,
    /// In how many the sides may differ after a crash.
    pub dirty: u32,
    /// Whether the administrator has cancelled the resync.
    pub resync_cancelled: bool,
}

/// A row of a stripe or concat.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Row {
    /// Bytes on one component before it is the next one's turn.
    pub interlace: u64,
    /// Its size in bytes.
    pub size: u64,
    /// The components, in order.
    pub components: Vec<Component>,
}

/// A component as it is stored.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Component {
    /// Name of the metadevice that it is. Null if it is none.
    pub metadevice: Option<String>,
    /// Uuid in its label. Null if it has none.
    pub component: Option<String>,
    /// Uuid of the partition, a hint. Null if it is none.
    pub partition: Option<String>,
    /// World-wide name of the disk, a hint. Null if it is not known.
    pub wwn: Option<String>,
    /// First byte of the data on the device.
    pub start: u64,
    /// Bytes of data on the device.
    pub size: u64,
    /// `okay`, `erred`, `last erred` or `resyncing`.
    pub state: &'static str,
    /// When the state last changed, in UTC as RFC 3339 has it. Null if never.
    pub changed: Option<String>,
}

/// A side of a mirror as it is stored.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Side {
    /// Name of the metadevice.
    pub name: String,
    /// `okay`, `needs a resync` or `offline`.
    pub state: &'static str,
    /// In how many regions it lacks what the others have. Null if it is not known.
    pub behind: Option<u32>,
}

/// Options of a mirror.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Options {
    /// Which side a read goes to.
    pub read_policy: crate::ReadPolicy,
    /// How writes go to the sides.
    pub write_policy: crate::WritePolicy,
    /// When it is resynced after a crash, 1 to 9; 0 for never.
    pub pass: u8,
}

impl Role {
    /// The role in words, the same as in the documents.
    pub fn word(self) -> &'static str {
        match self {
            Role::Vote => "vote",
            Role::TieBreaker => "tie-breaker",
        }
    }
}
