// SPDX-License-Identifier: GPL-2.0
//! What the record of a RAID5 metadevice has behind its components, which are its columns: whose
//! the logs are, how the parity goes around, and how far it, or a new column, is made. Its first
//! row are the columns that it was made of; if it has a second one, these were attached later.

use super::{
    super::{
        field::{
            is_gapless,
            Field, //
        },
        identity::Uuid,
        page::{
            bad,
            bad_field,
            zero,
            Damage, //
        },
    },
    Component,
    Row, //
};
use crate::{
    mirror::throttle::Limits,
    raid5::{
        layout::{
            Layout,
            Rotation, //
        },
        progress::Progress, //
    },
};

/// Whose logs these are.
pub const LOG: Field = Field::first("log", 16, "uuid of the logs in front of the columns' data");
/// How far it is.
pub const CURSOR: Field = LOG.then(
    "cursor",
    8,
    "sectors of each column's data for which that is done",
);
/// What is being made.
pub const ACTIVITY: Field = CURSOR.then(
    "activity",
    2,
    "0 if all is there; what is being made: 1 the parity, 2 the first column, 3 the second, ...",
);
/// Where the parity is.
pub const ROTATION: Field = ACTIVITY.then("rotation", 1, "0 left-symmetric, 1 that of SVM");
/// Whether it goes on.
pub const SYNC: Field = ROTATION.then(
    "sync",
    1,
    "1 if what is being made was cancelled by the administrator, else 0",
);
/// Whether writes are in no log.
pub const UNLOGGED: Field = SYNC.then("unlogged", 1, "1 if writes are not in the logs, else 0");
/// Nothing.
pub const REST: Field = UNLOGGED.then("rest", 3, "zero");

/// All of that, field by field.
pub const FIELDS: &[Field] = &[LOG, CURSOR, ACTIVITY, ROTATION, SYNC, UNLOGGED, REST];

/// Bytes of it.
pub const BYTES: usize = 32;

const _: () = assert!(is_gapless(FIELDS, BYTES));

/// What is stored of a RAID5 metadevice besides its columns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Raid {
    /// Identity of its logs.
    pub log: Uuid,
    /// Where the parity is.
    pub rotation: Rotation,
    /// How far it is made.
    pub progress: Progress,
    /// Whether the administrator has cancelled that.
    pub is_cancelled: bool,
    /// Whether its writes are in no log.
    pub is_unlogged: bool,
    /// How fast it is made.
    pub pace: Limits,
}

pub(super) fn encode(raid: &Raid, to: &mut [u8]) {
    LOG.put_uuid(to, raid.log);
    CURSOR.put(to, raid.progress.cursor);
    ACTIVITY.put(to, raid.progress.number().into());
    ROTATION.put(to, raid.rotation.number().into());
    SYNC.put(to, raid.is_cancelled.into());
    UNLOGGED.put(to, raid.is_unlogged.into());
}

/// Reads it, for so many columns; all but the pace, which stands elsewhere if it was chosen.
pub(super) fn decode(from: &[u8], columns: u32) -> Result<Raid, Damage> {
    if from.len() != BYTES {
        return Err(bad("length", from.len() as u64));
    }
    zero(REST, from)?;
    let log = LOG.uuid(from);
    if log.is_nil() {
        return Err(bad(LOG.name, 0));
    }
    let activity = Progress::activity_from(ACTIVITY.number32(from), columns);
    let rotation = Rotation::from_number(ROTATION.number32(from));
    Ok(Raid {
        log,
        rotation: rotation.ok_or(bad_field(ROTATION, from))?,
        progress: Progress {
            activity: activity.ok_or(bad_field(ACTIVITY, from))?,
            cursor: CURSOR.number(from),
        },
        is_cancelled: flag(SYNC, from)?,
        is_unlogged: flag(UNLOGGED, from)?,
        pace: Limits::DEFAULT,
    })
}

/// A field that is 0 or 1.
fn flag(field: Field, from: &[u8]) -> Result<bool, Damage> {
    match field.number(from) {
        0 => Ok(false),
        1 => Ok(true),
        found => Err(bad(field.name, found)),
    }
}

/// The layout of a record with these rows and columns, if it has this size.
pub(super) fn judge(
    from: &[u8],
    (row, attached): (&Row, Option<&Row>),
    columns: impl Iterator<Item = Component>,
    size_sectors: u64,
) -> Result<(), Damage> {
    let others = attached.map_or(0, |row| row.component_count);
    let all = row.component_count.saturating_add(others);
    let raid = decode(from, all)?;
    let smallest = columns.map(|column| column.size_sectors).min().unwrap_or(0);
    let layout = Layout::new(
        row.component_count,
        row.interlace_sectors,
        smallest,
        raid.rotation,
    );
    let layout = layout.and_then(|layout| layout.attach(others));
    let layout = layout.map_err(|_| bad("columns", all.into()))?;
    let in_rows = (row.size_sectors, attached.map_or(0, |row| row.size_sectors));
    if layout.sectors() != size_sectors
        || in_rows != (layout.original_sectors(), layout.attached_sectors())
    {
        return Err(bad("sectors of all columns", layout.sectors()));
    }
    if let Some(row) = attached.filter(|own| own.interlace_sectors != row.interlace_sectors) {
        return Err(bad("interlace", row.interlace_sectors));
    }
    if raid.progress.cursor > layout.column_sectors() {
        return Err(bad(CURSOR.name, raid.progress.cursor));
    }
    Ok(())
}
