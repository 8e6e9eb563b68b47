// SPDX-License-Identifier: GPL-2.0
//! Codecs of the state database: what is written reads back, and bytes of any kind are judged
//! without a panic (`DURABILITY.md` clause 20).

use md_model::{
    database::{
        header::{
            End,
            Header, //
        },
        identity::{
            Generation,
            Uuid, //
        },
        label::{
            first,
            LabelPage, //
        },
        members::{
            Change,
            Member,
            Role, //
        },
        metadevice::{
            encode,
            fields::{
                HEAD_BYTES,
                RECORD_KIND,
                RECORD_VERSION,
                REGION_SHIFT,
                REGION_WORDS,
                SIDE_BYTES,
                SYNC,
                WORD_BYTES, //
            },
            Component,
            Head,
            Kind,
            Parts,
            Record,
            Row,
            Side,
            Sync, //
        },
        page::{
            open,
            payload_mut,
            seal,
            Damage,
            Kind as PageKind,
            Stamp,
            HEAD_BYTES as PAGE_HEAD_BYTES,
            PAGE_BYTES, //
        },
        records::{
            append,
            clear,
            Part,
            Records, //
        },
        root::{
            Root,
            Verified, //
        },
        store::{
            entries,
            metadevice,
            Pages, //
        },
        table::{
            decode,
            Pointer,
            TABLE_PAGES, //
        },
    },
    limits::UNIT_SECTORS_MAX,
    mirror::{
        component::State,
        options::{
            Options,
            ReadPolicy,
            WritePolicy, //
        },
        regions::{
            Regions,
            SHIFT_MAX,
            SHIFT_MIN,
            WORDS_MAX, //
        },
        side::SideState,
        throttle::Limits,
    },
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select, //
};

use crate::seeded::for_all;

fn uuids() -> impl Strategy<Value = Uuid> {
    any::<[u8; 16]>().prop_map(Uuid::from_bytes)
}

fn components() -> impl Strategy<Value = Component> {
    let state = select(vec![
        State::Okay,
        State::Erred,
        State::LastErred,
        State::Resyncing,
    ]);
    let places = (any::<u64>(), any::<u64>(), any::<u64>());
    let unit = proptest::option::of(0..8192_u32);
    (uuids(), uuids(), any::<[u8; 32]>(), places, unit, state).prop_map(
        |(uuid, partition, wwn, (start_sector, size_sectors, erred_at), unit, state)| Component {
            uuid,
            partition,
            wwn,
            start_sector,
            size_sectors,
            erred_at,
            unit,
            state,
        },
    )
}

/// Rows, with their components.
fn stripes() -> impl Strategy<Value = (Vec<Row>, Vec<Component>)> {
    let row = (any::<u64>(), any::<u64>(), vec(components(), 1..5));
    vec(row, 1..40).prop_map(|rows| {
        let (mut table, mut all) = (Vec::new(), Vec::new());
        for (interlace_sectors, size_sectors, components) in rows {
            table.push(Row {
                interlace_sectors,
                size_sectors,
                component_count: components.len() as u32,
            });
            all.extend(components);
        }
        (table, all)
    })
}

/// A stripe's record reads back, also one that is longer than a page.
#[test]
fn stripes_read_back() {
    let inputs = (0..8192_u32, any::<u64>(), stripes());
    for_all(inputs, |(number, size_sectors, (rows, components))| {
        let head = Head {
            number,
            kind: Kind::Stripe,
            size_sectors,
            sync: Sync::UNKNOWN,
            pool: None,
        };
        let mut bytes = vec![0xff; 40_000];
        let parts = stripe_of(head, &rows, &components);
        let length = encode(&parts, &mut bytes).expect("room");
        let record = Record::decode(&bytes[..length]).expect("legal");
        prop_assert_eq!(record.head, head);
        prop_assert_eq!(record.rows().collect::<Vec<_>>(), rows);
        prop_assert_eq!(record.components().collect::<Vec<_>>(), components);
        prop_assert_eq!(record.sides().count(), 0);
        prop_assert!(Record::decode(&bytes[..length - 1]).is_err());
        prop_assert!(Record::decode(&bytes[..length + 1]).is_err());
        Ok(())
    });
}

