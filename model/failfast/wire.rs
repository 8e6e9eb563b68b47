// SPDX-License-Identifier: GPL-2.0
//! The SCSI commands for reservations (SPC-2 for RESERVE and RELEASE, SPC-4 for the persistent
//! ones), and the numbers of kinds of reservations.

use super::persist::Key;

/// A command: its bytes, and how many of them there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Command {
    /// The bytes.
    pub bytes: [u8; 16],
    /// Whether data goes to the disk.
    pub is_out: bool,
}

impl Command {
    const fn six(operation: u8) -> Self {
        let bytes = [operation, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Self {
            bytes,
            is_out: false,
        }
    }
}

/// Asks whether the disk is ready, which it is not for who has no access.
pub const TEST_UNIT_READY: Command = Command::six(0x00);

/// Reserves the disk, until a reset.
pub const RESERVE: Command = Command::six(0x16);

/// Gives that up.
pub const RELEASE: Command = Command::six(0x17);

/// Bytes of the parameters of PERSISTENT RESERVE OUT.
pub const OUT_BYTES: usize = 24;

/// What PERSISTENT RESERVE IN is asked for: its service action.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum In {
    /// The registered keys.
    Keys = 0,
    /// The reservation.
    Reservation = 1,
}

/// What PERSISTENT RESERVE OUT is to do: its service action.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Out {
    /// Registers a key in place of the one that is there.
    Register = 0,
    /// Reserves the disk.
    Reserve = 1,
    /// Gives a reservation up.
    Release = 2,
    /// Gives up all registrations and the reservation.
    Clear = 3,
    /// Takes registration and reservation from another key.
    Preempt = 4,
    /// The same, and aborts what that host has under way.
    PreemptAndAbort = 5,
    /// Registers a key, whatever is there.
    RegisterAndIgnore = 6,
}

/// A PERSISTENT RESERVE IN with room for so many bytes.
pub fn persistent_in(action: In, room: u16) -> Command {
    let [high, low] = room.to_be_bytes();
    Command {
        bytes: [
            0x5e,
            action as u8,
            0,
            0,
            0,
            0,
            0,
            high,
            low,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ],
        is_out: false,
    }
}

/// A PERSISTENT RESERVE OUT. Kind and scope are SCSI's numbers, of which the lower four bits count.
pub fn persistent_out(action: Out, kind: u8, scope: u8) -> Command {
    let what = scope.wrapping_shl(4) | (kind & 0x0f);
    Command {
        bytes: [
            0x5f,
            action as u8,
            what,
            0,
            0,
            0,
            0,
            0,
            OUT_BYTES as u8,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ],
        is_out: true,
    }
}

/// The parameters of PERSISTENT RESERVE OUT: our key, the other one that it takes, and whether
/// registrations survive a loss of power.
pub fn parameters(key: Key, other: Key, survives: bool) -> [u8; OUT_BYTES] {
    let mut bytes = [0; OUT_BYTES];
    let keys = key.to_be_bytes().into_iter().chain(other.to_be_bytes());
    for (to, from) in bytes.iter_mut().zip(keys) {
        *to = from;
    }
    if let Some(flags) = bytes.get_mut(20) {
        *flags = survives.into();
    }
    bytes
}

/// What READ KEYS has answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keys<'a> {
    /// Counts the changes of registrations.
    pub generation: u32,
    /// How many keys there are, also those for which there was no room.
    pub count: u32,
    bytes: &'a [u8],
}

impl Keys<'_> {
    /// The keys for which there was room.
    pub fn iter(&self) -> impl Iterator<Item = Key> + '_ {
        let keys = self.bytes.chunks_exact(8).take(self.count as usize);
        keys.map(number)
    }
}

/// Reads the answer to READ KEYS. `None` if it is too short to be one.
pub fn keys(answer: &[u8]) -> Option<Keys<'_>> {
    let (head, bytes) = (answer.get(..8)?, answer.get(8..)?);
    let (generation, length) = (head.get(..4)?, head.get(4..)?);
    let length = u32::try_from(number(length)).ok()?;
    Some(Keys {
        generation: u32::try_from(number(generation)).ok()?,
        count: length / 8,
        bytes,
    })
}

/// A persistent reservation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reservation {
    /// The key of the one who has it; zero if all who are registered do.
    pub key: Key,
    /// Its kind, as SCSI numbers them.
    pub kind: u8,
    /// Its scope, as SCSI numbers them.
    pub scope: u8,
}

/// Reads the answer to READ RESERVATION: the generation, and the reservation if there is one.
/// `None` if it is too short.
pub fn reservation(answer: &[u8]) -> Option<(u32, Option<Reservation>)> {
    let generation = u32::try_from(number(answer.get(..4)?)).ok()?;
    if number(answer.get(4..8)?) < 16 {
        return Some((generation, None));
    }
    let what = *answer.get(21)?;
    let reservation = Reservation {
        key: number(answer.get(8..16)?),
        kind: what & 0x0f,
        scope: what >> 4,
    };
    Some((generation, Some(reservation)))
}

