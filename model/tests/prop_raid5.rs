// SPDX-License-Identifier: GPL-2.0
//! The layout of RAID5 against a slow one that walks over all chunks, and the choice of the way to
//! a new parity against one that counts reads of real lines.

use std::collections::BTreeMap;

use md_model::database::identity::Uuid;
use md_model::raid5::{
    bit,
    layout::{
        Layout,
        Rotation, //
    },
    log,
    plan::{
        choose,
        Case,
        Lost,
        Plan, //
    },
    replay::{
        judge,
        Scan,
        Verdict, //
    },
    COLUMNS_MAX,
    COLUMNS_MIN,
    LINE_SECTORS,
    LOG_SECTORS,
    SLOTS, //
};
use proptest::prelude::*;

use crate::seeded::for_all;

fn any_layout() -> impl Strategy<Value = Layout> {
    let rotation = prop_oneof![Just(Rotation::LeftSymmetric), Just(Rotation::Svm)];
    let columns = prop_oneof![3 => COLUMNS_MIN..9_u32, 1 => COLUMNS_MIN..=COLUMNS_MAX];
    let attached = prop_oneof![2 => Just(0), 1 => 0..4_u32];
    (columns, 1..12_u64, 1..7_u64, 0..8_u64, rotation, attached).prop_map(
        |(columns, interlace, rows, rest, rotation, attached)| {
            let interlace = interlace * 8;
            let sectors = LOG_SECTORS + rows * interlace + rest;
            let layout = Layout::new(columns, interlace, sectors, rotation).expect("in range");
            let attached = attached.min(COLUMNS_MAX - columns);
            layout.attach(attached).expect("in range")
        },
    )
}

/// Column and offset of each sector, found by walking over rows and columns, and then over those
/// that were attached.
fn walked(layout: &Layout) -> Vec<(u32, u64)> {
    let (columns, interlace) = (layout.original(), layout.interlace_sectors());
    let mut places = Vec::new();
    for row in 0..layout.column_sectors() / interlace {
        let turn = (row % u64::from(columns)) as u32;
        let (parity, first) = match layout.rotation() {
            Rotation::LeftSymmetric => (columns - 1 - turn, (columns - turn) % columns),
            Rotation::Svm => ((turn + columns - 1) % columns, turn),
        };
        let mut column = first;
        for _ in 0..columns - 1 {
            assert_ne!(column, parity);
            places.extend((0..interlace).map(|within| (column, row * interlace + within)));
            column = (column + 1) % columns;
        }
        assert_eq!(column, parity);
    }
    for column in columns..layout.columns() {
        places.extend((0..layout.column_sectors()).map(|offset| (column, offset)));
    }
    places
}

/// [`Layout::sector_at`] is the inverse of [`Layout::run`], and has nothing where the parity is.
#[test]
fn what_a_column_has_is_found_again() {
    for_all(any_layout(), |layout| {
        let mut sectors = BTreeMap::new();
        for (sector, place) in (0..).zip(walked(&layout)) {
            sectors.insert(place, sector);
        }
        for column in 0..=layout.columns() {
            for offset in 0..=layout.column_sectors() {
                let expected = sectors.get(&(column, offset)).copied();
                prop_assert_eq!(layout.sector_at(column, offset), expected);
            }
        }
        Ok(())
    });
}

/// The members of a batch, who is missing and who has it, as the page of each column says.
fn pages(members: u64, whole: u64) -> Vec<Option<log::Head>> {
    let mut found = vec![None; 6 * SLOTS as usize];
    for column in (0..6).filter(|column| members & whole & bit(*column) != 0) {
        found[column as usize * SLOTS as usize + 3] = Some(log::Head {
            is_open: false,
            missing: None,
            columns: 3,
            devices: 0,
            log: Uuid::from_bytes([1; 16]),
            column,
            sequence: 3,
            tail: 1,
            members,
        });
    }
    found
}

