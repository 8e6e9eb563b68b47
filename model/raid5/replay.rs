// SPDX-License-Identifier: GPL-2.0
//! What is done about the logs of the columns before the first request (`svm.md` section 5.6,
//! `DURABILITY.md` clauses 15 and 16).
//!
//! A batch that is whole on all of its members that are there is carried out again, in the order of
//! their numbers: it may have begun in place. One that is not whole has not begun, and is left
//! alone. Then everything is flushed, and a batch without entries, a *checkpoint*, says that
//! nothing before it counts. So a replay that is cut off is just done again, and a batch that was
//! left alone once is never carried out later, when somebody else may be missing.
//!
//! A column that is missing, now or from before, has its content from the others: if they have the
//! batch, it has it, too.
//!
//! Which columns are in service is in the state database. If what is there of it may be old, the
//! newest page tells who was not ([`Scan::stale`]).
//!
//! Lines that were only announced may be in place in part. With all columns there, the parity is
//! made of what there is ([`settle`]). With one missing, the checksums tell whether the others have
//! all that is new; if not, what the missing one had cannot be told, and is [`lost`](super::lost).

use super::{
    bit,
    log::Head,
    COLUMNS_MAX,
    SLOTS, //
};
use crate::database::identity::Uuid;

/// What is found in a slot.
pub type Found = Option<Head>;

/// What is to be done about a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is carried out again, on all members that are there.
    Redo,
    /// It has not begun.
    Leave,
}

/// Judges a batch. `members`: columns that take part in it; `missing`: columns that are not there,
/// or are not read; `whole`: those that have all of it; as bits.
pub const fn judge(members: u64, missing: u64, whole: u64) -> Verdict {
    let there = members & !missing;
    if there != 0 && there & whole == there {
        Verdict::Redo
    } else {
        Verdict::Leave
    }
}

/// What is to be done about a line that was announced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settled {
    /// Nothing: what is there fits.
    Fine,
    /// The parity is made of the data.
    MakeParity,
    /// What this column had of it is lost.
    Lost(u32),
}

/// Judges a line that was announced. What fits is not written again. `parity`: the column that has
/// its parity; `missing`: columns that are not there; `differing`: those there that do not have
/// what was announced; as bits.
pub const fn settle(parity: u32, missing: u64, differing: u64) -> Settled {
    let data = missing & !bit(parity);
    if differing == 0 {
        Settled::Fine
    } else if missing == 0 {
        Settled::MakeParity
    } else if data == 0 {
        Settled::Fine
    } else {
        Settled::Lost(data.trailing_zeros())
    }
}

/// What is found in all slots of all columns: those of the first column come first.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    log: Uuid,
    found: &'a [Found],
}

impl<'a> Scan<'a> {
    /// What was found of the log with this uuid. Others count for nothing.
    pub const fn new(log: Uuid, found: &'a [Found]) -> Self {
        Self { log, found }
    }

    /// All slots that count: the column that has it, and what it says.
    fn heads(&self) -> impl Iterator<Item = &'a Head> + 'a {
        let log = self.log;
        (0..SLOTS.saturating_mul(u64::from(COLUMNS_MAX)))
            .zip(self.found)
            .filter_map(move |(place, found)| {
                let column = place / SLOTS;
                found
                    .as_ref()
                    .filter(|head| head.log == log && u64::from(head.column) == column)
            })
    }

    /// The first batch that is not known to be durable in place.
    pub fn tail(&self) -> u64 {
        self.heads().map(|head| head.tail).max().unwrap_or(0)
    }

    /// The number that the next batch gets.
    pub fn next_sequence(&self) -> u64 {
        let last = self.heads().map(|head| head.sequence).max();
        last.unwrap_or(0).saturating_add(1)
    }

    /// How many times the devices of the columns have changed. `present`: columns that are there,
    /// as bits. If the power went before all of them were told, they have changed once more.
    pub fn devices(&self, columns: u32, present: u64) -> u16 {
        let told = self.newest().map_or(0, |newest| newest.devices);
        told.wrapping_add((self.stale(columns) & present != 0).into())
    }

