// SPDX-License-Identifier: GPL-2.0
//! Reads of which nobody waits for a slow side (`DURABILITY.md` clause 13, `hedge=1`): a read that
//! takes long is sent to another side as well, and whoever answers first counts.
//!
//! That is only possible if each of them reads into memory of our own: the caller's may not be
//! touched any more once he has his answer, and a disk that is late still writes into what it was
//! given. So a hedged read costs a copy, and is something that an administrator asks for
//! ([`ReadPolicy::Hedged`](super::options::ReadPolicy::Hedged)).
//!
//! [`Hedge`] is one such read: which sides were asked, who has answered. The caller keeps it until
//! all have ([`Hedge::is_over`]), also when the read itself is long done. A side that has lost the
//! data is to be mended also if nobody waits for its answer ([`Hedge::take_lost`]).

use super::side_bit;

/// A read that takes so long, in microseconds, is late, and another side is asked. A healthy disk
/// is an order of magnitude below that with its queue full.
pub const LATE_US: u64 = 250_000;

/// How often it is looked which reads are late, in milliseconds.
pub const LOOK_MS: u32 = 50;

/// Most reads of a mirror that are hedged at the same time. The others are sent as ever: if so many
/// wait, the side will soon be suspect, and nobody asks it any more.
pub const READS_MAX: usize = 64;

/// Longest read that is hedged, in bytes: what is longer would want much memory at once.
pub const BYTES_MAX: u32 = 256 << 10;

/// A read that more than one side may be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hedge {
    /// Sides that have not answered yet, as bits.
    in_flight: u32,
    /// Sides that have answered with an error which is their fault, as bits.
    failed: u32,
    /// Sides that have lost what was to be read, as bits, until somebody takes care of that.
    lost: u32,
    /// Sides that were asked at all, as bits.
    asked: u32,
    /// Whether the read has its answer.
    is_answered: bool,
}

/// How a side has answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// With the data.
    Good,
    /// With an error that is not its fault.
    Excused,
    /// With an error that is its fault.
    Failed,
    /// With the error that it has lost the data: a medium error.
    Lost,
}

/// What an answer of a side means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It is the answer of the read.
    Deliver,
    /// The read has its answer already, or will have it from another side.
    Drop,
    /// No side has it: these have failed, as bits. The read goes on as one that was not hedged.
    Fail(u32),
}

impl Hedge {
    /// A read that is sent to a side.
    pub const fn of(side: u32) -> Self {
        let side = side_bit(side);
        Self {
            in_flight: side,
            failed: 0,
            lost: 0,
            asked: side,
            is_answered: false,
        }
    }

    /// Whether another side should be asked, `waited_us` microseconds after the last one was.
    pub const fn is_late(&self, waited_us: u64) -> bool {
        !self.is_answered && self.in_flight != 0 && waited_us >= LATE_US
    }

    /// Sides that were asked, as bits: another one is to be asked next.
    pub const fn asked(&self) -> u32 {
        self.asked
    }

    /// Another side is asked. `false`: it is too late, or that side was asked before, or is none.
    #[must_use]
    pub fn ask(&mut self, side: u32) -> bool {
        let side = side_bit(side);
        if self.is_answered || self.in_flight == 0 || side == 0 || self.asked & side != 0 {
            return false;
        }
        self.in_flight |= side;
        self.asked |= side;
        true
    }

    /// A side has answered.
    pub fn answer(&mut self, side: u32, outcome: Outcome) -> Answer {
        let side = side_bit(side);
        if self.in_flight & side == 0 {
            return Answer::Drop;
        }
        self.in_flight &= !side;
        if outcome == Outcome::Lost {
            self.lost |= side;
        }
        if self.is_answered {
            return Answer::Drop;
        }
        match outcome {
            Outcome::Good => {
                self.is_answered = true;
                return Answer::Deliver;
            }
            Outcome::Excused => {}
            Outcome::Failed | Outcome::Lost => self.failed |= side,
        }
        if self.in_flight != 0 {
            return Answer::Drop;
        }
        self.is_answered = true;
        if outcome == Outcome::Lost {
            // The read goes on with this error, as one that was not hedged; whoever goes on with it
            // has all of them mended.
            self.lost = 0;
        }
        Answer::Fail(self.failed)
    }

