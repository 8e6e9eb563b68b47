// SPDX-License-Identifier: GPL-2.0
//! The record of a hot spare pool: which spares it has, in its order, and which of them are broken.
//!
//! Whether a spare is in use is not in it: that is in the record of the metadevice whose component
//! it stands for, and nowhere else. A spare that several pools have is in the record of each.

use super::{
    field::{
        is_gapless,
        Field, //
    },
    identity::Uuid,
    page::{
        bad,
        zero,
        Damage, //
    }, //
};
use crate::limits::{
    POOLS_MAX,
    SPARES_MAX,
    UNITS_MAX, //
};

/// Kind of the record of a hot spare pool, in the head of its parts.
pub const RECORD_KIND: u16 = 2;

/// Version of the record.
pub const RECORD_VERSION: u16 = 1;

/// Which pool.
pub const NUMBER: Field = Field::first("number", 4, "number of the pool: 1 for hsp001");
/// How many spares.
pub const SPARES: Field = NUMBER.then("spares", 4, "number of spares, which follow the head");
/// Nothing.
pub const REST: Field = SPARES.then("rest", 8, "zero");

/// The head, field by field.
pub const FIELDS: &[Field] = &[NUMBER, SPARES, REST];

/// Bytes of the head.
pub const HEAD_BYTES: usize = 16;

/// Identity of a spare.
pub const SPARE: Field = Field::first("spare", 16, "uuid in the spare's label");
/// Its partition.
pub const PARTITION: Field = SPARE.then("partition", 16, "uuid of its partition, a hint, or zero");
/// Its disk.
pub const WWN: Field = PARTITION.then("wwn", 32, "world-wide name of its disk, a hint, or zero");
/// When it changed.
pub const CHANGED_AT: Field = WWN.then(
    "changed_at",
    8,
    "seconds since 1970 when it broke or was enabled, or 0",
);
/// How it is.
pub const STATE: Field = CHANGED_AT.then("state", 1, "0 not broken, 1 broken");
/// Nothing.
pub const SPARE_REST: Field = STATE.then("rest", 7, "zero");

/// A spare, field by field.
pub const SPARE_FIELDS: &[Field] = &[SPARE, PARTITION, WWN, CHANGED_AT, STATE, SPARE_REST];

/// Bytes of a spare.
pub const SPARE_BYTES: usize = 80;

/// Bytes of the longest record.
pub const BYTES_MAX: usize = HEAD_BYTES + SPARES_MAX as usize * SPARE_BYTES;

const _: () = assert!(is_gapless(FIELDS, HEAD_BYTES));
const _: () = assert!(is_gapless(SPARE_FIELDS, SPARE_BYTES));
// Who has room for the record of a metadevice has room for that of a pool.
const _: () = assert!(BYTES_MAX <= super::metadevice::fields::BYTES_MAX);

/// A spare, as it is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Spare {
    /// Identity in its label.
    pub uuid: Uuid,
    /// Uuid of its partition, a hint; nil if it is none.
    pub partition: Uuid,
    /// World-wide name of its disk, a hint, padded with zeros.
    pub wwn: [u8; 32],
    /// Seconds since 1970 when it broke or was enabled; 0 for never.
    pub changed_at: u64,
    /// Whether it failed, and was not enabled since.
    pub is_broken: bool,
}

/// Number of the record of the pool with a number.
pub const fn record_of(pool: u32) -> u32 {
    UNITS_MAX.saturating_add(pool)
}

/// Number of the pool whose record has a number; `None` for that of a metadevice, or none.
pub const fn pool_of(record: u32) -> Option<u32> {
    match record.checked_sub(UNITS_MAX) {
        Some(pool) if pool < POOLS_MAX => Some(pool),
        _ => None,
    }
}

/// Writes the record of a pool; returns how many bytes it has. `None` if there is no room for it,
/// or there are more than [`SPARES_MAX`].
pub fn encode(
    number: u32,
    spares: impl ExactSizeIterator<Item = Spare>,
    to: &mut [u8],
) -> Option<usize> {
    let count = spares.len();
    let length = count.checked_mul(SPARE_BYTES)?.checked_add(HEAD_BYTES)?;
    let is_within = count <= SPARES_MAX as usize;
    let to = to.get_mut(..length).filter(|_| is_within)?;
    to.fill(0);
    NUMBER.put(to, number.into());
    SPARES.put(to, count as u64);
    let mut places = to.get_mut(HEAD_BYTES..)?.chunks_exact_mut(SPARE_BYTES);
    for spare in spares {
        let place = places.next()?;
        SPARE.put_uuid(place, spare.uuid);
        PARTITION.put_uuid(place, spare.partition);
        WWN.put_bytes(place, &spare.wwn);
        CHANGED_AT.put(place, spare.changed_at);
        STATE.put(place, spare.is_broken.into());
    }
    Some(length)
}

