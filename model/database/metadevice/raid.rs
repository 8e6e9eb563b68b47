// SPDX-License-Identifier: GPL-2.0
//! What the record of a RAID5 metadevice has behind its components, which are its columns: whose
//! the logs are, how the parity goes around, and how far it, or a new column, is made.

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
use crate::raid5::{
    layout::{
        Layout,
        Rotation, //
    },
    progress::Progress, //
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
/// Nothing.
pub const REST: Field = ROTATION.then("rest", 5, "zero");

/// All of that, field by field.
pub const FIELDS: &[Field] = &[LOG, CURSOR, ACTIVITY, ROTATION, REST];

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
}

pub(super) fn encode(raid: &Raid, to: &mut [u8]) {
    LOG.put_uuid(to, raid.log);
    CURSOR.put(to, raid.progress.cursor);
    ACTIVITY.put(to, raid.progress.number().into());
    ROTATION.put(to, raid.rotation.number().into());
}

/// Reads it, for so many columns.
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
    })
}

/// The layout of a record with this row and these columns, if it has this size.
pub(super) fn judge(
    from: &[u8],
    row: &Row,
    columns: impl Iterator<Item = Component>,
    size_sectors: u64,
) -> Result<(), Damage> {
    let raid = decode(from, row.component_count)?;
    let smallest = columns.map(|column| column.size_sectors).min().unwrap_or(0);
    let layout = Layout::new(
        row.component_count,
        row.interlace_sectors,
        smallest,
        raid.rotation,
    );
    let layout = layout.map_err(|_| bad("columns", row.component_count.into()))?;
    if layout.sectors() != size_sectors || row.size_sectors != size_sectors {
        return Err(bad("sectors of all columns", layout.sectors()));
    }
    if raid.progress.cursor > layout.column_sectors() {
        return Err(bad(CURSOR.name, raid.progress.cursor));
    }
    Ok(())
}
