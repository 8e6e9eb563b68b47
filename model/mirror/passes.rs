// SPDX-License-Identifier: GPL-2.0
//! In which order mirrors are resynced when their set is started, and what else keeps a resync from
//! its work (`svm.md` section 4.6).
//!
//! Each mirror has a pass. Those with a lower one come first, those with the same one together; a
//! higher one waits for its turn, so that a disk which several mirrors share is not pulled to and
//! fro, and what matters most is safe first. A mirror with pass 0 is left alone until somebody asks
//! for it. A resync that stands still holds nobody up.

/// What keeps a resync from its work.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Hold {
    /// Nothing.
    #[default]
    None,
    /// The administrator, until he lets it go on, or the set is started again.
    Paused,
    /// Mirrors with a lower pass come first.
    Waits,
    /// It has pass 0.
    LeftOut,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// Its set is started, and there is something to copy; with its pass.
    Started(u8),
    /// It is its turn.
    Turn,
    /// The administrator wants it to pause.
    Pause,
    /// The administrator wants it to go on, also before its turn.
    Resume,
}

/// What keeps it from its work after `event`, where `hold` did before.
pub const fn step(hold: Hold, event: Event) -> Hold {
    match (hold, event) {
        (_, Event::Started(0)) => Hold::LeftOut,
        (_, Event::Started(_)) => Hold::Waits,
        (Hold::Waits, Event::Turn) => Hold::None,
        (_, Event::Turn) => hold,
        (_, Event::Pause) => Hold::Paused,
        (_, Event::Resume) => Hold::None,
    }
}

/// How a mirror is, for who waits for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mirror {
    /// Its pass.
    pub pass: u8,
    /// What keeps its resync from its work.
    pub hold: Hold,
    /// Whether there is something to copy, and nothing else that keeps it from being copied.
    pub is_busy: bool,
}

/// The lowest pass of mirrors that are at work or wait for that; `None` if there are none.
pub fn first_pass(mirrors: impl Iterator<Item = Mirror>) -> Option<u8> {
    let goes_on = |mirror: &Mirror| {
        let is_free = matches!(mirror.hold, Hold::None | Hold::Waits);
        mirror.is_busy && is_free && mirror.pass > 0
    };
    mirrors.filter(goes_on).map(|mirror| mirror.pass).min()
}

/// Whether a mirror waits, and it is its turn: none with a lower pass is at work, or waits. `first`
/// is the [`first_pass`] of all.
pub fn is_turn(hold: Hold, pass: u8, first: Option<u8>) -> bool {
    hold == Hold::Waits && first.is_none_or(|first| pass <= first)
}

#[cfg(test)]
mod tests {
    use super::{
        Event::*,
        Hold::*,
        *, //
    };

    /// What holds it, the event, and what holds it then.
    const TABLE: &[(Hold, Event, Hold)] = &[
        (None, Started(0), LeftOut),
        (Paused, Started(0), LeftOut),
        (Waits, Started(0), LeftOut),
        (LeftOut, Started(0), LeftOut),
        (None, Started(3), Waits),
        (Paused, Started(3), Waits),
        (Waits, Started(3), Waits),
        (LeftOut, Started(3), Waits),
        (None, Turn, None),
        (Paused, Turn, Paused),
        (Waits, Turn, None),
        (LeftOut, Turn, LeftOut),
        (None, Pause, Paused),
        (Paused, Pause, Paused),
        (Waits, Pause, Paused),
        (LeftOut, Pause, Paused),
        (None, Resume, None),
        (Paused, Resume, None),
        (Waits, Resume, None),
        (LeftOut, Resume, None),
    ];

    #[test]
    fn every_hold_goes_where_the_table_says_after_every_event() {
        for hold in [None, Paused, Waits, LeftOut] {
            for event in [Started(0), Started(3), Turn, Pause, Resume] {
                let mut lines = TABLE
                    .iter()
                    .filter(|line| (line.0, line.1) == (hold, event));
                let line = lines.next().expect("a line for each combination");
                assert_eq!(lines.next(), Option::None, "one line for each combination");
                assert_eq!(step(hold, event), line.2, "{hold:?}, {event:?}");
            }
        }
    }

    fn mirror(pass: u8, hold: Hold, is_busy: bool) -> Mirror {
        Mirror {
            pass,
            hold,
            is_busy,
        }
    }

    /// `svm.md` 4.6: passes 1 to 9 in order, mirrors of one pass in parallel.
    #[test]
    fn lower_passes_come_first_and_equal_ones_together() {
        let own = mirror(3, Waits, true);
        for (other, expected) in [
            (mirror(2, None, true), false),
            (mirror(2, Waits, true), false),
            (mirror(2, None, false), true),
            (mirror(2, Paused, true), true),
            (mirror(0, LeftOut, true), true),
            (mirror(0, None, true), true),
            (mirror(3, Waits, true), true),
            (mirror(3, None, true), true),
            (mirror(4, None, true), true),
        ] {
            let first = first_pass([own, mirror(9, Waits, true), other].into_iter());
            assert_eq!(is_turn(Waits, 3, first), expected, "{other:?}");
        }
        assert!(is_turn(Waits, 9, first_pass([].into_iter())));
        for hold in [None, Paused, LeftOut] {
            assert!(!is_turn(hold, 1, Some(9)), "{hold:?}");
        }
    }
}
