// SPDX-License-Identifier: GPL-2.0
//! The records in memory against a map: random histories of records that are put and removed, in
//! batches that may run out of drafts.

use std::collections::BTreeMap;

use md_model::database::{
    commit::Draft,
    identity::{
        Generation,
        Uuid, //
    },
    page::{
        open,
        payload_mut,
        seal,
        Damage,
        Kind,
        Stamp,
        PAGE_BYTES,
        PAYLOAD_BYTES, //
    },
    records::{
        Records,
        PART_BYTES_MAX, //
    },
    store::{
        entries,
        judge,
        read,
        Batch,
        Pages,
        Shortage,
        Tally,
        PARTS_MAX, //
    },
};
use proptest::{
    collection::vec,
    prelude::*, //
};

use super::seeded::for_all;

/// Numbers of pages that there are.
const COUNT: u32 = 24;

/// Payloads of the pages in use.
#[derive(Clone, Default)]
struct Held(BTreeMap<u32, Vec<u8>>);

impl Pages for Held {
    fn count(&self) -> u32 {
        COUNT
    }

    fn payload(&self, number: u32) -> &[u8] {
        self.0.get(&number).map_or(&[], |page| page)
    }
}

fn bad_value(name: &'static str, found: u64) -> Damage {
    Damage::Value { name, found }
}

/// A record, and its bytes or that it goes.
type Change = (u32, Option<Vec<u8>>);

/// What is expected, by number.
type Expected = BTreeMap<u32, Vec<u8>>;

fn change() -> impl Strategy<Value = Change> {
    let length = prop_oneof![
        6 => 0..400_usize,
        2 => 0..PART_BYTES_MAX * 4,
        1 => Just(PART_BYTES_MAX * 2)
    ];
    let bytes = (length, any::<u8>()).prop_map(|(length, fill)| {
        let byte = |at: usize| fill.wrapping_add((at / PART_BYTES_MAX) as u8);
        (0..length).map(byte).collect::<Vec<_>>()
    });
    (0..16_u32, proptest::option::weighted(0.8, bytes))
}

fn buffers(count: usize) -> Vec<Vec<u8>> {
    // What was in a draft before does not matter.
    vec![vec![0xa5; PAGE_BYTES]; count]
}

fn drafts(buffers: &mut [Vec<u8>]) -> Vec<Draft<'_>> {
    let draft = |bytes| Draft {
        number: 77,
        used: 99,
        bytes,
        slot: 5,
    };
    buffers
        .iter_mut()
        .map(|bytes| draft(&mut bytes[..]))
        .collect()
}

/// Carries changes out as far as there is room, in `expected` too; the pages that are rewritten.
fn run(held: &mut Held, expected: &mut Expected, changes: &[Change], most: usize) -> Vec<u32> {
    let before = held.clone();
    let mut buffers = buffers(most);
    let mut drafts = drafts(&mut buffers);
    let mut batch = Batch::new(&before, &mut drafts);
    for (record, bytes) in changes {
        let done = match bytes {
            Some(bytes) => batch.put(*record, (1, 1), bytes),
            None => batch.remove(*record),
        };
        match (done, bytes) {
            (Ok(()), Some(bytes)) => drop(expected.insert(*record, bytes.clone())),
            (Ok(()), None) => drop(expected.remove(record)),
            // Nothing of this change may show: the caller compares.
            (Err(_), _) => {}
        }
    }
    let count = batch.finish();
    let mut rewritten = Vec::new();
    for draft in &mut drafts[..count] {
        rewritten.push(draft.number);
        let used = draft.used;
        let payload = payload_mut(draft.bytes)[..used].to_vec();
        assert_ne!(before.payload(draft.number), payload, "it has to be new");
        match used {
            0 => drop(held.0.remove(&draft.number)),
            _ => drop(held.0.insert(draft.number, payload)),
        }
    }
    assert!(rewritten.windows(2).all(|pair| pair[0] < pair[1]));
    rewritten
}

/// What is held is what is expected, in pages that can be read back from a disk.
fn check(held: &Held, expected: &Expected) {
    let mut tallies = vec![Tally::default(); 16];
    assert_eq!(judge(held, &mut tallies), Ok(expected.len() as u32));
    let mut numbers: Vec<_> = entries(held).map(|entry| entry.record).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().eq(expected.keys()));
    let mut whole = vec![0; PARTS_MAX * PART_BYTES_MAX];
    for (record, bytes) in expected {
        let length = read(held, *record, &mut whole).expect("whole");
        assert_eq!(&whole[..length], bytes);
    }
    for (number, payload) in &held.0 {
        assert!(payload.len() <= PAYLOAD_BYTES);
        let mut page = vec![0; PAGE_BYTES];
        payload_mut(&mut page)[..payload.len()].copy_from_slice(payload);
        let stamp = Stamp {
            kind: Kind::Records,
            set: Uuid::NIL,
            generation: Generation::default(),
            place: 5,
        };
        seal(&mut page, stamp, payload.len()).expect("a page");
        let page = open(&page).expect("sealed");
        assert!(Records::decode(&page, *number).is_ok());
    }
}

#[test]
fn records_are_what_was_put_last() {
    let batches = vec((vec(change(), 1..6), 1..14_usize), 1..30);
    for_all(batches, |batches| {
        let (mut held, mut expected) = (Held::default(), Expected::new());
        for (changes, most) in &batches {
            let before = held.clone();
            let rewritten = run(&mut held, &mut expected, changes, *most);
            check(&held, &expected);
            let same = |number: &u32| before.payload(*number) == held.payload(*number);
            prop_assert!((0..COUNT).all(|number| rewritten.contains(&number) || same(&number)));
        }
        Ok(())
    });
}