/// The parts of a stripe.
fn stripe_of<'a>(head: Head, rows: &'a [Row], components: &'a [Component]) -> Parts<'a> {
    Parts {
        head,
        rows,
        components,
        sides: &[],
        words: &[],
        spared: &[],
        history: None,
        soft: None,
        raid: None,
    }
}

/// A mirror, its sides, and the words of its regions.
type Mirror = (Head, Vec<Side>, Vec<u64>);

/// A size in sectors, and what is remembered of the regions of such a mirror.
fn syncs() -> impl Strategy<Value = (u64, Sync)> {
    let size = prop_oneof![1 => 0..9_u64, 4 => 0..20_000_000_u64, 1 => 0..UNIT_SECTORS_MAX];
    (size, 0..3_u32, any::<bool>(), any::<bool>()).prop_map(|(size, more, known, is_cancelled)| {
        let shift = Regions::of(size).shift() + more;
        let region_shift = shift.min(SHIFT_MAX);
        let sync = Sync {
            region_shift,
            is_cancelled,
        };
        (size, if known { sync } else { Sync::UNKNOWN })
    })
}

fn mirrors() -> impl Strategy<Value = Mirror> {
    let state = select(vec![
        SideState::Okay,
        SideState::NeedsResync,
        SideState::Offline,
    ]);
    let side = (0..8192_u32, state).prop_map(|(number, state)| Side { number, state });
    let options = (0..4_u32, 0..3_u32, 0..10_u8).prop_map(|(read, write, pass)| Options {
        pace: Limits::DEFAULT,
        read: ReadPolicy::from_number(read).expect("a policy"),
        write: WritePolicy::from_number(write).expect("a policy"),
        pass,
    });
    let words = vec(any::<u64>(), 5 * WORDS_MAX);
    let inputs = (0..8192_u32, options, vec(side, 1..5), syncs(), words);
    inputs.prop_map(
        |(number, options, sides, (size_sectors, sync), mut words)| {
            let regions = Regions::with_shift(size_sectors, sync.region_shift);
            let each = regions.map_or(0, |regions| regions.words());
            words.truncate(each * (1 + sides.len()));
            let head = Head {
                number,
                kind: Kind::Mirror(options),
                size_sectors,
                sync,
                pool: None,
            };
            (head, sides, words)
        },
    )
}

/// The record of a mirror, in bytes that were something else before.
fn record_of((head, sides, words): &Mirror) -> Vec<u8> {
    let mut bytes = vec![0xff; 3000];
    let parts = Parts {
        head: *head,
        rows: &[],
        components: &[],
        sides,
        words,
        spared: &[],
        history: None,
        soft: None,
        raid: None,
    };
    let length = encode(&parts, &mut bytes).expect("room");
    assert_eq!(encode(&parts, &mut bytes[..length - 1]), None, "no room");
    bytes.truncate(length);
    bytes
}

#[test]
fn mirrors_read_back() {
    for_all(mirrors(), |mirror| {
        let bytes = record_of(&mirror);
        let (head, sides, words) = mirror;
        let record = Record::decode(&bytes).expect("legal");
        prop_assert_eq!(record.head, head);
        prop_assert_eq!(record.sides().collect::<Vec<_>>(), sides.clone());
        let found = (0..=sides.len()).flat_map(|bitmap| record.words(bitmap));
        prop_assert_eq!(found.collect::<Vec<_>>(), words);
        prop_assert_eq!(record.words(sides.len() + 1).count(), 0);
        Ok(())
    });
}

/// A mirror with as many sides and regions as there can be, each word another one.
fn largest() -> Mirror {
    let head = Head {
        number: 5,
        kind: Kind::Mirror(Options::default()),
        size_sectors: 4096 << SHIFT_MIN,
        sync: Sync {
            region_shift: SHIFT_MIN,
            is_cancelled: true,
        },
        pool: None,
    };
    let side = |number| Side {
        number,
        state: SideState::Okay,
    };
    let words = (0..5 * WORDS_MAX as u64).map(|word| (word << 32) | 1);
    (head, (0..4).map(side).collect(), words.collect())
}

