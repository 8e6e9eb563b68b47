// SPDX-License-Identifier: GPL-2.0
//! The record of a metadevice: its name, kind, options and parts, with their states.
//!
//! A record is a head and then lists of structures of fixed size: rows and components for a stripe
//! or concat, submirrors for a mirror. It is longer than a page where the lists are; then it is
//! stored in parts (see [`records`](super::records)). Another kind of metadevice, or another
//! version, gets numbers of its own; what has a number that is unknown is refused.

use super::{
    field::{
        is_gapless,
        Field, //
    },
    identity::Uuid,
    page::Damage,
};
use crate::{
    limits::{
        COMPONENTS_MAX,
        PASS_MAX,
        ROWS_MAX,
        SUBMIRRORS_MAX,
        UNITS_MAX, //
    },
    mirror::{
        component::State,
        options::{
            Options,
            ReadPolicy,
            WritePolicy, //
        },
    },
};

/// Kind of the record of a metadevice, in the head of its parts.
pub const RECORD_KIND: u16 = 1;

/// Version of the record.
pub const RECORD_VERSION: u16 = 1;

/// Its name.
pub const NUMBER: Field = Field::first("number", 4, "number of the metadevice: 10 for d10");
/// What it is.
pub const KIND: Field = NUMBER.then("kind", 2, "1 for a stripe or concat, 2 for a mirror");
/// Resync pass of a mirror.
pub const PASS: Field = KIND.then("pass", 2, "resync pass of a mirror, 0 to 9; else 0");
/// Read policy of a mirror.
pub const READ: Field = PASS.then(
    "read",
    2,
    "read policy of a mirror: 0 in turn, 1 geometric, 2 first",
);
/// Write policy of a mirror.
pub const WRITE: Field = READ.then("write", 2, "write policy of a mirror: 0 parallel, 1 serial");
/// Rows.
pub const ROWS: Field = WRITE.then("rows", 4, "number of rows, which follow the head");
/// Components.
pub const COMPONENTS: Field = ROWS.then("components", 4, "number of components, which follow");
/// Submirrors.
pub const SUBMIRRORS: Field =
    COMPONENTS.then("submirrors", 4, "number of submirrors, which follow");
/// Nothing.
pub const REST: Field = SUBMIRRORS.then("rest", 8, "zero");
/// Size.
pub const SIZE: Field = REST.then("size", 8, "size of the metadevice in sectors of 512 bytes");

/// The head, field by field.
pub const FIELDS: &[Field] = &[
    NUMBER, KIND, PASS, READ, WRITE, ROWS, COMPONENTS, SUBMIRRORS, REST, SIZE,
];

/// Bytes of the head.
pub const HEAD_BYTES: usize = 40;

/// Interlace of a row.
pub const ROW_INTERLACE: Field = Field::first("interlace", 8, "interlace of the row, in sectors");
/// Size of a row.
pub const ROW_SIZE: Field = ROW_INTERLACE.then("size", 8, "size of the row, in sectors");
/// Components of a row.
pub const ROW_COMPONENTS: Field = ROW_SIZE.then("components", 4, "number of components in the row");
/// Nothing.
pub const ROW_REST: Field = ROW_COMPONENTS.then("rest", 4, "zero");

/// A row, field by field.
pub const ROW_FIELDS: &[Field] = &[ROW_INTERLACE, ROW_SIZE, ROW_COMPONENTS, ROW_REST];

/// Bytes of a row.
pub const ROW_BYTES: usize = 24;

/// Identity of a component.
pub const COMPONENT: Field =
    Field::first("component", 16, "uuid in the component's label, or zero");
/// Its partition.
pub const PARTITION: Field =
    COMPONENT.then("partition", 16, "uuid of the partition, a hint, or zero");
/// Its disk.
pub const WWN: Field = PARTITION.then("wwn", 32, "world-wide name of the disk, a hint, or zero");
/// Where its data starts.
pub const START: Field = WWN.then("start", 8, "first sector of the data on the device");
/// How much there is.
pub const COMPONENT_SIZE: Field = START.then("size", 8, "sectors of data on the device");
/// When it failed.
pub const ERRED_AT: Field = COMPONENT_SIZE.then(
    "erred_at",
    8,
    "seconds since 1970 at its last change of state, or 0",
);
/// If it is a metadevice.
pub const UNIT: Field = ERRED_AT.then(
    "unit",
    4,
    "number of the metadevice that it is, plus 1; or 0",
);
/// How it is.
pub const STATE: Field = UNIT.then("state", 1, "0 okay, 1 erred, 2 last erred");
/// Nothing.
pub const COMPONENT_REST: Field = STATE.then("rest", 3, "zero");