    /// Columns that may lack what was written last, as bits, whatever the state database has of
    /// them: the one that was out of service then, or being made, and devices whose place another
    /// one had. For a start with replicas that may be older than the columns (`DURABILITY.md`
    /// clause 2); the power may also have gone while all were told that a device has changed, and
    /// then the others look like that.
    pub fn stale(&self, columns: u32) -> u64 {
        let Some(newest) = self.newest() else {
            return 0;
        };
        let missing = newest.missing.map_or(0, bit);
        (0..columns)
            .filter(|column| {
                let own = self.heads().filter(|head| head.column == *column);
                let last = own.max_by_key(|head| head.sequence);
                last.is_none_or(|last| last.devices != newest.devices)
            })
            .fold(missing, |stale, column| stale | bit(column))
    }

    /// Whether columns were attached that a record with so many does not know. For a start with
    /// replicas that may be older than the columns: with these the parity is the sum of others.
    pub fn has_more(&self, columns: u32) -> bool {
        self.newest().is_some_and(|newest| newest.columns > columns)
    }

    /// Whether writes that are in no log may have been under way.
    pub fn is_open(&self) -> bool {
        self.newest().is_some_and(|newest| newest.is_open)
    }

    fn newest(&self) -> Option<&'a Head> {
        self.heads().max_by_key(|head| head.sequence)
    }

    /// The first batch with a number of at least `from` that anybody has, and its members, and who
    /// has it.
    pub fn first_from(&self, from: u64) -> Option<Batch> {
        let from = from.max(self.tail());
        let sequence = self
            .heads()
            .map(|head| head.sequence)
            .filter(|sequence| *sequence >= from)
            .min()?;
        let of_batch = || self.heads().filter(|head| head.sequence == sequence);
        let members = of_batch().next()?.members;
        // Who says otherwise has another batch.
        let holders = of_batch()
            .filter(|head| head.members == members)
            .fold(0, |holders, head| holders | bit(head.column));
        Some(Batch {
            sequence,
            members,
            holders,
        })
    }
}