#[test]
fn four_sides_with_the_most_regions_read_back() {
    let mirror = largest();
    let bytes = record_of(&mirror);
    let length = HEAD_BYTES + 4 * SIDE_BYTES + 5 * 64 * WORD_BYTES;
    assert_eq!(bytes.len(), length);
    let record = Record::decode(&bytes).expect("legal");
    for bitmap in 0..5 {
        let expected = mirror.2.iter().copied().skip(64 * bitmap).take(64);
        assert!(record.words(bitmap).eq(expected), "bitmap {bitmap}");
    }
}

/// What a record says after a change of its bytes, or what is wrong with it.
fn after(mirror: &Mirror, change: impl Fn(&mut Vec<u8>)) -> Result<(), Damage> {
    let mut bytes = record_of(mirror);
    change(&mut bytes);
    Record::decode(&bytes).map(drop)
}

fn bad(name: &'static str, found: u64) -> Result<(), Damage> {
    Err(Damage::Value { name, found })
}

/// `DURABILITY.md` clauses 12 and 20: a map that does not fit its mirror is refused.
#[test]
fn regions_that_do_not_fit_are_refused() {
    let mirror = largest();
    assert_eq!(after(&mirror, |_| ()), Ok(()));
    for words in [0, 1, 63, 65, 0xffff] {
        let found = after(&mirror, |bytes| REGION_WORDS.put(bytes, words));
        assert_eq!(found, bad("length", record_of(&mirror).len() as u64));
    }
    let found = after(&mirror, |bytes| {
        REGION_WORDS.put(bytes, 63);
        bytes.truncate(bytes.len() - 5 * WORD_BYTES);
    });
    assert_eq!(found, bad("region_words", 63));
    for shift in [0, 1, SHIFT_MIN - 1, SHIFT_MAX + 1, 255] {
        let found = after(&mirror, |bytes| REGION_SHIFT.put(bytes, shift.into()));
        assert_eq!(found, bad("region_shift", shift.into()));
    }
    let found = after(&mirror, |bytes| REGION_SHIFT.put(bytes, 13));
    assert_eq!(found, bad("region_words", 64), "there are fewer regions");
    assert_eq!(after(&mirror, |bytes| SYNC.put(bytes, 2)), bad("sync", 2));
}

/// Words that are not the same number for each bitmap, or more than there can be, are not written.
#[test]
fn too_many_words_are_not_written() {
    let (head, sides, words) = largest();
    let mut bytes = vec![0; 4000];
    let mut written = |words: &[u64]| {
        let parts = Parts {
            head,
            rows: &[],
            components: &[],
            sides: &sides,
            words,
            spared: &[],
            history: None,
            soft: None,
            raid: None,
        };
        encode(&parts, &mut bytes)
    };
    assert_eq!(written(&words[1..]), None);
    assert_eq!(written(&[&words[..], &[0; 5]].concat()), None);
    assert!(written(&words).is_some());
}

/// Without regions, nothing of them is remembered either, nor has anything but a mirror some.
#[test]
fn regions_of_what_has_none_are_refused() {
    let (head, sides, _) = largest();
    let plain = Head {
        sync: Sync::UNKNOWN,
        ..head
    };
    let mirror = (plain, sides, Vec::new());
    assert_eq!(after(&mirror, |_| ()), Ok(()));
    let cancelled = after(&mirror, |bytes| SYNC.put(bytes, 1));
    assert_eq!(cancelled, bad("region_shift", 0));
}

/// A stripe has no regions.
#[test]
fn a_stripe_with_regions_is_refused() {
    let head = Head {
        number: 6,
        kind: Kind::Stripe,
        size_sectors: 4096 << SHIFT_MIN,
        sync: Sync::UNKNOWN,
        pool: None,
    };
    let row = Row {
        interlace_sectors: 16,
        size_sectors: head.size_sectors,
        component_count: 1,
    };
    let component = Component {
        uuid: Uuid::NIL,
        partition: Uuid::NIL,
        wwn: [0; 32],
        start_sector: 0,
        size_sectors: head.size_sectors,
        erred_at: 0,
        unit: None,
        state: State::Okay,
    };
    let mut bytes = vec![0; 1000];
    let (rows, components) = ([row], [component]);
    let length = encode(&stripe_of(head, &rows, &components), &mut bytes);
    bytes.truncate(length.expect("room"));
    assert!(Record::decode(&bytes).is_ok());
    REGION_SHIFT.put(&mut bytes, SHIFT_MIN.into());
    let refused = bad("region_shift", SHIFT_MIN.into());
    assert_eq!(Record::decode(&bytes).map(drop), refused);
    REGION_WORDS.put(&mut bytes, 64);
    bytes.extend([0; 64 * WORD_BYTES]);
    assert_eq!(Record::decode(&bytes).map(drop), refused);
}