/// A change of a few bytes rewrites the page that they are in, and no change none.
#[test]
fn a_new_state_rewrites_one_page() {
    let inputs = (vec(change(), 1..20), any::<(usize, usize, u8)>());
    for_all(inputs, |(changes, (which, at, xor))| {
        let (mut held, mut expected) = (Held::default(), Expected::new());
        run(&mut held, &mut expected, &changes, 30);
        let long = expected.iter().filter(|(_, bytes)| !bytes.is_empty());
        let long: Vec<_> = long
            .map(|(record, bytes)| (*record, bytes.clone()))
            .collect();
        if long.is_empty() {
            return Ok(());
        }
        let (record, mut bytes) = long[which % long.len()].clone();
        let again = [(record, Some(bytes.clone()))];
        prop_assert_eq!(run(&mut held, &mut expected, &again, 30), []);
        let at = at % bytes.len();
        bytes[at] ^= xor | 1;
        let changed = [(record, Some(bytes))];
        prop_assert_eq!(run(&mut held, &mut expected, &changed, 30).len(), 1);
        check(&held, &expected);
        Ok(())
    });
}

/// 1024 components: a record of 25 pages, and one page for a new state (issue 6).
#[test]
fn a_long_record_stays_where_it_is() {
    let (mut held, mut expected) = (Held::default(), Expected::new());
    let mut bytes: Vec<u8> = (0..PART_BYTES_MAX * 20 + 100).map(|at| at as u8).collect();
    let put = |bytes: &[u8]| [(3, Some(bytes.to_vec()))];
    assert_eq!(run(&mut held, &mut expected, &put(&bytes), 30).len(), 21);
    for at in [0, PART_BYTES_MAX * 7 + 5, PART_BYTES_MAX * 20 + 99] {
        bytes[at] ^= 0xff;
        let page = (at / PART_BYTES_MAX) as u32;
        assert_eq!(run(&mut held, &mut expected, &put(&bytes), 30), [page]);
    }
    check(&held, &expected);
}

#[test]
fn what_there_is_no_room_for_changes_nothing() {
    let held = Held::default();
    let long = vec![1; PART_BYTES_MAX * 3];
    let mut buffers = buffers(2);
    let mut drafts = drafts(&mut buffers);
    let mut batch = Batch::new(&held, &mut drafts);
    let missing = Err(Shortage::Drafts { missing: 1 });
    assert_eq!(batch.put(1, (1, 1), &long), missing);
    assert_eq!(batch.put(1, (1, 1), &long[..9]), Ok(()));
    let longest = vec![1; PART_BYTES_MAX * (COUNT as usize + 1)];
    assert_eq!(batch.put(2, (1, 1), &longest), Err(Shortage::Pages));
    let too_long = vec![1; PART_BYTES_MAX * PARTS_MAX + 1];
    assert_eq!(batch.put(2, (1, 1), &too_long), Err(Shortage::TooLong));
    assert_eq!(batch.finish(), 1);
}

/// A commit that has room for so many pages takes no more, and what it has stays.
#[test]
fn what_is_over_a_limit_is_left_out() {
    let held = Held::default();
    let page = |fill: u8| vec![fill; PART_BYTES_MAX];
    let mut buffers = buffers(4);
    let mut drafts = drafts(&mut buffers);
    let mut batch = Batch::new(&held, &mut drafts);
    let missing = Err(Shortage::Drafts { missing: 1 });
    assert_eq!(batch.put(1, (1, 1), &page(1)), Ok(()));
    batch.limit(2);
    assert_eq!(batch.put(2, (1, 1), &page(2)), Ok(()));
    assert_eq!(batch.put(3, (1, 1), &page(3)), missing);
    batch.limit(0);
    assert_eq!(batch.put(3, (1, 1), &page(3)), missing);
    assert_eq!(batch.put(2, (1, 1), &page(4)), Ok(()));
    batch.limit(9);
    assert_eq!(batch.put(3, (1, 1), &page(3)), missing);
    assert_eq!(batch.finish(), 2);
}

/// `DURABILITY.md` clause 20: what does not add up is refused, not guessed.
#[test]
fn parts_that_do_not_add_up_are_refused() {
    let (mut held, mut expected) = (Held::default(), Expected::new());
    let long = vec![7; PART_BYTES_MAX * 2 + 50];
    run(&mut held, &mut expected, &[(3, Some(long)), (4, None)], 30);
    let verdict = |held: &Held, most: usize| judge(held, &mut vec![Tally::default(); most]);
    assert_eq!(verdict(&held, 16), Ok(1));
    assert_eq!(verdict(&held, 3), Err(bad_value("record", 3)), "unknown");
    let mut doubled = held.clone();
    doubled.0.insert(9, held.0[&1].clone());
    let twice = Err(bad_value("part, there twice", 1));
    assert_eq!(verdict(&doubled, 16), twice);
    for page in 0..3 {
        let mut missing = held.clone();
        missing.0.remove(&page);
        let expected = Err(bad_value("record, a part is missing", 3));
        assert_eq!(verdict(&missing, 16), expected, "page {page}");
    }
    let mut other = held.clone();
    let version = 8 + 6;
    other.0.get_mut(&1).expect("there")[version] ^= 1;
    assert_eq!(
        verdict(&other, 16),
        Err(bad_value("record, its parts differ", 3))
    );
}