/// A batch that somebody has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Batch {
    /// Its number.
    pub sequence: u64,
    /// The columns that it writes to, as bits.
    pub members: u64,
    /// Those of them that say so, as bits.
    pub holders: u64,
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{
        vec,
        vec::Vec, //
    };

    use super::*;

    const LOG: Uuid = Uuid::from_bytes([1; 16]);

    fn head(column: u32, sequence: u64, tail: u64, members: u64) -> Found {
        Some(Head {
            log: LOG,
            column,
            sequence,
            tail,
            members,
            is_open: false,
            missing: None,
            columns: 3,
            devices: 0,
        })
    }

    /// The same when another column was missing, and devices had changed so many times.
    fn told(found: Found, missing: Option<u32>, devices: u16) -> Found {
        found.map(|head| Head {
            missing,
            devices,
            ..head
        })
    }

    /// Three columns with these heads, each in the slot of its number.
    fn table(heads: &[Found]) -> Vec<Found> {
        let mut table = vec![None; 3 * SLOTS as usize];
        for head in heads.iter().flatten() {
            let slot = head.sequence % SLOTS + u64::from(head.column) * SLOTS;
            *table.get_mut(slot as usize).expect("a slot") = Some(*head);
        }
        table
    }

    /// Every combination for up to four columns, against the words of the head of this file.
    #[test]
    fn a_batch_is_redone_if_all_that_are_there_have_it() {
        for members in 0..16_u64 {
            for missing in 0..16_u64 {
                for whole in 0..16_u64 {
                    let there: Vec<_> = (0..4)
                        .filter(|column| members & bit(*column) != 0)
                        .filter(|column| missing & bit(*column) == 0)
                        .collect();
                    let all = there.iter().all(|column| whole & bit(*column) != 0);
                    let expected = if all && !there.is_empty() {
                        Verdict::Redo
                    } else {
                        Verdict::Leave
                    };
                    assert_eq!(judge(members, missing, whole), expected);
                }
            }
        }
    }

    #[test]
    fn a_line_that_was_announced_is_made_to_fit_or_lost() {
        for parity in 0..4_u32 {
            assert_eq!(settle(parity, 0, 0), Settled::Fine);
            assert_eq!(settle(parity, 0, 0b0110), Settled::MakeParity);
            for missing in 0..4_u32 {
                let there = 0b1111 & !bit(missing);
                assert_eq!(settle(parity, bit(missing), 0), Settled::Fine);
                for differing in (1..16_u64).map(|set| set & there).filter(|set| *set != 0) {
                    let expected = if missing == parity {
                        Settled::Fine
                    } else {
                        Settled::Lost(missing)
                    };
                    assert_eq!(settle(parity, bit(missing), differing), expected);
                }
            }
        }
    }

    #[test]
    fn batches_come_in_their_order_from_the_tail_on() {
        let found = table(&[
            head(0, 5, 2, 0b101),
            head(2, 5, 2, 0b101),
            head(0, 3, 1, 0b011),
            head(1, 3, 1, 0b011),
            head(1, 1, 1, 0b010),
        ]);
        let scan = Scan::new(LOG, &found);
        assert_eq!((scan.tail(), scan.next_sequence()), (2, 6));
        let first = scan.first_from(0).expect("a batch");
        assert_eq!((first.sequence, first.holders), (3, 0b011));
        let second = scan.first_from(4).expect("a batch");
        assert_eq!(
            (second.sequence, second.members, second.holders),
            (5, 0b101, 0b101)
        );
        assert_eq!(scan.first_from(6), None);
    }

    #[test]
    fn the_newest_page_tells_who_lacks_what_was_written() {
        let all = [
            head(0, 5, 5, 0b111),
            head(1, 5, 5, 0b111),
            head(2, 5, 5, 0b111),
        ];
        let stale = |found: &[Found]| Scan::new(LOG, &table(found)).stale(3);
        assert_eq!(stale(&all), 0);
        // Who takes no part in the last batch has not missed it for that.
        assert_eq!(stale(&[all[0], all[1], all[2], head(0, 6, 5, 1)]), 0);
        let without = told(head(0, 6, 5, 1), Some(2), 0);
        assert_eq!(stale(&[all[0], all[1], all[2], without]), 0b100);
        // It is back.
        let back = [0, 1, 2].map(|column| told(head(column, 7, 7, 0b111), None, 1));
        assert_eq!(stale(&[all[0], without, back[0], back[1], back[2]]), 0);
        // Its place had another device.
        assert_eq!(stale(&[all[2], without, back[0], back[1]]), 0b100);
        assert_eq!(stale(&[without, back[0], back[1]]), 0b100);
        assert_eq!(stale(&[]), 0);
        let told = table(&[without, back[0], back[1]]);
        let scan = Scan::new(LOG, &told);
        assert_eq!((scan.devices(3, 0b011), scan.devices(3, 0b111)), (1, 2));
    }

    #[test]
    fn the_newest_page_tells_of_columns_that_were_attached() {
        let more = head(1, 6, 5, 0b1010).map(|head| Head { columns: 4, ..head });
        let table = table(&[head(0, 5, 5, 0b111), more]);
        let scan = Scan::new(LOG, &table);
        assert!(scan.has_more(3) && !scan.has_more(4));
        // Older builds tell nothing.
        let silent = table.iter().flatten().map(|head| {
            Some(Head {
                columns: 0,
                ..*head
            })
        });
        let silent: Vec<_> = silent.collect();
        assert!(!Scan::new(LOG, &silent).has_more(3));
    }

    #[test]
    fn the_newest_page_tells_of_writes_that_are_in_no_log() {
        let open = |found: Found| {
            found.map(|head| Head {
                is_open: true,
                ..head
            })
        };
        let is_open = |found: &[Found]| Scan::new(LOG, &table(found)).is_open();
        let opened = open(head(0, 6, 5, 0b011));
        assert!(!is_open(&[]) && !is_open(&[head(0, 5, 5, 0b111)]));
        assert!(is_open(&[head(1, 5, 5, 0b111), opened]));
        assert!(!is_open(&[opened, head(1, 7, 7, 0b011)]));
    }

    #[test]
    fn a_checkpoint_ends_what_was_before() {
        let found = table(&[head(0, 5, 2, 0b011), head(1, 6, 6, 0b111)]);
        let scan = Scan::new(LOG, &found);
        let first = scan.first_from(0).expect("the checkpoint");
        assert_eq!(first.sequence, 6);
        assert_eq!(scan.first_from(7), None);
    }

    #[test]
    fn what_is_of_another_log_or_column_counts_for_nothing() {
        let mut found = table(&[head(0, 5, 2, 0b011)]);
        assert_eq!(
            Scan::new(Uuid::from_bytes([2; 16]), &found).next_sequence(),
            1
        );
        found.rotate_left(SLOTS as usize);
        assert_eq!(Scan::new(LOG, &found).first_from(0), None);
    }
}