/// The one page of records of a database.
struct OnePage(Vec<u8>);

impl Pages for OnePage {
    fn count(&self) -> u32 {
        1
    }

    fn payload(&self, _number: u32) -> &[u8] {
        &self.0
    }
}

/// What the database says of a mirror whose record has this version.
fn in_database(version: u16, bytes: &[u8]) -> Result<Sync, Damage> {
    let mut payload = vec![0; 1000];
    let used = clear(&mut payload, 0);
    let part = Part {
        record: 5,
        kind: RECORD_KIND,
        version,
        part: 0,
        of: 1,
        bytes,
    };
    let used = append(&mut payload, used, &part).expect("room");
    payload.truncate(used);
    let held = OnePage(payload);
    let entry = entries(&held).next().expect("a record");
    let mut buffer = vec![0; 1000];
    let record = metadevice(&held, &entry, &mut buffer)?;
    assert_eq!(record.words(0).count(), 0);
    Ok(record.head.sync)
}

/// Version 1 has zeros where version 2 has regions: nothing is known of them; both have zeros where
/// version 3 has hot spares. A version that is
/// not known is refused, not guessed (`DURABILITY.md` clause 20).
#[test]
fn a_record_of_version_1_knows_no_regions() {
    let (head, sides, _) = largest();
    let plain = Head {
        sync: Sync::UNKNOWN,
        ..head
    };
    let bytes = record_of(&(plain, sides, Vec::new()));
    assert_eq!(bytes[REGION_SHIFT.offset..][..8], [0; 8]);
    for version in [1, 2, RECORD_VERSION] {
        assert_eq!(in_database(version, &bytes), Ok(Sync::UNKNOWN));
    }
    for version in [0, RECORD_VERSION + 1] {
        let refused = bad("version", version.into());
        assert_eq!(in_database(version, &bytes).map(drop), refused);
    }
}

fn members() -> impl Strategy<Value = Vec<Member>> {
    let role = select(vec![Role::Voter, Role::TieBreaker]);
    let changes = [
        Change::Stays,
        Change::Joins,
        Change::Leaves,
        Change::GivenUp,
    ];
    let change = select(changes.to_vec());
    let member = (uuids(), role, change, any::<bool>(), uuids(), any::<u64>()).prop_map(
        |(replica, role, change, failed, component, start_sector)| Member {
            replica,
            role,
            change,
            failed,
            component,
            start_sector,
        },
    );
    vec(member, 0..51).prop_filter("each once", |members| {
        let mut replicas: Vec<_> = members.iter().map(|member| member.replica).collect();
        replicas.sort();
        replicas.windows(2).all(|pair| pair[0] != pair[1])
    })
}

#[test]
fn roots_read_back() {
    let pointer = (any::<u32>(), any::<u32>());
    let pointer = pointer.prop_map(|(slot, checksum)| Pointer { slot, checksum });
    let inputs = (members(), vec(pointer, 0..33), any::<[u64; 3]>(), 1..3_u32);
    for_all(inputs, |(members, tables, numbers, place)| {
        let [epoch, sequence, claim] = numbers;
        let root = Root {
            set: Uuid::from_bytes([1; 16]),
            replica: Uuid::from_bytes([2; 16]),
            role: Role::Voter,
            generation: Generation { epoch, sequence },
            claim,
        };
        let mut bytes = vec![0xff; PAGE_BYTES];
        let made = root.encode(place, &tables, &members, &mut bytes);
        if members.len() > 50 {
            prop_assert_eq!(made, None);
            return Ok(());
        }
        prop_assert_eq!(made, Some(()));
        let found = Verified::decode(&bytes, root.set, root.replica, place).expect("whole");
        prop_assert_eq!(found.root, root);
        prop_assert_eq!(found.tables().collect::<Vec<_>>(), tables.clone());
        prop_assert_eq!(found.members().collect::<Vec<_>>(), members.clone());
        let other = Verified::decode(&bytes, root.set, root.set, place);
        prop_assert!(other.is_err(), "another replica's root");
        let mut twice = members;
        if let Some(first) = twice.first().copied() {
            twice.truncate(49);
            twice.push(Member {
                failed: !first.failed,
                ..first
            });
            if twice.len() > 1 {
                root.encode(place, &tables, &twice, &mut bytes)
                    .expect("a page");
                let found = Verified::decode(&bytes, root.set, root.replica, place);
                prop_assert!(found.is_err(), "a member is in the list twice");
            }
        }
        Ok(())
    });
}

