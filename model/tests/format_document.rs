// SPDX-License-Identifier: GPL-2.0
//! `docs/format.md` is made from the constants of the code, and is as the code is.
//!
//! To make it again: `WRITE_FORMAT=1 scripts/in-root cargo test --manifest-path
//! userspace/Cargo.toml --locked --release -p md-model --test runner format_document`.

use std::{
    env,
    fmt::Write,
    fs, //
};

use md_model::{
    database::{
        field::Field,
        header,
        label,
        layout::{
            FIRST_SLOT,
            LABEL_PAGE,
            LABEL_PAGES,
            REPLICA_PAGE,
            REPLICA_PAGES_IN_HEAD,
            RESERVED_PAGES,
            ROOT_PLACE,
            SPARE_SLOTS, //
        },
        metadevice::{
            fields as metadevice,
            history,
            pace,
            raid,
            soft, //
        },
        page,
        pool,
        records,
        root,
        table,
        watched, //
    },
    limits::{
        EXTENTS_MAX,
        GRAIN_SECTORS,
        REPLICAS_MAX,
        REPLICA_PAGES_MAX,
        REPLICA_PAGES_MIN,
        UNITS_MAX, //
    },
    mirror::scrub::history::{
        KEPT_RANGES_MAX,
        RUNS_MAX, //
    },
    raid5::{
        log as raid_log,
        lost,
        LINE_SECTORS,
        LOG_SECTORS,
        LOST_START,
        SLOTS,
        SLOT_SECTORS, //
    },
    soft::watermark,
};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/format.md");

const INTRODUCTION: &str = "\
# On-disk format

<!-- Made from the constants in `model/` by `model/tests/format_document.rs`, which says
     how to make it again. Do not edit. -->

All numbers are little-endian. Everything but watermarks is written in pages of 4096
bytes at multiples of 4096 bytes. Uuids are in the order in which they are written as text. \
         Fields named `rest` are zero, and
so is what follows the last field in use of a page.

";

fn table_of(title: &str, fields: &[Field]) -> String {
    let mut text =
        format!("\n{title}\n\n| offset | bytes | field | meaning |\n|---|---|---|---|\n");
    for field in fields {
        let (offset, bytes) = (field.offset, field.bytes);
        let (name, meaning) = (field.name, field.meaning);
        writeln!(text, "| {offset} | {bytes} | `{name}` | {meaning} |").expect("a string");
    }
    text
}

fn pages() -> String {
    let (version, head) = (page::VERSION, page::HEAD_BYTES);
    let mut text = format!(
        "## Pages\n\nThis is version {version}. A page has a head of {head} bytes and a payload. \
         Magic, version and checksum stay\nwhere they are in every version. A page whose checksum \
         fits and whose version is unknown is refused.\n"
    );
    text += &table_of("The head:", page::HEAD);
    text += "\n| magic | kind |\n|---|---|\n";
    for kind in page::Kind::ALL {
        let magic = kind.magic().escape_ascii();
        writeln!(text, "| `{magic}` | {} |", kind.name()).expect("a string");
    }
    text
}

fn places() -> String {
    let [first, second] = LABEL_PAGE;
    let [[a, b], [c, d]] = ROOT_PLACE;
    let sector = REPLICA_PAGE * 8;
    format!(
        "\n## Places\n\nThe reserved head of a component is its first {RESERVED_PAGES} pages \
         (1 MiB). Pages of it:\n\n\
         | page | what |\n|---|---|\n\
         | 0 | left alone: it may hold a boot sector |\n\
         | {first} | component label, up to {LABEL_PAGES} pages |\n\
         | {REPLICA_PAGE} | replica, {REPLICA_PAGES_IN_HEAD} pages |\n\
         | {second} | component label again, up to {LABEL_PAGES} pages |\n\
         | {} | left alone |\n\n\
         A partition of its own has the same; its first replica begins at page {REPLICA_PAGE} \
         (sector {sector}) too, says how\nlong it is, and the next one follows behind it. Where \
         they reach beyond page {second}, there is only the first copy of the label, or none.\n\
         A replica has {REPLICA_PAGES_MIN} to {REPLICA_PAGES_MAX} pages:\n\n\
         | page | what |\n|---|---|\n\
         | 0 | head |\n\
         | {a}, {b} | a root, twice |\n\
         | {c}, {d} | the other root, twice |\n\
         | {FIRST_SLOT} | slots: tables and pages of records |\n\
         | last | tail |\n\n\
         Slots that the live root does not lead to are free. The last {SPARE_SLOTS} free ones are \
         only used for changes of state.\n\
         All replicas of a set use the same slot for the same page, as far as the smallest of them \
         has slots.\n\n\
         A commit writes the changed pages of records and the tables above them to free slots, \
         flushes, and writes the root\ntwice, in one write with FUA, over the older of the two \
         roots. Of the roots that can be read the one with the largest\n(epoch, sequence, claim) \
         counts.\n",
        RESERVED_PAGES - 1
    )
}

