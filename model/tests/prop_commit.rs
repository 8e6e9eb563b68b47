// SPDX-License-Identifier: GPL-2.0
//! Commits and power cuts (`DURABILITY.md` clauses 4 and 7): whenever the power goes, and whatever
//! the disk kept of what was not flushed, the replica holds the old state or the new one, whole.

use std::collections::BTreeMap;

use md_model::{
    database::{
        commit::Refusal,
        identity::Generation,
        layout::{
            slots,
            REPLICA_PAGES_IN_HEAD,
            SPARE_SLOTS, //
        },
        load::{
            Reader,
            Room,
            What, //
        },
        members::Member,
        page::PAGE_BYTES, //
        table::{
            Pointer,
            TABLES_MAX,
            TABLE_PAGES, //
        },
    },
    limits::{
        REPLICAS_MAX,
        UNITS_MAX, //
    },
};
use proptest::{
    collection::{
        btree_map,
        vec, //
    },
    prelude::*,
};

use crate::replica::{
    load,
    Contents,
    Replica, //
};
use crate::seeded::for_all;

/// Pages of the replica.
const PAGES: u32 = 64;

/// Changes of some pages of records, in the first table and in the second. A page without records
/// is dropped.
fn changes() -> impl Strategy<Value = Contents> {
    let number = prop_oneof![4 => 0..12_u32, 1 => 503..506_u32];
    let records = btree_map(0..50_u32, vec(any::<u8>(), 0..200), 0..6);
    btree_map(number, records, 1..5)
}

/// What the state is after changes.
fn after(before: &Contents, changed: &Contents) -> Contents {
    let mut after = before.clone();
    after.extend(changed.clone());
    after.retain(|_, records| !records.is_empty());
    after
}

/// Numbers out of a seed, for sectors that a disk keeps.
fn coin(seed: &mut u64) -> bool {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed & 1 == 1
}

#[test]
fn a_power_cut_leaves_the_old_state_or_the_new_one() {
    for_all((vec(changes(), 1..12), any::<u64>()), |(history, seed)| {
        let mut replica = Replica::new(PAGES);
        let mut seed = seed | 1;
        for changed in &history {
            let old = replica.load().expect("whole");
            let new = after(&old.contents, changed);
            let mut images = Vec::new();
            let written = replica.commit(&old, changed, |disk| {
                images.push(disk.cut(|| false));
                images.push(disk.cut(|| true));
                images.extend((0..3).map(|_| disk.cut(|| coin(&mut seed))));
            });
            prop_assert!(written.is_ok(), "{:?}", written);
            for image in images {
                let found = match load(&image) {
                    Ok(found) => found.contents,
                    Err(damage) => return Err(TestCaseError::fail(format!("{damage:?}"))),
                };
                prop_assert!(found == old.contents || found == new, "neither old nor new");
            }
            prop_assert_eq!(replica.load().expect("whole").contents, new);
        }
        Ok(())
    });
}

/// A claim leaves the commit as it is, and is there or not (`DURABILITY.md` clause 3).
#[test]
fn a_power_cut_during_a_claim_leaves_the_commit_alone() {
    let inputs = (vec(changes(), 1..6), 2..9_u64, any::<u64>());
    for_all(inputs, |(history, epoch, seed)| {
        let mut replica = replica_after(&history);
        let live = replica.load().expect("whole");
        let (mut images, mut seed) = (Vec::new(), seed | 1);
        replica.claim(&live, epoch, |disk| {
            images.extend((0..8).map(|_| disk.cut(|| coin(&mut seed))));
        });
        for image in images {
            let found = load(&image).expect("whole");
            prop_assert_eq!(&found.contents, &live.contents);
            prop_assert_eq!(found.generation, live.generation);
            prop_assert!(found.claim == live.claim || found.claim == epoch);
        }
        prop_assert_eq!(replica.load().expect("whole").claim, epoch);
        Ok(())
    });
}