#[test]
fn each_sector_is_where_the_walk_finds_it() {
    for_all(any_layout(), |layout| {
        let places = walked(&layout);
        prop_assert_eq!(places.len() as u64, layout.sectors());
        for (sector, (column, offset)) in (0..).zip(&places) {
            let run = layout.run(sector, 1).expect("inside");
            prop_assert_eq!((run.column, run.offset, run.count), (*column, *offset, 1));
        }
        prop_assert_eq!(layout.run(layout.sectors(), 1), None);
        Ok(())
    });
}

#[test]
fn pieces_cover_a_request_and_stay_in_their_lines() {
    let inputs = (any_layout(), any::<u64>(), 1..600_u64);
    for_all(inputs, |(layout, from, count)| {
        let places = walked(&layout);
        let from = from % layout.sectors();
        let count = count.min(layout.sectors() - from);
        let (mut done, mut pieces) = (0, layout.pieces(from, count));
        while done < count {
            let piece = layout.piece(from + done, count - done).expect("inside");
            prop_assert_eq!(pieces.next(), Some(piece));
            let line = layout.line_of(piece.line).expect("a line");
            prop_assert_eq!(line.start, piece.line);
            prop_assert!(piece.count > 0 && piece.skip + piece.count <= line.count);
            prop_assert!(line.count <= LINE_SECTORS && piece.column != line.parity);
            for sector in 0..piece.count {
                let place = places[(from + done + sector) as usize];
                prop_assert_eq!(place, (piece.column, piece.line + piece.skip + sector));
            }
            done += piece.count;
        }
        prop_assert_eq!((done, pieces.next()), (count, None));
        let behind: u64 = layout.pieces(from, u64::MAX).map(|piece| piece.count).sum();
        prop_assert_eq!(behind, layout.sectors() - from);
        Ok(())
    });
}

/// Lines partition the columns, and each has one parity column, which has no data there.
#[test]
fn lines_follow_each_other() {
    for_all(any_layout(), |layout| {
        let mut data: BTreeMap<u64, u64> = BTreeMap::new();
        for (column, offset) in walked(&layout) {
            *data.entry(offset).or_default() |= bit(column);
        }
        let all = (0..layout.columns()).fold(0, |all, column| all | bit(column));
        let mut offset = 0;
        while let Some(line) = layout.line_of(offset) {
            prop_assert_eq!(line.start, offset);
            for sector in offset..offset + line.count {
                prop_assert_eq!(data[&sector] | bit(line.parity), all);
                prop_assert_eq!(data[&sector] & bit(line.parity), 0);
            }
            offset += line.count;
        }
        prop_assert_eq!(offset, layout.column_sectors());
        Ok(())
    });
}

#[test]
fn no_other_way_takes_fewer_reads() {
    let inputs = (2..63_u32, 1..64_u32, 0..64_u32);
    for_all(inputs, |(data_columns, touched, covered)| {
        let touched = touched.min(data_columns);
        let covered = covered.min(touched);
        let case = Case {
            data_columns,
            touched,
            covered,
            lost: Lost::Nothing,
            is_parity_known: true,
        };
        let (make, modify) = (data_columns - covered, touched + 1);
        let reads = match choose(&case) {
            Some(Plan::Make) => make,
            Some(Plan::Modify) => modify,
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert_eq!(reads, make.min(modify));
        Ok(())
    });
}

/// Whatever column is lost besides, a batch that may have begun is carried out again: it has begun
/// only if all members have it. And one that has not is left alone if nobody is missing.
#[test]
fn what_may_have_begun_is_redone() {
    for_all(
        (1..64_u64, 0..64_u64, 0..6_u32),
        |(members, whole, lost)| {
            let found = pages(members, whole);
            let batch = Scan::new(Uuid::from_bytes([1; 16]), &found).first_from(0);
            let has_begun = members & whole == members;
            let Some(batch) = batch else {
                prop_assert!(!has_begun);
                return Ok(());
            };
            prop_assert_eq!(batch.holders, members & whole);
            let verdict = judge(batch.members, bit(lost), batch.holders);
            let others = members & !bit(lost);
            prop_assert!(!has_begun || others == 0 || verdict == Verdict::Redo);
            let healthy = judge(batch.members, 0, batch.holders);
            prop_assert_eq!(healthy == Verdict::Redo, has_begun);
            Ok(())
        },
    );
}
