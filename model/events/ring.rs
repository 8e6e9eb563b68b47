// SPDX-License-Identifier: GPL-2.0
//! The last events, each with a number. There is room for so many; a new one takes the place of the
//! oldest. Who reads says which was the last one that he has seen, and is told how many he has
//! missed.
//!
//! Nobody waits for a reader, and whoever tells of an event needs no memory and no time for it.

/// Events that are kept.
pub const KEPT: usize = 256;

/// The numbers of what is in the slots. Slots are the caller's, always the same ones.
///
/// # Invariants
///
/// With `n` slots, the event of number `i` is in slot `i % n` if it is one of the last `n`; numbers
/// begin with 1.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ring {
    newest: u64,
}

/// What a reader gets next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Next {
    /// Number of the first event that he has not seen, and that is still there.
    pub first: u64,
    /// How many there are from that on, up to as many as he can take.
    pub count: u64,
    /// How many before it he has not seen, and never will.
    pub lost: u64,
}

/// A reader says that he has seen what has not happened yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotYet;

impl Ring {
    /// Nothing has happened.
    pub const fn new() -> Self {
        Self { newest: 0 }
    }

    /// Number of the last event; 0 if there was none.
    pub const fn newest(&self) -> u64 {
        self.newest
    }

    /// Keeps an event, which `make` gets the number of. Returns that.
    pub fn push<T>(&mut self, slots: &mut [T], make: impl FnOnce(u64) -> T) -> u64 {
        // It takes thousands of years to come to the end.
        let number = self.newest.saturating_add(1);
        if let Some(slot) = slot(slots.len(), number).and_then(|slot| slots.get_mut(slot)) {
            *slot = make(number);
        }
        self.newest = number;
        number
    }

    /// What follows for who has seen everything up to number `after`, and takes up to `most` events
    /// at once, of which `kept` are kept.
    pub fn next(&self, kept: usize, after: u64, most: u64) -> Result<Next, NotYet> {
        let unseen = self.newest.checked_sub(after).ok_or(NotYet)?;
        let there = unseen.min(kept as u64);
        let lost = unseen.saturating_sub(there);
        Ok(Next {
            first: after.saturating_add(lost).saturating_add(1),
            count: there.min(most),
            lost,
        })
    }

    /// The event with a number, if it is still there.
    pub fn get<'a, T>(&self, slots: &'a [T], number: u64) -> Option<&'a T> {
        let age = self.newest.checked_sub(number)?;
        if number == 0 || age >= slots.len() as u64 {
            return None;
        }
        slots.get(slot(slots.len(), number)?)
    }
}

/// The slot for a number.
fn slot(slots: usize, number: u64) -> Option<usize> {
    usize::try_from(number.checked_rem(slots as u64)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_with_one_and_go_on() {
        let (mut ring, mut slots) = (Ring::new(), [0; 3]);
        assert_eq!(ring.newest(), 0);
        for expected in 1..=7 {
            assert_eq!(ring.push(&mut slots, |number| number), expected);
            assert_eq!(ring.newest(), expected);
        }
        assert_eq!(ring.get(&slots, 0), None);
        assert_eq!(ring.get(&slots, 4), None, "it was overwritten");
        assert_eq!(ring.get(&slots, 5), Some(&5));
        assert_eq!(ring.get(&slots, 7), Some(&7));
        assert_eq!(ring.get(&slots, 8), None, "it has not happened");
    }

    #[test]
    fn a_reader_is_told_what_he_has_missed() {
        let (mut ring, mut slots) = (Ring::new(), [0; 4]);
        for _ in 0..10 {
            ring.push(&mut slots, |number| number);
        }
        let next = |after, most| ring.next(slots.len(), after, most);
        let found = |first, count, lost| Ok(Next { first, count, lost });
        assert_eq!(next(0, 99), found(7, 4, 6));
        assert_eq!(next(5, 99), found(7, 4, 1));
        assert_eq!(next(6, 99), found(7, 4, 0));
        assert_eq!(next(6, 3), found(7, 3, 0));
        assert_eq!(next(9, 99), found(10, 1, 0));
        assert_eq!(next(10, 99), found(11, 0, 0));
        assert_eq!(next(11, 99), Err(NotYet));
        assert_eq!(next(u64::MAX, 99), Err(NotYet));
    }

    #[test]
    fn without_slots_everything_is_lost_and_nothing_else_happens() {
        let mut ring = Ring::new();
        let none: &mut [u64] = &mut [];
        assert_eq!(ring.push(none, |number| number), 1);
        assert_eq!(ring.get(none, 1), None);
        let next = ring.next(0, 0, 5);
        let expected = Next {
            first: 2,
            count: 0,
            lost: 1,
        };
        assert_eq!(next, Ok(expected));
    }
}