/// The alarm works: a disk that forgets a flush is found out, at least by a checksum.
#[test]
fn a_flush_that_does_nothing_is_found_out() {
    let mut replica = Replica::new(PAGES);
    let one: Contents = [(0, BTreeMap::from([(1, vec![1; 100])]))].into();
    let live = replica.load().expect("whole");
    let before = replica.disk.durable.clone();
    replica.commit(&live, &one, |_| {}).expect("room");
    // The root is durable, but the pages below it are not.
    let mut image = replica.disk.durable.clone();
    let slots = 5 * PAGE_BYTES..63 * PAGE_BYTES;
    image[slots.clone()].copy_from_slice(&before[slots]);
    assert!(load(&image).is_err());
}

/// A replica with this history.
fn replica_after(history: &[Contents]) -> Replica {
    let mut replica = Replica::new(PAGES);
    for changed in history {
        let live = replica.load().expect("whole");
        replica.commit(&live, changed, |_| {}).expect("room");
    }
    replica
}

/// A page that lands in the place of another one is noticed; never is something wrong returned.
#[test]
fn misdirected_writes_are_detected() {
    let inputs = (vec(changes(), 2..8), any::<[usize; 2]>());
    for_all(inputs, |(history, [from, to])| {
        let replica = replica_after(&history);
        let whole = replica.load().expect("whole");
        let places = whole.places(PAGES);
        let (from, to) = (places[from % places.len()], places[to % places.len()]);
        let mut image = replica.disk.durable.clone();
        let start = from as usize * PAGE_BYTES;
        image.copy_within(start..start + PAGE_BYTES, to as usize * PAGE_BYTES);
        if let Ok(found) = load(&image) {
            prop_assert_eq!(found.is_suspect, from != to);
            prop_assert_eq!(found.contents, whole.contents);
        }
        Ok(())
    });
}

/// A bit that flips anywhere in what is in use is noticed, and never costs a commit silently.
#[test]
fn flipped_bits_are_detected() {
    let inputs = (vec(changes(), 2..8), vec(any::<[usize; 2]>(), 200));
    for_all(inputs, |(history, flips)| {
        let replica = replica_after(&history);
        let whole = replica.load().expect("whole");
        let places = whole.places(PAGES);
        for [place, bit] in flips {
            let start = places[place % places.len()] as usize * PAGE_BYTES;
            let mut image = replica.disk.durable.clone();
            image[start + bit / 8 % PAGE_BYTES] ^= 1 << (bit % 8);
            if let Ok(found) = load(&image) {
                prop_assert!(found.is_suspect);
                prop_assert_eq!(found.contents, whole.contents.clone());
            }
        }
        Ok(())
    });
}

/// What a reader makes of an image.
struct Seen {
    /// The commit, and whether all of it is there.
    found: Option<(Generation, u64, bool)>,
    flaws: u32,
    /// The places that it asked for.
    places: Vec<u32>,
    /// Pages of records that it accepted, by their numbers.
    pages: Vec<u32>,
}

/// Reads an image with room for the pointers of so many tables. The page at `gone` is not read.
fn read(image: &[u8], tables: usize, gone: Option<u32>) -> Seen {
    let mut room = (
        vec![Member::UNFILLED; REPLICAS_MAX],
        vec![Pointer::NONE; TABLES_MAX],
        vec![Pointer::NONE; TABLE_PAGES * tables],
    );
    let room = Room {
        members: &mut room.0,
        tables: &mut room.1,
        pages: &mut room.2,
    };
    let mut reader = Reader::new(crate::replica::START_SECTOR, Some(PAGES), room);
    let (mut places, mut pages) = (Vec::new(), Vec::new());
    while let Some(next) = reader.next() {
        places.push(next.place);
        let start = next.place as usize * PAGE_BYTES;
        let bytes = (gone != Some(next.place)).then(|| &image[start..start + PAGE_BYTES]);
        if let Ok(Some(read)) = reader.take(bytes) {
            assert_eq!(read, next);
            pages.extend((read.what == What::Records).then_some(read.number));
        }
    }
    let found = reader.found();
    Seen {
        found: found.map(|found| (found.generation, found.claim, found.complete)),
        flaws: reader.flaws(),
        places,
        pages,
    }
}