fn replica() -> String {
    let mut text = String::from("\n## Replica\n");
    text += &table_of("Payload of head and tail:", header::FIELDS);
    text += &table_of("Payload of a root:", root::FIELDS);
    let (tables, pages) = (table::TABLES_MAX, table::TABLE_PAGES);
    writeln!(
        text,
        "\nThen up to {tables} pointers to tables, and up to {REPLICAS_MAX} members."
    )
    .expect("a string");
    text += &table_of("A pointer:", table::POINTER_FIELDS);
    text += &table_of("A member:", root::MEMBER_FIELDS);
    text += &table_of("Payload of a table:", table::FIELDS);
    writeln!(
        text,
        "\nThen up to {pages} pointers to pages of records. Table `t` has those from \
         `{pages} * t` on."
    )
    .expect("a string");
    text += &table_of("Payload of a page of records:", records::FIELDS);
    text += "\nThen parts of records, each padded to a multiple of 8 bytes:\n";
    text += &table_of("The head of a part:", records::PART_FIELDS);
    text
}

fn record() -> String {
    let (kind, version) = (metadevice::RECORD_KIND, metadevice::RECORD_VERSION);
    let mut text = format!(
        "\n## Metadevice\n\nRecords of kind {kind}, version {version}. A head, and then rows, \
         components, submirrors, words, what components have to do with hot spares, and\n\
         scrubs. That of a soft partition has one component, which is its base from the first \
         watermark to the last, and no row; what makes\n\
         it one and its extents are at the end. That of a RAID5 metadevice has a row of the \
         columns that it was\nmade of, and perhaps another one of those that were attached, \
         each from its log on.\n\n\
         Version 1 is read as well: there `region_shift`, `sync` and `region_words` are part of \
         `rest`, so that nothing is known\nof regions, and no component is in state 3. A mirror \
         with such a record counts as dirty all over. The records in labels\nsay nothing of \
         regions in version {version} either, and nothing of scrubs. In versions 1 and 2 `pool` \
         and `spared` are part of `rest`:\n\
         no metadevice has hot spares. Nor are there scrubs, soft \
         partitions or RAID5 metadevices.\n"
    );
    text += &table_of("The head:", metadevice::FIELDS);
    text += &table_of("A row:", metadevice::ROW_FIELDS);
    text += &table_of("A component:", metadevice::COMPONENT_FIELDS);
    text += &table_of("A submirror:", metadevice::SIDE_FIELDS);
    text += &table_of("A word of regions:", metadevice::WORD_FIELDS);
    text += &table_of(
        "What a component has to do with a hot spare:",
        metadevice::SPARED_FIELDS,
    );
    text += &table_of("What stands before the scrubs:", history::FIELDS);
    writeln!(
        text,
        "\nThen {RUNS_MAX} scrubs, and {KEPT_RANGES_MAX} ranges; those that are not in use are \
         zero."
    )
    .expect("a string");
    text += &table_of("A scrub:", history::RUN_FIELDS);
    text += &table_of("A range:", history::RANGE_FIELDS);
    text += &table_of(
        "Then how fast the mirror is resynced, if that was chosen:",
        pace::FIELDS,
    );
    text += &table_of("What makes a soft partition:", soft::FIELDS);
    text += &table_of("An extent:", soft::EXTENT_FIELDS);
    text += &table_of("What makes a RAID5 metadevice:", raid::FIELDS);
    text
}

fn hot_spare_pool() -> String {
    let (kind, version) = (pool::RECORD_KIND, pool::RECORD_VERSION);
    let mut text = format!(
        "\n## Hot spare pool\n\nRecords of kind {kind}, version {version}. Their numbers are those \
         of the pools and {UNITS_MAX}. A head, and then spares, in the\norder in which they are \
         tried. Whether a spare is in use is in the record of the metadevice whose component it \
         stands\nfor. A spare that several pools have is in each.\n"
    );
    text += &table_of("The head:", pool::FIELDS);
    text += &table_of("A spare:", pool::SPARE_FIELDS);
    text
}