    /// Sides that are to be given again what they have lost, as bits: from now on somebody takes
    /// care of these.
    pub fn take_lost(&mut self) -> u32 {
        core::mem::take(&mut self.lost)
    }

    /// Whether all sides that were asked have answered, and nothing is left to be mended.
    pub const fn is_over(&self) -> bool {
        self.in_flight == 0 && self.lost == 0
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Outcome::*,
        *, //
    };

    /// `DURABILITY.md` clause 13: who reads does not wait for the slow side.
    #[test]
    fn a_late_read_is_answered_by_another_side_once() {
        let mut hedge = Hedge::of(0);
        assert!(!hedge.is_late(LATE_US - 1));
        assert!(hedge.is_late(LATE_US));
        assert!(hedge.ask(2));
        assert_eq!(hedge.asked(), 0b101);
        assert_eq!(hedge.answer(2, Good), Answer::Deliver);
        assert!(!hedge.is_over(), "the slow side still has our memory");
        assert!(!hedge.is_late(u64::MAX) && !hedge.ask(1));
        assert_eq!(hedge.answer(0, Good), Answer::Drop);
        assert!(hedge.is_over());
    }

    #[test]
    fn the_slow_side_may_be_the_first_after_all() {
        let mut hedge = Hedge::of(1);
        assert!(hedge.ask(0));
        assert_eq!(hedge.answer(1, Good), Answer::Deliver);
        assert_eq!(hedge.answer(0, Failed), Answer::Drop);
        assert!(hedge.is_over());
    }

    /// Whoever is asked second and fails does not end a read that the first may still answer.
    #[test]
    fn a_read_fails_when_nobody_is_left() {
        let mut hedge = Hedge::of(0);
        assert!(hedge.ask(1));
        assert_eq!(hedge.answer(1, Failed), Answer::Drop);
        assert!(hedge.is_late(LATE_US), "a third side may be asked");
        assert_eq!(hedge.answer(0, Failed), Answer::Fail(0b11));
        assert!(hedge.is_over());
        let mut hedge = Hedge::of(0);
        assert_eq!(hedge.answer(0, Excused), Answer::Fail(0));
    }

    /// Issue 7: a medium error is met with a rewrite, whoever has answered the read.
    #[test]
    fn what_a_side_has_lost_is_taken_care_of_once() {
        let mut late = Hedge::of(0);
        assert!(late.ask(1));
        assert_eq!(late.answer(1, Good), Answer::Deliver);
        assert_eq!(late.answer(0, Lost), Answer::Drop);
        assert!(!late.is_over(), "somebody has to take care of it");
        assert_eq!((late.take_lost(), late.take_lost()), (0b01, 0));
        assert!(late.is_over());

        let mut early = Hedge::of(0);
        assert!(early.ask(1));
        assert_eq!(early.answer(1, Lost), Answer::Drop);
        assert_eq!(early.take_lost(), 0b10);
        assert!(!early.is_over() && early.is_late(LATE_US));
        assert_eq!(early.answer(0, Good), Answer::Deliver);
        assert!(early.is_over());
    }

    /// A read that has failed with a medium error is mended on all sides that have failed by
    /// whoever goes on with it; with another error it is not.
    #[test]
    fn what_all_sides_have_lost_is_not_taken_care_of_twice() {
        let table = [
            ([Lost, Lost], 0b11, 0),
            ([Failed, Lost], 0b11, 0),
            ([Lost, Failed], 0b11, 0b10),
            ([Lost, Excused], 0b10, 0b10),
            ([Excused, Lost], 0b01, 0),
        ];
        for ([first, last], failed, lost) in table {
            let mut hedge = Hedge::of(0);
            assert!(hedge.ask(1));
            assert_eq!(hedge.answer(1, first), Answer::Drop);
            assert_eq!(hedge.answer(0, last), Answer::Fail(failed));
            assert_eq!(hedge.take_lost(), lost, "{first:?} {last:?}");
            assert!(hedge.is_over());
        }
    }

    #[test]
    fn a_side_is_asked_once() {
        let mut hedge = Hedge::of(0);
        assert!(!hedge.ask(0));
        assert!(!hedge.ask(u32::MAX), "there is no such side");
        assert_eq!(hedge.answer(3, Lost), Answer::Drop, "nobody asked");
        assert_eq!(hedge.answer(0, Good), Answer::Deliver);
        assert!(!hedge.ask(1), "it is over");
    }
}
