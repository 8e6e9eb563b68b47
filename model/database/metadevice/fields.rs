// SPDX-License-Identifier: GPL-2.0
//! Where the fields of a metadevice's record are, and what they mean.

use super::super::field::{
    is_gapless,
    Field, //
};
use crate::{
    limits::{
        COMPONENTS_MAX,
        ROWS_MAX,
        SPARED_MAX,
        SUBMIRRORS_MAX, //
    },
    mirror::regions::WORDS_MAX, //
};

/// Kind of the record of a metadevice, in the head of its parts.
pub const RECORD_KIND: u16 = 1;

/// Version of the record. Version 1 has zeros where the regions are: it is read as the record of a
/// mirror whose regions are not known. Versions 1 and 2 have zeros where the hot spares are: they
/// are read as those of metadevices that have none. Nor have they scrubs at their end, nor are
/// there soft partitions. A pace follows those only where the administrator has chosen one.
pub const RECORD_VERSION: u16 = 3;

/// Oldest version that is read.
pub const RECORD_VERSION_MIN: u16 = 1;

/// Its name.
pub const NUMBER: Field = Field::first("number", 4, "number of the metadevice: 10 for d10");
/// What it is.
pub const KIND: Field = NUMBER.then(
    "kind",
    2,
    "1 for a stripe or concat, 2 for a mirror, 4 for RAID5, 5 for a soft partition",
);
/// The kind of a soft partition (`svm.md` section 1.5).
pub const SOFT_KIND: u64 = 5;
/// The kind of a RAID5 metadevice (`svm.md` section 1.5).
pub const RAID_KIND: u64 = 4;
/// Resync pass of a mirror.
pub const PASS: Field = KIND.then("pass", 2, "resync pass of a mirror, 0 to 9; else 0");
/// Read policy of a mirror.
pub const READ: Field = PASS.then(
    "read",
    2,
    "read policy of a mirror: 0 in turn, 1 geometric, 2 first, 3 hedged",
);
/// Write policy of a mirror.
pub const WRITE: Field = READ.then(
    "write",
    2,
    "write policy of a mirror: 0 parallel, 1 serial, 2 copy",
);
/// Rows.
pub const ROWS: Field = WRITE.then("rows", 4, "number of rows, which follow the head");
/// Components.
pub const COMPONENTS: Field = ROWS.then("components", 4, "number of components, which follow");
/// Submirrors.
pub const SUBMIRRORS: Field =
    COMPONENTS.then("submirrors", 4, "number of submirrors, which follow");
/// Regions of a mirror.
pub const REGION_SHIFT: Field = SUBMIRRORS.then(
    "region_shift",
    1,
    "log2 of the sectors in a region of a mirror; 0 if nothing is known of regions",
);
/// Whether they are copied.
pub const SYNC: Field = REGION_SHIFT.then("sync", 1, "1 if the resync was cancelled, else 0");
/// How many there are.
pub const REGION_WORDS: Field = SYNC.then(
    "region_words",
    2,
    "words in a bitmap of regions: one of the dirty ones follows, then one for each submirror of \
     those it lacks",
);
/// Where its spares come from.
pub const POOL: Field = REGION_WORDS.then(
    "pool",
    2,
    "number of the hot spare pool of a stripe, concat or RAID5 metadevice, plus 1; or 0",
);
/// Components and spares.
pub const SPARED: Field = POOL.then(
    "spared",
    2,
    "number of components that have to do with a hot spare, which follow at the end",
);
/// Size.
pub const SIZE: Field = SPARED.then("size", 8, "size of the metadevice in sectors of 512 bytes");

/// The head, field by field.
pub const FIELDS: &[Field] = &[
    NUMBER,
    KIND,
    PASS,
    READ,
    WRITE,
    ROWS,
    COMPONENTS,
    SUBMIRRORS,
    REGION_SHIFT,
    SYNC,
    REGION_WORDS,
    POOL,
    SPARED,
    SIZE,
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
pub const STATE: Field = UNIT.then("state", 1, "0 okay, 1 erred, 2 last erred, 3 resyncing");
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

/// Regions.
pub const WORD: Field = Field::first("word", 8, "bits of 64 regions, the first one the lowest");

/// A word of regions, field by field.
pub const WORD_FIELDS: &[Field] = &[WORD];

/// Bytes of a word of regions.
pub const WORD_BYTES: usize = 8;

/// Which component.
pub const SPARED_COMPONENT: Field = Field::first("component", 4, "index of the component");
/// What it has to do with a spare.
pub const SPARED_ROLE: Field = SPARED_COMPONENT.then(
    "role",
    1,
    "1: that device is the one that the spare stands for; 2: it is the spare that was replaced",
);
/// Nothing.
pub const SPARED_REST: Field = SPARED_ROLE.then("rest", 3, "zero");
/// Identity of the other device.
pub const SPARED_UUID: Field =
    SPARED_REST.then("device", 16, "uuid in the label of that device, or zero");
/// Its partition.
pub const SPARED_PARTITION: Field =
    SPARED_UUID.then("partition", 16, "uuid of its partition, a hint, or zero");
/// Its disk.
pub const SPARED_WWN: Field =
    SPARED_PARTITION.then("wwn", 32, "world-wide name of its disk, a hint, or zero");
/// Where its data starts.
pub const SPARED_START: Field =
    SPARED_WWN.then("start", 8, "first sector of the data on that device");

/// What a component has to do with a hot spare, field by field.
pub const SPARED_FIELDS: &[Field] = &[
    SPARED_COMPONENT,
    SPARED_ROLE,
    SPARED_REST,
    SPARED_UUID,
    SPARED_PARTITION,
    SPARED_WWN,
    SPARED_START,
];

/// Bytes of that.
pub const SPARED_BYTES: usize = 80;

/// Bytes of the longest record in a label, which tells nothing of hot spares.
pub const LABEL_BYTES_MAX: usize =
    HEAD_BYTES + ROWS_MAX as usize * ROW_BYTES + COMPONENTS_MAX as usize * COMPONENT_BYTES;

/// Bytes of the longest record, which is that of a soft partition.
pub const BYTES_MAX: usize = super::soft::BYTES_MAX;

const _: () = assert!(LABEL_BYTES_MAX + SPARED_MAX as usize * SPARED_BYTES <= BYTES_MAX);
// A mirror has no rows and no components.
const _: () = assert!(
    HEAD_BYTES
        + SUBMIRRORS_MAX as usize * SIDE_BYTES
        + (1 + SUBMIRRORS_MAX as usize) * WORDS_MAX * WORD_BYTES
        + super::history::BYTES
        + super::pace::BYTES
        <= BYTES_MAX
);
const _: () = assert!(is_gapless(FIELDS, HEAD_BYTES));
const _: () = assert!(is_gapless(ROW_FIELDS, ROW_BYTES));
const _: () = assert!(is_gapless(COMPONENT_FIELDS, COMPONENT_BYTES));
const _: () = assert!(is_gapless(SIDE_FIELDS, SIDE_BYTES));
const _: () = assert!(is_gapless(WORD_FIELDS, WORD_BYTES));
const _: () = assert!(is_gapless(SPARED_FIELDS, SPARED_BYTES));