fn watched_devices() -> String {
    let (kind, version) = (watched::RECORD_KIND, watched::RECORD_VERSION);
    let number = watched::RECORD;
    let mut text = format!(
        "\n## Failfast\n\nA record of kind {kind}, version {version}, with the number {number}; a \
         set for whose disks nothing was ever chosen has none. A head, and\nthen the set's devices \
         on disks for which something is chosen. Those on one disk say the same.\n"
    );
    text += &table_of("The head:", watched::FIELDS);
    text += &table_of("A device:", watched::DEVICE_FIELDS);
    text
}

fn component_label() -> String {
    let mut text = String::from(
        "\n## Component label\n\nIn the head of its pages, `epoch` is 0 and `sequence` counts the \
         changes of the label.\n",
    );
    text += &table_of("Payload of each page:", label::FIELDS);
    text +=
        "\nThen the page's share of the tree: records of the metadevices that the component is \
             part of, without their\nstates.\n";
    text += &table_of("The head of a record of the tree:", label::RECORD_FIELDS);
    text
}

fn watermarks() -> String {
    let (version, bytes) = (watermark::VERSION, watermark::BYTES);
    let copy = watermark::COPY_SECTORS;
    let mut text = format!(
        "\n## Watermark\n\nThis is version {version}. The base of soft partitions, a device behind \
         its reserved head or a metadevice, is divided in grains of\n{GRAIN_SECTORS} sectors. A \
         watermark takes one, right before the data of the extent, or the free space, that it is \
         about. It is {bytes} bytes at the\nbeginning of the grain, and once more {copy} sectors \
         further on; the first copy that is whole and belongs there counts. The rest of\nthe grain \
         is zero.\n\n\
         The first watermark is in the first whole grain of the base. The next one follows behind \
         it and so many sectors as it says. The last\none, of kind 3, is in the last whole grain. \
         All have the same `base`. Whatever else looks like a watermark is none.\n\n\
         The layout of a soft partition is that of its extent 0: of this the one with the largest \
         `generation` whose layout is complete.\nThe others are the extents with the largest \
         `generation` that is not above that, in the order of `sequence`. The last one has what\n\
         the others leave of `total`. Other extents are free space. There are at most \
         {EXTENTS_MAX} extents.\n"
    );
    text += &table_of("A watermark:", watermark::FIELDS);
    text
}

fn raid_logs() -> String {
    let mut text = format!(
        "\n## Log of a RAID5 column\n\nA column has a log of {LOG_SECTORS} sectors in front of its \
         data: {SLOTS} slots of {SLOT_SECTORS} sectors. A batch of writes takes slot\n`sequence` \
         modulo {SLOTS} on each column that it writes to. A slot begins with a page; behind that \
         are the sectors of its entries,\none entry behind the other, none longer than \
         {LINE_SECTORS} sectors. A page whose checksum does not fit is no page.\n\n\
         Batches from the largest `tail` on count, in the order of `sequence`. One that all \
         columns which are there have, of those in\n`members`, is written to where it belongs \
         again; another one is left alone. Lines that are announced have no sectors here:\nthe \
         parity is made of what is in place, or what a missing column had of them is lost.\n\n\
         Where writes are in no log there are pages without entries only. If the newest one on any \
         column is `open`, the parity of all\nrows is made of the data, or it is not used.\n"
    );
    text += &table_of("The page:", raid_log::FIELDS);
    text += &table_of("An entry:", raid_log::ENTRY_FIELDS);
    write!(
        text,
        "\nFrom sector {LOST_START} on there are two pages for the list of blocks of 4 KiB that \
         are lost: they read as errors until they are\nwritten. A list goes to the page of its \
         number modulo 2, on all columns; the largest number on any of them counts.\n"
    )
    .expect("a string takes anything");
    text += &table_of("The page of a list:", lost::FIELDS);
    text += &table_of("A line of it:", lost::LINE_FIELDS);
    text
}

#[test]
fn the_document_is_as_the_code() {
    let sections = [
        pages(),
        places(),
        replica(),
        record(),
        hot_spare_pool(),
        watched_devices(),
        component_label(),
        watermarks(),
        raid_logs(),
    ];
    let made = INTRODUCTION.to_owned() + &sections.concat();
    if env::var_os("WRITE_FORMAT").is_some() {
        fs::write(DOCUMENT, &made).expect("docs/ can be written to");
    }
    let found = fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(
        found == made,
        "docs/format.md is not as the code: WRITE_FORMAT=1 scripts/in-root cargo test \
         --manifest-path userspace/Cargo.toml --locked --release -p md-model --test runner \
         format_document"
    );
}