/// A record that was verified.
#[derive(Clone, Copy, Debug)]
pub struct Pool<'a> {
    /// Number of the pool.
    pub number: u32,
    spares: &'a [u8],
}

impl<'a> Pool<'a> {
    /// Reads a record of [`RECORD_KIND`] and [`RECORD_VERSION`], all parts behind each other.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Damage> {
        let cut = bad("length", bytes.len() as u64);
        let (head, spares) = bytes.split_at_checked(HEAD_BYTES).ok_or(cut)?;
        zero(REST, head)?;
        let number = NUMBER.number32(head);
        if number >= POOLS_MAX {
            return Err(bad(NUMBER.name, number.into()));
        }
        let count = SPARES.number(head);
        if count > SPARES_MAX.into() {
            return Err(bad(SPARES.name, count));
        }
        if spares.len() != (count as usize).saturating_mul(SPARE_BYTES) {
            return Err(cut);
        }
        for spare in spares.chunks_exact(SPARE_BYTES) {
            decode_spare(spare)?;
        }
        Ok(Self { number, spares })
    }

    /// The spares, in the pool's order.
    pub fn spares(&self) -> impl Iterator<Item = Spare> + 'a {
        let spares = self.spares.chunks_exact(SPARE_BYTES);
        spares.filter_map(|spare| decode_spare(spare).ok())
    }
}

fn decode_spare(from: &[u8]) -> Result<Spare, Damage> {
    zero(SPARE_REST, from)?;
    let uuid = SPARE.uuid(from);
    if uuid.is_nil() {
        return Err(bad(SPARE.name, 0));
    }
    let is_broken = match STATE.number(from) {
        0 => false,
        1 => true,
        found => return Err(bad(STATE.name, found)),
    };
    Ok(Spare {
        uuid,
        partition: PARTITION.uuid(from),
        wwn: WWN.of(from).try_into().unwrap_or([0; 32]),
        changed_at: CHANGED_AT.number(from),
        is_broken,
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    fn spare(number: u8) -> Spare {
        Spare {
            uuid: Uuid::from_bytes([number; 16]),
            partition: Uuid::from_bytes([number.wrapping_add(1); 16]),
            wwn: [number; 32],
            changed_at: u64::from(number) << 33,
            is_broken: number % 2 == 1,
        }
    }

    fn encoded(number: u32, spares: &[Spare]) -> Vec<u8> {
        let mut bytes = std::vec![0xff; BYTES_MAX];
        let length = encode(number, spares.iter().copied(), &mut bytes).expect("room");
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn pools_read_back() {
        for count in [0, 1, 2, SPARES_MAX as usize] {
            let spares: Vec<_> = (1..).take(count).map(spare).collect();
            let bytes = encoded(999, &spares);
            let pool = Pool::decode(&bytes).expect("legal");
            assert_eq!(pool.number, 999);
            assert_eq!(pool.spares().collect::<Vec<_>>(), spares);
            assert!(Pool::decode(&bytes[..bytes.len() - 1]).is_err());
            let longer = [&bytes[..], &[0]].concat();
            assert!(Pool::decode(&longer).is_err());
        }
        let many = std::vec![spare(1); SPARES_MAX as usize + 1];
        assert_eq!(encode(1, many.into_iter(), &mut [0; 20_000]), None);
        assert_eq!(encode(1, [spare(1)].into_iter(), &mut [0; 95]), None);
    }

    #[test]
    fn what_is_not_legal_is_damage() {
        let good = encoded(1, &[spare(1), spare(2)]);
        let refused = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Pool::decode(&bytes).is_err()
        };
        assert!(refused(3, 1), "a number that no pool has");
        assert!(refused(4, 3), "more spares than there are");
        assert!(refused(8, 1), "something in the rest");
        assert!(refused(HEAD_BYTES + STATE.offset, 2), "an unknown state");
        assert!(refused(HEAD_BYTES + SPARE_REST.offset, 1));
        let mut nameless = spare(1);
        nameless.uuid = Uuid::NIL;
        assert!(Pool::decode(&encoded(1, &[nameless])).is_err(), "no label");
        assert!(Pool::decode(&[]).is_err());
    }

    #[test]
    fn records_of_pools_come_behind_those_of_metadevices() {
        assert_eq!(pool_of(UNITS_MAX - 1), None);
        for pool in 0..POOLS_MAX {
            assert_eq!(pool_of(record_of(pool)), Some(pool));
        }
        assert_eq!(pool_of(record_of(POOLS_MAX)), None);
        assert_eq!(pool_of(u32::MAX), None);
    }
}