/// Asks every decoder, which may say anything but must not panic.
fn judge(bytes: &[u8], record: &[u8]) {
    let set = Uuid::from_bytes([1; 16]);
    let replica = Uuid::from_bytes([2; 16]);
    for end in [End::Head, End::Tail] {
        let _ = Header::decode(end, bytes, 256);
    }
    if let Ok(root) = Verified::decode(bytes, set, replica, 1) {
        root.members().chain(root.members()).for_each(drop);
        root.tables().for_each(drop);
    }
    let _ = LabelPage::decode(0, 0, bytes);
    if let Ok(page) = open(bytes) {
        let _ = decode(&page, 0, &mut [Pointer::NONE; TABLE_PAGES]);
        if let Ok(records) = Records::decode(&page, 0) {
            records.parts().for_each(drop);
        }
    }
    let mut tree = record;
    while let Ok((_, rest)) = first(tree) {
        tree = rest;
    }
    if let Ok(record) = Record::decode(record) {
        record.rows().for_each(drop);
        record.components().for_each(drop);
        record.sides().for_each(drop);
        (0..6).for_each(|bitmap| record.words(bitmap).for_each(drop));
    }
}

/// Payloads that nobody wrote, in pages that are whole: small numbers, and any.
#[test]
fn hostile_bytes_are_no_danger() {
    let byte = prop_oneof![3 => Just(0_u8), 2 => 0..4_u8, 1 => any::<u8>()];
    let kind = select(PageKind::ALL.to_vec());
    let place = select(vec![0_u32, 1, 191]);
    let inputs = (vec(byte, 0..600), kind, place, any::<usize>());
    for_all(inputs, |(payload, kind, place, used)| {
        let mut bytes = vec![0; PAGE_BYTES];
        let target = payload_mut(&mut bytes);
        target[..payload.len()].copy_from_slice(&payload);
        let stamp = Stamp {
            kind,
            set: Uuid::from_bytes([1; 16]),
            generation: Generation::default(),
            place,
        };
        let used = used % (PAGE_BYTES - PAGE_HEAD_BYTES + 1);
        seal(&mut bytes, stamp, used).expect("it fits");
        judge(&bytes, &payload);
        judge(&payload, &payload);
        Ok(())
    });
}

/// Mirrors with a few bytes changed, of which those of the head are the interesting ones.
#[test]
fn changed_mirrors_are_no_danger() {
    let changes = vec((0..64_usize, any::<u8>()), 1..4);
    for_all((mirrors(), changes), |(mirror, changes)| {
        let mut bytes = record_of(&mirror);
        for (place, value) in changes {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = value;
            }
        }
        judge(&[], &bytes);
        Ok(())
    });
}

/// Records with a few bytes changed.
#[test]
fn changed_records_are_no_danger() {
    let changes = vec((any::<u16>(), any::<u8>()), 1..4);
    for_all((stripes(), changes), |((rows, components), changes)| {
        let head = Head {
            number: 1,
            kind: Kind::Stripe,
            size_sectors: 77,
            sync: Sync::UNKNOWN,
            pool: None,
        };
        let mut bytes = vec![0; 40_000];
        let parts = stripe_of(head, &rows, &components);
        let length = encode(&parts, &mut bytes).expect("room");
        for (place, value) in changes {
            bytes[usize::from(place) % length] = value;
        }
        judge(&bytes[..PAGE_BYTES], &bytes[..length]);
        Ok(())
    });
}