/// A component, field by field.
pub const COMPONENT_FIELDS: &[Field] = &[
    COMPONENT,
    PARTITION,
    WWN,
    START,
    COMPONENT_SIZE,
    ERRED_AT,
    UNIT,
    STATE,
    COMPONENT_REST,
];

/// Bytes of a component.
pub const COMPONENT_BYTES: usize = 96;

/// Which metadevice.
pub const SIDE: Field = Field::first("number", 4, "number of the submirror's metadevice");
/// How it is.
pub const SIDE_STATE: Field = SIDE.then("state", 1, "0 okay, 1 needs a resync, 2 offline");
/// Nothing.
pub const SIDE_REST: Field = SIDE_STATE.then("rest", 3, "zero");

/// A submirror, field by field.
pub const SIDE_FIELDS: &[Field] = &[SIDE, SIDE_STATE, SIDE_REST];

/// Bytes of a submirror.
pub const SIDE_BYTES: usize = 8;

/// Bytes of the longest record.
pub const BYTES_MAX: usize =
    HEAD_BYTES + ROWS_MAX as usize * ROW_BYTES + COMPONENTS_MAX as usize * COMPONENT_BYTES;

const _: () = assert!(is_gapless(FIELDS, HEAD_BYTES));
const _: () = assert!(is_gapless(ROW_FIELDS, ROW_BYTES));
const _: () = assert!(is_gapless(COMPONENT_FIELDS, COMPONENT_BYTES));
const _: () = assert!(is_gapless(SIDE_FIELDS, SIDE_BYTES));

/// What a metadevice is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A concat, stripe, or concat of stripes.
    Stripe,
    /// A mirror.
    Mirror(Options),
}

/// The head of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// Number of the metadevice, below [`UNITS_MAX`].
    pub number: u32,
    /// What it is.
    pub kind: Kind,
    /// Its size in sectors.
    pub size_sectors: u64,
}

/// A row, as it is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    /// Interlace in sectors.
    pub interlace_sectors: u64,
    /// Size in sectors.
    pub size_sectors: u64,
    /// How many components it has.
    pub component_count: u32,
}

/// A component, as it is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Component {
    /// Identity in its label; nil if it has none (`DURABILITY.md` clause 19).
    pub uuid: Uuid,
    /// Uuid of the partition, a hint; nil if it is none.
    pub partition: Uuid,
    /// World-wide name of the disk, a hint, padded with zeros.
    pub wwn: [u8; 32],
    /// First sector of the data.
    pub start_sector: u64,
    /// Sectors of data.
    pub size_sectors: u64,
    /// Seconds since 1970 at its last change of state; 0 for never.
    pub erred_at: u64,
    /// Number of the metadevice that it is, if it is one.
    pub unit: Option<u32>,
    /// How it is.
    pub state: State,
}

/// How a submirror is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SideState {
    /// It is read and written.
    Okay,
    /// It has to be made equal to the others before it is read.
    NeedsResync,
    /// The administrator has taken it out of service.
    Offline,
}

/// A submirror, as it is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Side {
    /// Number of its metadevice.
    pub number: u32,
    /// How it is.
    pub state: SideState,
}

/// A record that was verified.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its head.
    pub head: Head,
    rows: &'a [u8],
    components: &'a [u8],
    sides: &'a [u8],
}

/// Writes a record; returns how many bytes it has. `None` if there is no room for it, or a list is
/// longer than its limit.
pub fn encode(
    head: &Head,
    rows: &[Row],
    components: &[Component],
    sides: &[Side],
    to: &mut [u8],
) -> Option<usize> {
    let lists = [
        rows.len().checked_mul(ROW_BYTES)?,
        components.len().checked_mul(COMPONENT_BYTES)?,
        sides.len().checked_mul(SIDE_BYTES)?,
    ];
    let length = lists.into_iter().try_fold(HEAD_BYTES, usize::checked_add)?;
    let is_within = rows.len() <= ROWS_MAX as usize
        && components.len() <= COMPONENTS_MAX as usize
        && sides.len() <= SUBMIRRORS_MAX as usize;
    let to = to.get_mut(..length).filter(|_| is_within)?;
    to.fill(0);
    encode_head(head, to);
    ROWS.put(to, rows.len() as u64);
    COMPONENTS.put(to, components.len() as u64);
    SUBMIRRORS.put(to, sides.len() as u64);
    let [row_bytes, component_bytes, _] = lists;
    let (row_list, rest) = to.get_mut(HEAD_BYTES..)?.split_at_mut_checked(row_bytes)?;
    let (component_list, side_list) = rest.split_at_mut_checked(component_bytes)?;
    for (to, row) in row_list.chunks_exact_mut(ROW_BYTES).zip(rows) {
        encode_row(row, to);
    }
    for (to, component) in component_list
        .chunks_exact_mut(COMPONENT_BYTES)
        .zip(components)
    {
        encode_component(component, to);
    }
    for (to, side) in side_list.chunks_exact_mut(SIDE_BYTES).zip(sides) {
        encode_side(side, to);
    }
    Some(length)
}

