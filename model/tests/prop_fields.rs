// SPDX-License-Identifier: GPL-2.0
//! Every field of `docs/format.md`, with each of its bits flipped and with extreme values, once
//! with the checksum as it was and once with one that fits: it is refused, or it is read as what it
//! says now, or another copy is chosen (`DURABILITY.md` clause 20). Nothing panics.

use std::collections::BTreeSet;

use md_model::{
    database::{
        field::Field,
        header::{
            self,
            End, //
        },
        identity::Uuid,
        label::{
            self,
            Label,
            TreeRecord, //
        },
        layout::ROOT_PLACE,
        members::{
            Member,
            Role, //
        },
        metadevice::{
            fields,
            history,
            pace,
            raid,
            soft,
            Sync, //
        },
        page::{
            self,
            HEAD_BYTES,
            PAGE_BYTES, //
        },
        pool,
        records,
        root,
        table,
        watched, //
    },
    mirror::scrub::history::RUNS_MAX, //
};

use crate::offline::{
    image,
    load,
    members,
    page,
    page_mut,
    reseal,
    Contents,
    PAGES,
    RECORDS_SLOT,
    SECTOR,
    SET,
    TABLE_SLOT, //
};
use crate::reencode::{
    self,
    Again, //
};
use crate::stored::{
    failfast,
    hot_spare_pool,
    mirror,
    raid5,
    scrubbed,
    soft_partition,
    stripe,
    synced, //
};

/// Fields of a structure within some bytes, and where it begins.
type Structure = (usize, &'static [Field]);

/// Something that is read, and how.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    structures: Vec<Structure>,
    /// Fields of which another value may be right, if the checksum fits.
    free: &'static [&'static str],
    again: fn(&[u8]) -> Again,
}

fn own() -> Member {
    members()[0]
}

fn sample() -> Vec<u8> {
    image(&own(), &[(10, &stripe()), (20, &synced()), (3, b"x")])
}

fn label_page() -> Vec<u8> {
    let tree = vec![3; 5000];
    let label = Label {
        set: SET,
        component: Uuid::from_bytes([8; 16]),
        set_name: [b'a'; 32],
        data_sector: 2048,
        sequence: 4,
        tree_bytes: tree.len() as u32,
    };
    let mut bytes = vec![0; PAGE_BYTES];
    label.encode(0, 0, &tree, &mut bytes).expect("a page");
    bytes
}

/// The structures of a page: its head, those of its payload, and parts of lists in it.
fn of_page(fixed: &'static [Field], lists: &[Structure]) -> Vec<Structure> {
    let mut structures = vec![(0, page::HEAD), (HEAD_BYTES, fixed)];
    structures.extend(lists.iter().map(|(at, fields)| (HEAD_BYTES + at, *fields)));
    structures
}

fn root_structures() -> Vec<Structure> {
    let pointer = (root::FIXED_BYTES, table::POINTER_FIELDS);
    let first = root::FIXED_BYTES + table::POINTER_BYTES;
    let second = first + root::MEMBER_BYTES;
    let lists = [
        pointer,
        (first, root::MEMBER_FIELDS),
        (second, root::MEMBER_FIELDS),
    ];
    of_page(root::FIELDS, &lists)
}

fn pages() -> Vec<Case> {
    let image = sample();
    let of = |place| page(&image, place).to_vec();
    vec![
        Case {
            name: "head",
            bytes: of(0),
            structures: of_page(header::FIELDS, &[]),
            free: &["set", "replica", "pages", "role"],
            again: |bytes| reencode::header(End::Head, SECTOR, bytes),
        },
        Case {
            name: "tail",
            bytes: of(PAGES - 1),
            structures: of_page(header::FIELDS, &[]),
            free: &["set", "replica", "role"],
            again: |bytes| reencode::header(End::Tail, SECTOR, bytes),
        },
        Case {
            name: "root",
            bytes: of(ROOT_PLACE[1][0]),
            structures: root_structures(),
            free: &[
                "epoch",
                "sequence",
                "claim",
                "role",
                "slot",
                "checksum",
                "replica",
                "component",
                "start",
                "change",
                "failed",
            ],
            again: |bytes| reencode::root((SET, own().replica), ROOT_PLACE[1][0], bytes),
        },
        Case {
            name: "table",
            bytes: of(TABLE_SLOT),
            structures: of_page(
                table::FIELDS,
                &[(table::FIXED_BYTES, table::POINTER_FIELDS)],
            ),
            free: &["epoch", "sequence", "slot", "checksum"],
            again: |bytes| reencode::table(SET, TABLE_SLOT, 0, bytes),
        },
        Case {
            name: "records",
            bytes: of(RECORDS_SLOT),
            structures: of_page(
                records::FIELDS,
                &[(records::FIXED_BYTES, records::PART_FIELDS)],
            ),
            // Of a part that ends with zeros, they may be padding as well.
            free: &[
                "epoch", "sequence", "record", "kind", "version", "of", "length",
            ],
            again: |bytes| reencode::records(SET, RECORDS_SLOT, 0, bytes),
        },
        Case {
            name: "label",
            bytes: label_page(),
            structures: of_page(label::FIELDS, &[]),
            free: &["set", "sequence", "component", "set_name", "data", "tree"],
            again: |bytes| reencode::label(0, 0, bytes),
        },
    ]
}

