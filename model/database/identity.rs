// SPDX-License-Identifier: GPL-2.0
//! What sets, replicas and components are known by, and how commits are ordered.

use core::fmt;

/// Bytes of a [`Uuid`] on disk.
pub const UUID_BYTES: usize = 16;

/// Identity of a set, a replica or a component: 16 bytes, made at random by whoever creates it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Uuid([u8; UUID_BYTES]);

impl Uuid {
    /// What stands where there is none.
    pub const NIL: Self = Self([0; UUID_BYTES]);

    /// The identity with these bytes, in the order in which they are written as text.
    pub const fn from_bytes(bytes: [u8; UUID_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, in the order in which they are written as text.
    pub const fn to_bytes(self) -> [u8; UUID_BYTES] {
        self.0
    }

    /// Whether it stands for "none".
    pub fn is_nil(&self) -> bool {
        *self == Self::NIL
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Number of a commit (`DURABILITY.md` clause 3). A later load has a larger epoch, a later commit
/// of the same load a larger sequence; so generations order as the commits that count did.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Generation {
    /// Number of the load that wrote it, claimed before its first commit. From 1 on.
    pub epoch: u64,
    /// Number of the commit within its epoch. From 1 on.
    pub sequence: u64,
}

impl Generation {
    /// The next commit of the same epoch; `None` when the numbers are used up.
    pub fn next(self) -> Option<Self> {
        let sequence = self.sequence.checked_add(1)?;
        Some(Self { sequence, ..self })
    }

    /// The first commit of an epoch.
    pub const fn first_of(epoch: u64) -> Self {
        Self { epoch, sequence: 1 }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use super::*;

    #[test]
    fn a_uuid_is_written_as_people_know_it() {
        let uuid = Uuid::from_bytes(*b"\x01\x23\x45\x67\x89\xab\xcd\xef0123\xff\xfe\xfd\xfc");
        assert_eq!(uuid.to_string(), "01234567-89ab-cdef-3031-3233fffefdfc");
        assert!(!uuid.is_nil());
        assert!(Uuid::NIL.is_nil());
    }

    /// `DURABILITY.md` clause 3: a later epoch wins over any sequence of an earlier one.
    #[test]
    fn generations_order_by_epoch_and_then_by_sequence() {
        let late = Generation {
            epoch: 1,
            sequence: u64::MAX,
        };
        let next_epoch = Generation::first_of(2);
        assert!(late < next_epoch);
        assert_eq!(late.next(), None);
        assert!(next_epoch < next_epoch.next().expect("there are more"));
        assert_eq!(next_epoch.to_string(), "2.1");
    }
}