impl<'a> Record<'a> {
    /// Reads a record of [`RECORD_KIND`] and [`RECORD_VERSION`] from its bytes, all parts behind
    /// each other.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Damage> {
        let (head, lists) = bytes
            .split_at_checked(HEAD_BYTES)
            .ok_or(bad("length", bytes.len() as u64))?;
        let rows = list_bytes(ROWS, head, ROWS_MAX, ROW_BYTES)?;
        let components = list_bytes(COMPONENTS, head, COMPONENTS_MAX, COMPONENT_BYTES)?;
        let sides = list_bytes(SUBMIRRORS, head, SUBMIRRORS_MAX, SIDE_BYTES)?;
        let cut = bad("length", bytes.len() as u64);
        let (rows, rest) = lists.split_at_checked(rows).ok_or(cut)?;
        let (components, rest) = rest.split_at_checked(components).ok_or(cut)?;
        if rest.len() != sides {
            return Err(cut);
        }
        let record = Self {
            head: decode_head(head)?,
            rows,
            components,
            sides: rest,
        };
        record.judge()?;
        Ok(record)
    }

    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = Row> + 'a {
        let rows = self.rows.chunks_exact(ROW_BYTES);
        rows.filter_map(|row| decode_row(row).ok())
    }

    /// The components.
    pub fn components(&self) -> impl Iterator<Item = Component> + 'a {
        let components = self.components.chunks_exact(COMPONENT_BYTES);
        components.filter_map(|component| decode_component(component).ok())
    }

    /// The submirrors.
    pub fn sides(&self) -> impl Iterator<Item = Side> + 'a {
        let sides = self.sides.chunks_exact(SIDE_BYTES);
        sides.filter_map(|side| decode_side(side).ok())
    }

    fn judge(&self) -> Result<(), Damage> {
        let mut in_rows = 0_usize;
        for row in self.rows.chunks_exact(ROW_BYTES) {
            let count = decode_row(row)?.component_count;
            in_rows = in_rows.saturating_add(count as usize);
        }
        for component in self.components.chunks_exact(COMPONENT_BYTES) {
            decode_component(component)?;
        }
        for side in self.sides.chunks_exact(SIDE_BYTES) {
            decode_side(side)?;
        }
        if in_rows.checked_mul(COMPONENT_BYTES) != Some(self.components.len()) {
            return Err(bad("components in rows", in_rows as u64));
        }
        match self.head.kind {
            Kind::Stripe if !self.sides.is_empty() || self.rows.is_empty() => {
                Err(bad(SUBMIRRORS.name, self.sides.len() as u64))
            }
            Kind::Mirror(_) if !self.rows.is_empty() || self.sides.is_empty() => {
                Err(bad(ROWS.name, self.rows.len() as u64))
            }
            Kind::Stripe | Kind::Mirror(_) => Ok(()),
        }
    }
}

fn list_bytes(field: Field, head: &[u8], most: u32, each: usize) -> Result<usize, Damage> {
    let count = field.number(head);
    if count > most.into() {
        return Err(bad(field.name, count));
    }
    Ok((count as usize).saturating_mul(each))
}

fn encode_head(head: &Head, to: &mut [u8]) {
    NUMBER.put(to, head.number.into());
    SIZE.put(to, head.size_sectors);
    match head.kind {
        Kind::Stripe => KIND.put(to, 1),
        Kind::Mirror(options) => {
            KIND.put(to, 2);
            PASS.put(to, options.pass.into());
            READ.put(to, options.read.number().into());
            WRITE.put(to, options.write.number().into());
        }
    }
}