/// Fields of a stripe that may have any value, or several.
const STRIPE_FREE: &[&str] = &[
    "number",
    "size",
    "interlace",
    "component",
    "partition",
    "wwn",
    "start",
    "erred_at",
    "unit",
    "state",
    "pool",
    "role",
    "device",
];

fn metadevices() -> Vec<Case> {
    let row = fields::HEAD_BYTES;
    let first = row + fields::ROW_BYTES;
    let second = first + fields::COMPONENT_BYTES;
    let side = fields::HEAD_BYTES;
    let word = side + 2 * fields::SIDE_BYTES;
    vec![
        Case {
            name: "stripe",
            bytes: stripe(),
            structures: vec![
                (0, fields::FIELDS),
                (row, fields::ROW_FIELDS),
                (first, fields::COMPONENT_FIELDS),
                (second, fields::COMPONENT_FIELDS),
                (second + fields::COMPONENT_BYTES, fields::SPARED_FIELDS),
            ],
            free: STRIPE_FREE,
            again: reencode::metadevice,
        },
        Case {
            name: "mirror of version 1",
            bytes: mirror(Sync::UNKNOWN, &[], None),
            structures: vec![
                (0, fields::FIELDS),
                (side, fields::SIDE_FIELDS),
                (side + fields::SIDE_BYTES, fields::SIDE_FIELDS),
            ],
            free: &["number", "pass", "read", "write", "size", "state"],
            again: reencode::metadevice,
        },
        Case {
            name: "mirror with regions",
            bytes: synced(),
            structures: vec![
                (0, fields::FIELDS),
                (side, fields::SIDE_FIELDS),
                (side + fields::SIDE_BYTES, fields::SIDE_FIELDS),
                (word, fields::WORD_FIELDS),
                (word + fields::WORD_BYTES, fields::WORD_FIELDS),
                (word + 2 * fields::WORD_BYTES, fields::WORD_FIELDS),
            ],
            free: &[
                "number",
                "pass",
                "read",
                "write",
                "region_shift",
                "sync",
                "size",
                "state",
                "word",
            ],
            again: reencode::metadevice,
        },
    ]
}

/// A RAID5 metadevice, whose components are its columns.
fn raid_case() -> Case {
    let columns = fields::HEAD_BYTES + 2 * fields::ROW_BYTES;
    let spared = columns + 4 * fields::COMPONENT_BYTES;
    let checks = spared + fields::SPARED_BYTES;
    let pace = checks + history::BYTES;
    Case {
        name: "RAID5",
        bytes: raid5(),
        structures: vec![
            (0, fields::FIELDS),
            (fields::HEAD_BYTES, fields::ROW_FIELDS),
            (fields::HEAD_BYTES + fields::ROW_BYTES, fields::ROW_FIELDS),
            (columns, fields::COMPONENT_FIELDS),
            (columns + fields::COMPONENT_BYTES, fields::COMPONENT_FIELDS),
            (spared, fields::SPARED_FIELDS),
            (checks, history::FIELDS),
            (pace, pace::FIELDS),
            (pace + pace::BYTES, raid::FIELDS),
        ],
        // One check or range more may be one that is all zero.
        free: &[
            "number",
            "pool",
            "scrubs",
            "ranges",
            "role",
            "device",
            "target",
            "floor",
            "ceiling",
            "component",
            "partition",
            "wwn",
            "start",
            "size",
            "erred_at",
            "unit",
            "state",
            "log",
            "cursor",
            "activity",
            "rotation",
            "sync",
            "unlogged",
        ],
        again: reencode::metadevice,
    }
}

/// A soft partition, whose component is its base.
fn soft_case() -> Case {
    let base = fields::HEAD_BYTES;
    let own = base + fields::COMPONENT_BYTES;
    let extent = own + soft::HEAD_BYTES;
    Case {
        name: "soft partition",
        bytes: soft_partition(),
        structures: vec![
            (0, fields::FIELDS),
            (base, fields::COMPONENT_FIELDS),
            (own, soft::FIELDS),
            (extent, soft::EXTENT_FIELDS),
            (extent + soft::EXTENT_BYTES, soft::EXTENT_FIELDS),
        ],
        free: &[
            "number",
            "component",
            "partition",
            "wwn",
            "start",
            "size",
            "erred_at",
            "unit",
            "state",
            "soft",
            "base",
            "generation",
            "alignment",
            "sector",
        ],
        again: reencode::metadevice,
    }
}