/// A reader asks for all that is in use, and for nothing else, with much room or little.
#[test]
fn a_reader_reads_a_replica_once_and_whole() {
    for_all(vec(changes(), 0..8), |history| {
        let replica = replica_after(&history);
        let whole = replica.load().expect("whole");
        for tables in [1, 2] {
            let seen = read(&replica.disk.durable, tables, None);
            let expected = (whole.generation, whole.claim, true);
            prop_assert_eq!((seen.found, seen.flaws), (Some(expected), 0));
            prop_assert!(seen.pages.iter().eq(whole.contents.keys()));
            let (mut places, mut expected) = (seen.places, whole.places(PAGES));
            places.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(places, expected);
        }
        Ok(())
    });
}

/// `DURABILITY.md` clause 20: what is damaged or cannot be read is told, and is not taken for
/// whole. One end of a replica, or one copy of a root, is enough.
#[test]
fn a_reader_tells_of_every_flaw() {
    let inputs = (vec(changes(), 2..8), vec(any::<[usize; 2]>(), 60));
    for_all(inputs, |(history, flips)| {
        let replica = replica_after(&history);
        let whole = replica.load().expect("whole");
        let places = whole.places(PAGES);
        for [place, bit] in flips {
            let place = places[place % places.len()];
            let mut image = replica.disk.durable.clone();
            image[place as usize * PAGE_BYTES + bit / 8 % PAGE_BYTES] ^= 1 << (bit % 8);
            let is_whole = place < 5 || place == PAGES - 1;
            let expected = (whole.generation, whole.claim, is_whole);
            for seen in [
                read(&image, 2, None),
                read(&replica.disk.durable, 2, Some(place)),
            ] {
                prop_assert_eq!((seen.found, seen.flaws), (Some(expected), 1));
            }
        }
        Ok(())
    });
}

#[test]
fn a_reader_of_nothing_ends() {
    let seen = read(&vec![0; PAGES as usize * PAGE_BYTES], 1, None);
    assert_eq!((seen.found, seen.flaws), (None, 2));
    assert_eq!(seen.places, [0, PAGES - 1]);
}

/// Records of stripes with four components, 8 to a page.
fn many(units: u32) -> Contents {
    let mut contents = Contents::new();
    for unit in 0..units {
        let page = contents.entry(unit / 8).or_default();
        page.insert(unit, vec![unit as u8; 448]);
    }
    contents
}

/// 8192 metadevices have room on a replica of 8 MiB, and a change of one costs as much as if it
/// were alone: its page, the table above, and the root.
#[test]
fn the_cost_of_a_commit_does_not_grow_with_what_did_not_change() {
    let mut replica = Replica::new(2048);
    let live = replica.load().expect("whole");
    let all = many(UNITS_MAX);
    replica.commit(&live, &all, |_| {}).expect("room for all");
    let mut live = replica.load().expect("whole");
    assert_eq!(live.contents, all);
    for unit in [0, 4711, UNITS_MAX - 1] {
        let mut page = all[&(unit / 8)].clone();
        page.insert(unit, vec![0xee; 448]);
        let changed = Contents::from([(unit / 8, page)]);
        let written = replica.commit(&live, &changed, |_| {}).expect("room");
        assert_eq!(written, 3);
        live = replica.load().expect("whole");
    }
}

/// A replica in a reserved head has room for fewer, and says so.
#[test]
fn a_replica_that_is_too_small_says_how_much_is_missing() {
    let mut replica = Replica::new(REPLICA_PAGES_IN_HEAD);
    let live = replica.load().expect("whole");
    let free = slots(REPLICA_PAGES_IN_HEAD) - SPARE_SLOTS;
    let refused = replica.commit(&live, &many(UNITS_MAX), |_| {});
    let needed = UNITS_MAX / 8 + 3;
    assert_eq!(refused, Err(Refusal::NoRoom { needed, free }));
    assert!(replica.commit(&live, &many(1400), |_| {}).is_ok());
}
