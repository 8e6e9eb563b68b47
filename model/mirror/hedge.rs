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
//! all have ([`Hedge::is_over`]), also when the read itself is long done.

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
    /// Sides that were asked at all, as bits.
    asked: u32,
    /// Whether the read has its answer.
    is_answered: bool,
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

    /// A side has answered, well or not; `is_its_fault`: if not, that says something about it.
    pub fn answer(&mut self, side: u32, is_good: bool, is_its_fault: bool) -> Answer {
        let side = side_bit(side);
        let was_waited_for = self.in_flight & side != 0;
        self.in_flight &= !side;
        if self.is_answered || !was_waited_for {
            return Answer::Drop;
        }
        if is_good {
            self.is_answered = true;
            return Answer::Deliver;
        }
        if is_its_fault {
            self.failed |= side;
        }
        if self.in_flight != 0 {
            return Answer::Drop;
        }
        self.is_answered = true;
        Answer::Fail(self.failed)
    }

    /// Whether all sides that were asked have answered.
    pub const fn is_over(&self) -> bool {
        self.in_flight == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `DURABILITY.md` clause 13: who reads does not wait for the slow side.
    #[test]
    fn a_late_read_is_answered_by_another_side_once() {
        let mut hedge = Hedge::of(0);
        assert!(!hedge.is_late(LATE_US - 1));
        assert!(hedge.is_late(LATE_US));
        assert!(hedge.ask(2));
        assert_eq!(hedge.asked(), 0b101);
        assert_eq!(hedge.answer(2, true, false), Answer::Deliver);
        assert!(!hedge.is_over(), "the slow side still has our memory");
        assert!(!hedge.is_late(u64::MAX) && !hedge.ask(1));
        assert_eq!(hedge.answer(0, true, false), Answer::Drop);
        assert!(hedge.is_over());
    }

    #[test]
    fn the_slow_side_may_be_the_first_after_all() {
        let mut hedge = Hedge::of(1);
        assert!(hedge.ask(0));
        assert_eq!(hedge.answer(1, true, false), Answer::Deliver);
        assert_eq!(hedge.answer(0, false, true), Answer::Drop);
        assert!(hedge.is_over());
    }

    /// Whoever is asked second and fails does not end a read that the first may still answer.
    #[test]
    fn a_read_fails_when_nobody_is_left() {
        let mut hedge = Hedge::of(0);
        assert!(hedge.ask(1));
        assert_eq!(hedge.answer(1, false, true), Answer::Drop);
        assert!(hedge.is_late(LATE_US), "a third side may be asked");
        assert_eq!(hedge.answer(0, false, true), Answer::Fail(0b11));
        assert!(hedge.is_over());
        let mut hedge = Hedge::of(0);
        assert_eq!(hedge.answer(0, false, false), Answer::Fail(0));
    }

    #[test]
    fn a_side_is_asked_once() {
        let mut hedge = Hedge::of(0);
        assert!(!hedge.ask(0));
        assert!(!hedge.ask(u32::MAX), "there is no such side");
        assert_eq!(hedge.answer(3, true, false), Answer::Drop, "nobody asked");
        assert_eq!(hedge.answer(0, true, false), Answer::Deliver);
        assert!(!hedge.ask(1), "it is over");
    }
}