/// A hot spare pool of two spares, of which one is broken.
fn pool_case() -> Case {
    let spare = pool::HEAD_BYTES;
    Case {
        name: "hot spare pool",
        bytes: hot_spare_pool(),
        structures: vec![
            (0, pool::FIELDS),
            (spare, pool::SPARE_FIELDS),
            (spare + pool::SPARE_BYTES, pool::SPARE_FIELDS),
        ],
        free: &["number", "spare", "partition", "wwn", "changed_at", "state"],
        again: reencode::hot_spare_pool,
    }
}

/// What failfast does with two disks.
fn failfast_case() -> Case {
    let device = watched::HEAD_BYTES;
    Case {
        name: "failfast",
        bytes: failfast(),
        structures: vec![
            (0, watched::FIELDS),
            (device, watched::DEVICE_FIELDS),
            (device + watched::DEVICE_BYTES, watched::DEVICE_FIELDS),
        ],
        free: &["device", "partition", "wwn", "period", "action"],
        again: reencode::failfast,
    }
}

/// The tree of a label, of a stripe and a mirror.
fn label_tree() -> Vec<u8> {
    let mut tree = vec![0; 1000];
    let mut used = 0;
    for bytes in [stripe(), synced()] {
        let record = TreeRecord {
            kind: fields::RECORD_KIND,
            version: fields::RECORD_VERSION,
            bytes: &bytes,
        };
        used = label::append(&mut tree, used, &record).expect("room");
    }
    tree.truncate(used);
    tree
}

/// The same, read and written again.
fn tree_again(bytes: &[u8]) -> Again {
    let (mut again, mut used, mut rest) = (vec![0; bytes.len()], 0, bytes);
    while !rest.is_empty() {
        let (record, behind) = label::first(rest).ok()?;
        used = label::append(&mut again, used, &record).expect("as long as it was");
        rest = behind;
    }
    Some(again)
}

/// What stands before the records of a label's tree.
fn tree_case() -> Case {
    let first = label::RECORD_HEAD_BYTES + stripe().len();
    Case {
        name: "tree of a label",
        bytes: label_tree(),
        structures: vec![(0, label::RECORD_FIELDS), (first, label::RECORD_FIELDS)],
        // A kind or version that nobody knows is for who decodes the record to refuse.
        free: &["kind", "version"],
        again: tree_again,
    }
}

/// A mirror that remembers two scrubs, and a range that the last one has found.
fn scrubs() -> Case {
    let scrubs = fields::HEAD_BYTES + 2 * fields::SIDE_BYTES + 3 * fields::WORD_BYTES;
    let run = scrubs + history::HEAD_BYTES;
    let range = run + RUNS_MAX * history::RUN_BYTES;
    Case {
        name: "mirror with scrubs",
        bytes: scrubbed(),
        structures: vec![
            (scrubs, history::FIELDS),
            (run, history::RUN_FIELDS),
            (run + history::RUN_BYTES, history::RUN_FIELDS),
            (range, history::RANGE_FIELDS),
        ],
        // One more may be one that is all zero.
        free: &[
            "scrubs",
            "ranges",
            "began",
            "compared",
            "skipped",
            "differing",
            "zeroed",
            "repaired",
            "seconds",
            "range_count",
            "outvoted",
            "mode",
            "end",
            "sector",
            "count",
            "read",
        ],
        again: reencode::metadevice,
    }
}

/// All that becomes of bytes when one field changes: each bit flipped, all of it zero or one, one
/// more and one less.
fn changed(bytes: &[u8], at: usize, field: Field) -> Vec<Vec<u8>> {
    let range = at + field.offset..at + field.end();
    let mut all: Vec<Vec<u8>> = (0..field.bytes * 8)
        .map(|bit| {
            let mut flipped = bytes.to_vec();
            flipped[range.start + bit / 8] ^= 1 << (bit % 8);
            flipped
        })
        .collect();
    for extreme in [0, 0xff] {
        let mut set = bytes.to_vec();
        set[range.clone()].fill(extreme);
        all.push(set);
    }
    if field.bytes <= 8 {
        let number = field.number(&bytes[at..]);
        for other in [number.wrapping_add(1), number.wrapping_sub(1)] {
            let mut set = bytes.to_vec();
            field.put(&mut set[at..], other);
            all.push(set);
        }
    }
    all.retain(|other| other != bytes);
    all
}

