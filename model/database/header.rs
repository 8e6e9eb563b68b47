// SPDX-License-Identifier: GPL-2.0
//! First and last page of a replica: what it is, and where it begins and ends. They are written
//! when the replica is made, and never again.

use super::{
    field::{
        is_gapless,
        Field, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    layout::is_replica_size,
    members::Role,
    page::{
        bad,
        bad_field,
        open,
        payload_mut,
        seal,
        Damage,
        Kind,
        Stamp, //
    },
};

/// Its identity.
pub const REPLICA: Field = Field::first("replica", 16, "uuid of the replica");
/// First sector on the device.
pub const START: Field = REPLICA.then(
    "start",
    8,
    "first sector of the replica on its device, in sectors of 512 bytes",
);
/// Length.
pub const PAGES: Field = START.then("pages", 4, "length of the replica, in pages");
/// What it is for.
pub const ROLE: Field = PAGES.then("role", 4, "1 for a vote, 2 for a tie-breaker");

/// The payload, field by field.
pub const FIELDS: &[Field] = &[REPLICA, START, PAGES, ROLE];

/// Bytes of the payload.
pub const BYTES: usize = 32;

const _: () = assert!(is_gapless(FIELDS, BYTES));

/// What is known of a replica before a commit is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// The set that it belongs to.
    pub set: Uuid,
    /// Its identity.
    pub replica: Uuid,
    /// First sector on its device.
    pub start_sector: u64,
    /// Its length in pages.
    pub pages: u32,
    /// What it is for.
    pub role: Role,
}

/// Which end of a replica.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// Its first page.
    Head,
    /// Its last page.
    Tail,
}

impl Header {
    /// Makes the page for one end of the replica. `None` if `bytes` is no page.
    pub fn encode(&self, end: End, bytes: &mut [u8]) -> Option<()> {
        let payload = payload_mut(bytes);
        REPLICA.put_uuid(payload, self.replica);
        START.put(payload, self.start_sector);
        PAGES.put(payload, self.pages.into());
        ROLE.put(payload, role_number(self.role).into());
        let stamp = self.stamp(end);
        seal(bytes, stamp, BYTES).map(drop)
    }

    /// Reads one end of a replica that was found at `sector` of a device: of the head its first
    /// sector, of the tail too. One that says it begins elsewhere is not where it belongs.
    pub fn decode(end: End, bytes: &[u8], sector: u64) -> Result<Self, Damage> {
        let page = open(bytes)?;
        let header = Self {
            set: page.stamp.set,
            replica: REPLICA.uuid(page.payload),
            start_sector: START.number(page.payload),
            pages: PAGES.number32(page.payload),
            role: role(ROLE, page.payload)?,
        };
        if !is_replica_size(header.pages) || page.payload.len() != BYTES {
            return Err(bad_field(PAGES, page.payload));
        }
        if page.stamp == header.stamp(end) && header.start_sector == sector {
            Ok(header)
        } else {
            Err(Damage::Misplaced { found: page.stamp })
        }
    }

    fn stamp(&self, end: End) -> Stamp {
        let (kind, place) = match end {
            End::Head => (Kind::Head, 0),
            End::Tail => (Kind::Tail, self.pages.saturating_sub(1)),
        };
        Stamp {
            kind,
            set: self.set,
            generation: Generation::default(),
            place,
        }
    }
}

/// The number of a role on disk.
pub(super) const fn role_number(role: Role) -> u8 {
    match role {
        Role::Voter => 1,
        Role::TieBreaker => 2,
    }
}

/// Reads a role.
pub(super) fn role(field: Field, structure: &[u8]) -> Result<Role, Damage> {
    match field.number(structure) {
        1 => Ok(Role::Voter),
        2 => Ok(Role::TieBreaker),
        found => Err(bad(field.name, found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::page::PAGE_BYTES;

    fn header() -> Header {
        Header {
            set: Uuid::from_bytes([1; 16]),
            replica: Uuid::from_bytes([2; 16]),
            start_sector: 256,
            pages: 192,
            role: Role::TieBreaker,
        }
    }

    #[test]
    fn both_ends_say_the_same() {
        let mut bytes = [0; PAGE_BYTES];
        for end in [End::Head, End::Tail] {
            header().encode(end, &mut bytes).expect("a page");
            assert_eq!(Header::decode(end, &bytes, 256), Ok(header()));
            let elsewhere = Header::decode(end, &bytes, 264);
            assert!(matches!(elsewhere, Err(Damage::Misplaced { .. })));
        }
        let other_end = Header::decode(End::Head, &bytes, 256);
        assert!(matches!(other_end, Err(Damage::Misplaced { .. })));
    }

    #[test]
    fn an_impossible_length_is_refused() {
        let mut bytes = [0; PAGE_BYTES];
        for pages in [0, 15, 16_385, u32::MAX] {
            let header = Header { pages, ..header() };
            header.encode(End::Head, &mut bytes).expect("a page");
            let bad = Header::decode(End::Head, &bytes, 256);
            assert!(matches!(bad, Err(Damage::Value { name: "pages", .. })));
        }
    }
}