fn decode_head(from: &[u8]) -> Result<Head, Damage> {
    let number = unit_number(NUMBER, from)?;
    let options = Options {
        read: ReadPolicy::from_number(READ.number32(from))
            .ok_or(bad(READ.name, READ.number(from)))?,
        write: WritePolicy::from_number(WRITE.number32(from))
            .ok_or(bad(WRITE.name, WRITE.number(from)))?,
        pass: Options::pass_from_number(PASS.number32(from))
            .ok_or(bad(PASS.name, PASS.number(from)))?,
    };
    let is_plain = [PASS, READ, WRITE].iter().all(|field| field.is_zero(from));
    let kind = match KIND.number(from) {
        1 if is_plain => Kind::Stripe,
        2 => Kind::Mirror(options),
        found => return Err(bad(KIND.name, found)),
    };
    zero(REST, from)?;
    Ok(Head {
        number,
        kind,
        size_sectors: SIZE.number(from),
    })
}

fn encode_row(row: &Row, to: &mut [u8]) {
    ROW_INTERLACE.put(to, row.interlace_sectors);
    ROW_SIZE.put(to, row.size_sectors);
    ROW_COMPONENTS.put(to, row.component_count.into());
}

fn decode_row(from: &[u8]) -> Result<Row, Damage> {
    zero(ROW_REST, from)?;
    let count = ROW_COMPONENTS.number32(from);
    if count == 0 || count > COMPONENTS_MAX {
        return Err(bad(ROW_COMPONENTS.name, count.into()));
    }
    Ok(Row {
        interlace_sectors: ROW_INTERLACE.number(from),
        size_sectors: ROW_SIZE.number(from),
        component_count: count,
    })
}

fn encode_component(component: &Component, to: &mut [u8]) {
    COMPONENT.put_uuid(to, component.uuid);
    PARTITION.put_uuid(to, component.partition);
    WWN.put_bytes(to, &component.wwn);
    START.put(to, component.start_sector);
    COMPONENT_SIZE.put(to, component.size_sectors);
    ERRED_AT.put(to, component.erred_at);
    let unit = component.unit.map_or(0, |unit| unit.saturating_add(1));
    UNIT.put(to, unit.into());
    let state = match component.state {
        State::Okay => 0,
        State::Erred => 1,
        State::LastErred => 2,
    };
    STATE.put(to, state);
}

fn decode_component(from: &[u8]) -> Result<Component, Damage> {
    zero(COMPONENT_REST, from)?;
    let state = match STATE.number(from) {
        0 => State::Okay,
        1 => State::Erred,
        2 => State::LastErred,
        found => return Err(bad(STATE.name, found)),
    };
    let unit = UNIT.number32(from);
    if unit > UNITS_MAX {
        return Err(bad(UNIT.name, unit.into()));
    }
    Ok(Component {
        uuid: COMPONENT.uuid(from),
        partition: PARTITION.uuid(from),
        wwn: WWN.of(from).try_into().unwrap_or([0; 32]),
        start_sector: START.number(from),
        size_sectors: COMPONENT_SIZE.number(from),
        erred_at: ERRED_AT.number(from),
        unit: unit.checked_sub(1),
        state,
    })
}

fn encode_side(side: &Side, to: &mut [u8]) {
    SIDE.put(to, side.number.into());
    let state = match side.state {
        SideState::Okay => 0,
        SideState::NeedsResync => 1,
        SideState::Offline => 2,
    };
    SIDE_STATE.put(to, state);
}

fn decode_side(from: &[u8]) -> Result<Side, Damage> {
    zero(SIDE_REST, from)?;
    let state = match SIDE_STATE.number(from) {
        0 => SideState::Okay,
        1 => SideState::NeedsResync,
        2 => SideState::Offline,
        found => return Err(bad(SIDE_STATE.name, found)),
    };
    Ok(Side {
        number: unit_number(SIDE, from)?,
        state,
    })
}

fn unit_number(field: Field, from: &[u8]) -> Result<u32, Damage> {
    let number = field.number32(from);
    if number < UNITS_MAX {
        Ok(number)
    } else {
        Err(bad(field.name, number.into()))
    }
}

fn zero(field: Field, from: &[u8]) -> Result<(), Damage> {
    if field.is_zero(from) {
        Ok(())
    } else {
        Err(bad(field.name, field.number(from)))
    }
}

const fn bad(name: &'static str, found: u64) -> Damage {
    Damage::Value { name, found }
}

const _: () = assert!(PASS_MAX <= u16::MAX as u32);