/// What is accepted is read as exactly what it says, and only fields that are free may say
/// something else.
fn check(case: &Case) {
    let read = (case.again)(&case.bytes);
    assert_eq!(read.as_ref(), Some(&case.bytes), "{}", case.name);
    let is_page = case.bytes.len() == PAGE_BYTES;
    let mut accepted = BTreeSet::new();
    for (at, fields) in &case.structures {
        for field in *fields {
            let place = format!("{} of the {}, byte {at}", field.name, case.name);
            for mut bytes in changed(&case.bytes, *at, *field) {
                if is_page {
                    assert_eq!((case.again)(&bytes), None, "{place}: the checksum is wrong");
                    reseal(&mut bytes);
                }
                if bytes == case.bytes {
                    continue;
                }
                if let Some(again) = (case.again)(&bytes) {
                    assert!(again == bytes, "{place}: read as something else");
                    accepted.insert(field.name);
                }
            }
        }
    }
    let free: BTreeSet<_> = case.free.iter().copied().collect();
    assert_eq!(accepted, free, "{}", case.name);
}

#[test]
fn a_field_of_a_page_is_refused_or_read_as_what_it_says() {
    pages().iter().for_each(check);
}

#[test]
fn a_field_of_a_metadevice_is_refused_or_read_as_what_it_says() {
    metadevices().iter().for_each(check);
    check(&scrubs());
    check(&soft_case());
    check(&raid_case());
}

#[test]
fn a_field_of_another_record_is_refused_or_read_as_what_it_says() {
    check(&pool_case());
    check(&failfast_case());
    check(&tree_case());
}

/// A load of a replica that is changed, alone and beside a sound one, finds one of these.
fn check_load(image: &[u8], sound: &[u8], expected: &[&Contents], place: &str) {
    for images in [&[image][..], &[image, sound], &[sound, image]] {
        let Some(loaded) = load(images) else {
            assert_eq!(images.len(), 1, "{place}: the sound one is there");
            continue;
        };
        match &loaded.contents {
            Some(found) => assert!(expected.contains(&found), "{place}: {:?}", loaded.start),
            None => assert_eq!(images.len(), 1, "{place}: the sound one has it all"),
        }
    }
}

/// Whatever is changed in one page of a replica, what is loaded is what was committed. A root of
/// the commit before, with a number and a checksum that were made to fit, is the newest one: then
/// that is loaded, as a whole.
#[test]
fn a_load_never_takes_a_changed_replica_for_a_sound_one() {
    let [first, second] = members();
    let (stripe, mirror) = (stripe(), synced());
    let records: [(u32, &[u8]); 3] = [(10, &stripe), (20, &mirror), (3, b"x")];
    let (hurt, sound) = (image(&first, &records), image(&second, &records));
    let whole = load(&[&hurt, &sound]).expect("two voters");
    let expected = whole.contents.expect("complete");
    assert_eq!(expected.len(), 1);
    let before = Contents::new();
    let structures = |place| match place {
        0 | 15 => of_page(header::FIELDS, &[]),
        RECORDS_SLOT => of_page(
            records::FIELDS,
            &[(records::FIXED_BYTES, records::PART_FIELDS)],
        ),
        TABLE_SLOT => of_page(
            table::FIELDS,
            &[(table::FIXED_BYTES, table::POINTER_FIELDS)],
        ),
        _ => root_structures(),
    };
    for place in [0, 1, 2, 3, 4, RECORDS_SLOT, TABLE_SLOT, PAGES - 1] {
        for (at, fields) in structures(place) {
            for field in fields {
                let name = format!("{} at byte {at} of page {place}", field.name);
                for mut bytes in changed(page(&hurt, place), at, *field) {
                    let mut image = hurt.clone();
                    page_mut(&mut image, place).copy_from_slice(&bytes);
                    check_load(&image, &sound, &[&expected], &name);
                    reseal(&mut bytes);
                    page_mut(&mut image, place).copy_from_slice(&bytes);
                    let is_older = ROOT_PLACE[0].contains(&place);
                    let is_number = is_older && ["epoch", "sequence"].contains(&field.name);
                    let found: &[_] = if is_number {
                        &[&expected, &before]
                    } else {
                        &[&expected]
                    };
                    check_load(&image, &sound, found, &name);
                }
            }
        }
    }
}

/// A tie-breaker's root says so, and a voter's does not: a role that is not the head's is refused.
#[test]
fn a_root_of_another_role_is_refused() {
    let tie = Member {
        role: Role::TieBreaker,
        ..own()
    };
    let (voter, tie) = (sample(), image(&tie, &[]));
    let mut mixed = voter;
    for place in ROOT_PLACE.into_iter().flatten() {
        page_mut(&mut mixed, place).copy_from_slice(page(&tie, place));
    }
    assert!(load(&[&mixed]).is_none());
}