/// A number whose first byte is the highest.
fn number(bytes: &[u8]) -> u64 {
    let add = |number: u64, byte: &u8| number.wrapping_shl(8) | u64::from(*byte);
    bytes.iter().fold(0, add)
}

/// "Exclusive access", as SCSI numbers it: nobody else reads or writes.
pub const EXCLUSIVE_ACCESS: u8 = 3;

/// Kinds of reservations: SCSI's number, the one of Linux (`enum pr_type`), and a name.
const KINDS: [(u8, u32, &str); 6] = [
    (1, 1, "write-exclusive"),
    (EXCLUSIVE_ACCESS, 2, "exclusive-access"),
    (5, 3, "write-exclusive-registrants"),
    (6, 4, "exclusive-access-registrants"),
    (7, 5, "write-exclusive-all"),
    (8, 6, "exclusive-access-all"),
];

/// The number that Linux has for a kind; `None` if there is no such kind.
pub fn linux_kind(scsi: u8) -> Option<u32> {
    let found = KINDS.iter().find(|(number, _, _)| *number == scsi)?;
    Some(found.1)
}

/// The number that SCSI has for a kind; `None` if there is no such kind.
pub fn scsi_kind(linux: u32) -> Option<u8> {
    let found = KINDS.iter().find(|(_, number, _)| *number == linux)?;
    Some(found.0)
}

/// The name of a kind, by SCSI's number.
pub fn kind_word(scsi: u8) -> Option<&'static str> {
    let found = KINDS.iter().find(|(number, _, _)| *number == scsi)?;
    Some(found.2)
}

/// The kind with a name, as SCSI numbers it.
pub fn kind_named(word: &str) -> Option<u8> {
    let found = KINDS.iter().find(|(_, _, name)| *name == word)?;
    Some(found.0)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    /// SPC-4, tables of PERSISTENT RESERVE OUT and its parameter list.
    #[test]
    fn commands_as_the_standard_has_them() {
        let command = persistent_out(Out::Preempt, 5, 0);
        let start: Vec<u8> = command.bytes.into_iter().take(10).collect();
        assert_eq!(start, [0x5f, 4, 5, 0, 0, 0, 0, 0, 24, 0]);
        let command = persistent_in(In::Reservation, 0x1000);
        let start: Vec<u8> = command.bytes.into_iter().take(10).collect();
        assert_eq!(start, [0x5e, 1, 0, 0, 0, 0, 0, 0x10, 0, 0]);
        assert_eq!(RESERVE.bytes.first(), Some(&0x16));
        let bytes = parameters(0x0102, 0x0304, true);
        assert_eq!(
            bytes,
            [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 1, 0, 0, 0]
        );
    }

    #[test]
    fn answers_are_read_and_cut_ones_too() {
        let mut answer = Vec::from([0, 0, 0, 9, 0, 0, 0, 24]);
        for key in [1_u64, 2, 3] {
            answer.extend(key.to_be_bytes());
        }
        let found = keys(&answer).unwrap();
        assert_eq!((found.generation, found.count), (9, 3));
        assert_eq!(found.iter().collect::<Vec<_>>(), [1, 2, 3]);
        let found = keys(&answer[..20]).unwrap();
        assert_eq!(found.count, 3);
        assert_eq!(found.iter().collect::<Vec<_>>(), [1]);
        assert_eq!(keys(&answer[..7]), None);
        // What lies behind the end is no key.
        answer.extend([0xff; 16]);
        assert_eq!(keys(&answer).unwrap().iter().count(), 3);
    }

    #[test]
    fn a_reservation_is_read() {
        let mut answer = [0; 24];
        answer[3] = 4;
        assert_eq!(reservation(&answer), Some((4, None)));
        answer[7] = 16;
        answer[15] = 0xab;
        answer[21] = 0x05;
        let held = Reservation {
            key: 0xab,
            kind: 5,
            scope: 0,
        };
        assert_eq!(reservation(&answer), Some((4, Some(held))));
        assert_eq!(reservation(&answer[..20]), None);
    }

    /// `multihost.md` 1.1: mhd has SCSI's numbers, Linux has its own.
    #[test]
    fn kinds_are_numbered_twice() {
        for (scsi, linux, word) in KINDS {
            assert_eq!(linux_kind(scsi), Some(linux));
            assert_eq!(scsi_kind(linux), Some(scsi));
            assert_eq!(kind_word(scsi), Some(word));
            assert_eq!(kind_named(word), Some(scsi));
        }
        assert_eq!((linux_kind(2), scsi_kind(7)), (None, None));
    }
}
