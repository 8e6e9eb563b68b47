// SPDX-License-Identifier: GPL-2.0
//! The label of a component: whose it is, and what it is part of (`DURABILITY.md` clauses 18, 19).
//!
//! It stands twice in the reserved head, and the copies are written one after the other, so that
//! one is always whole. A copy is valid if all its pages are, and say the same; of two valid copies
//! the larger sequence is the right one. The tree in it is the geometry of the metadevices above
//! the component, as records; their states are only in the state database.

use super::{
    field::{
        copy_bytes,
        is_gapless,
        Field, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    layout::{
        LABEL_PAGE,
        LABEL_PAGES, //
    },
    page::{
        bad_field,
        open,
        payload_mut,
        seal,
        Damage,
        Kind,
        Stamp,
        PAYLOAD_BYTES, //
    },
};

/// Its identity.
pub const COMPONENT: Field = Field::first("component", 16, "uuid of the component");
/// What people call the set.
pub const SET_NAME: Field = COMPONENT.then("set_name", 32, "name of the set, padded with zeros");
/// Where data starts.
pub const DATA: Field = SET_NAME.then("data", 8, "first sector of data on the device");
/// Which page.
pub const PAGE: Field = DATA.then("page", 2, "number of the page within this copy, from 0");
/// Of how many.
pub const OF: Field = PAGE.then("of", 2, "number of pages of this copy");
/// How long the tree is.
pub const TREE: Field = OF.then(
    "tree",
    4,
    "bytes of the tree, of which this page has its share",
);

/// The fixed part of each page's payload, field by field.
pub const FIELDS: &[Field] = &[COMPONENT, SET_NAME, DATA, PAGE, OF, TREE];

/// Bytes of the fixed part.
pub const FIXED_BYTES: usize = 64;

/// Bytes of the tree in one page.
pub const SHARE_BYTES: usize = PAYLOAD_BYTES - FIXED_BYTES;

/// Longest tree in bytes.
pub const TREE_BYTES_MAX: usize = SHARE_BYTES * LABEL_PAGES as usize;

/// How long a record of the tree is.
pub const LENGTH: Field = Field::first("length", 4, "bytes of the record that follows");
/// What it is.
pub const RECORD_KIND: Field = LENGTH.then("kind", 2, "kind of the record, as in pages of records");
/// Its version.
pub const RECORD_VERSION: Field = RECORD_KIND.then("version", 2, "version of that kind of record");

/// The head of a record of the tree, field by field.
pub const RECORD_FIELDS: &[Field] = &[LENGTH, RECORD_KIND, RECORD_VERSION];

/// Bytes of the head of a record of the tree.
pub const RECORD_HEAD_BYTES: usize = 8;

const _: () = assert!(is_gapless(FIELDS, FIXED_BYTES));
const _: () = assert!(is_gapless(RECORD_FIELDS, RECORD_HEAD_BYTES));
// The largest stripe alone has room in the label of each of its components.
const _: () =
    assert!(RECORD_HEAD_BYTES + super::metadevice::fields::LABEL_BYTES_MAX <= TREE_BYTES_MAX);

/// What a label says, the tree apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Label {
    /// The set that the component belongs to.
    pub set: Uuid,
    /// Its identity.
    pub component: Uuid,
    /// Name of the set, padded with zeros.
    pub set_name: [u8; 32],
    /// First sector of its data.
    pub data_sector: u64,
    /// Counts the changes of the label.
    pub sequence: u64,
    /// Bytes of the tree.
    pub tree_bytes: u32,
}

/// A page of a copy of a label that was verified.
#[derive(Clone, Copy, Debug)]
pub struct LabelPage<'a> {
    /// What it says.
    pub label: Label,
    /// Which page it is, from 0.
    pub page: u32,
    /// Of how many.
    pub of: u32,
    /// Its share of the tree.
    pub share: &'a [u8],
}

impl Label {
    /// Pages of one copy; `None` if the tree is too long for a label.
    pub fn pages(&self) -> Option<u32> {
        let tree = self.tree_bytes as usize;
        let pages = tree.div_ceil(SHARE_BYTES).max(1) as u32;
        (pages <= LABEL_PAGES).then_some(pages)
    }

    /// Makes a page of one copy of the label, 0 or 1; returns its place in the reserved head.
    /// `None` if there is no such page, or `tree` is not as long as the label says.
    pub fn encode(&self, copy: usize, page: u32, tree: &[u8], bytes: &mut [u8]) -> Option<u32> {
        let of = self.pages().filter(|of| page < *of)?;
        if tree.len() != self.tree_bytes as usize {
            return None;
        }
        let share = tree.chunks(SHARE_BYTES).nth(page as usize).unwrap_or(&[]);
        let payload = payload_mut(bytes);
        COMPONENT.put_uuid(payload, self.component);
        SET_NAME.put_bytes(payload, &self.set_name);
        DATA.put(payload, self.data_sector);
        PAGE.put(payload, page.into());
        OF.put(payload, of.into());
        TREE.put(payload, self.tree_bytes.into());
        copy_bytes(payload.get_mut(FIXED_BYTES..).unwrap_or(&mut []), share);
        let place = LABEL_PAGE.get(copy)?.checked_add(page)?;
        let stamp = self.stamp(place);
        seal(bytes, stamp, FIXED_BYTES.checked_add(share.len())?)?;
        Some(place)
    }

    fn stamp(&self, place: u32) -> Stamp {
        Stamp {
            kind: Kind::Label,
            set: self.set,
            generation: Generation {
                epoch: 0,
                sequence: self.sequence,
            },
            place,
        }
    }
}

impl<'a> LabelPage<'a> {
    /// Reads a page of one copy of a label, whatever the set.
    pub fn decode(copy: usize, page: u32, bytes: &'a [u8]) -> Result<Self, Damage> {
        let found = open(bytes)?;
        if found.stamp.kind != Kind::Label {
            return Err(Damage::Misplaced { found: found.stamp });
        }
        let (fixed, share) = found
            .payload
            .split_at_checked(FIXED_BYTES)
            .ok_or(bad_field(TREE, found.payload))?;
        let label = Label {
            set: found.stamp.set,
            component: COMPONENT.uuid(fixed),
            set_name: SET_NAME.of(fixed).try_into().unwrap_or([0; 32]),
            data_sector: DATA.number(fixed),
            sequence: found.stamp.generation.sequence,
            tree_bytes: TREE.number32(fixed),
        };
        let first = LABEL_PAGE.get(copy).copied().unwrap_or(0);
        let is_here = found.stamp == label.stamp(first.saturating_add(page));
        if !is_here || PAGE.number(fixed) != page.into() {
            return Err(Damage::Misplaced { found: found.stamp });
        }
        let of = label.pages().ok_or(bad_field(TREE, fixed))?;
        if OF.number(fixed) != of.into() || page >= of {
            return Err(bad_field(OF, fixed));
        }
        let before = (page as usize).saturating_mul(SHARE_BYTES);
        let rest = (label.tree_bytes as usize).saturating_sub(before);
        if share.len() != rest.min(SHARE_BYTES) {
            return Err(bad_field(TREE, fixed));
        }
        Ok(Self {
            label,
            page,
            of,
            share,
        })
    }
}

/// A record of a tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TreeRecord<'a> {
    /// Its kind, as in pages of records.
    pub kind: u16,
    /// The version of that kind.
    pub version: u16,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Adds a record to a tree of which `used` bytes are in use; returns how many are now. `None` if
/// there is no room.
pub fn append(tree: &mut [u8], used: usize, record: &TreeRecord<'_>) -> Option<usize> {
    let length = RECORD_HEAD_BYTES.checked_add(record.bytes.len())?;
    let end = used.checked_add(length)?;
    let target = tree.get_mut(used..end)?;
    LENGTH.put(target, record.bytes.len() as u64);
    RECORD_KIND.put(target, record.kind.into());
    RECORD_VERSION.put(target, record.version.into());
    copy_bytes(target.get_mut(RECORD_HEAD_BYTES..)?, record.bytes);
    Some(end)
}

/// Splits the first record off a tree that is not empty.
pub fn first(tree: &[u8]) -> Result<(TreeRecord<'_>, &[u8]), Damage> {
    let cut = bad_field(LENGTH, tree);
    let (head, rest) = tree.split_at_checked(RECORD_HEAD_BYTES).ok_or(cut)?;
    let length = LENGTH.number(head) as usize;
    let (bytes, behind) = rest.split_at_checked(length).ok_or(cut)?;
    let record = TreeRecord {
        kind: RECORD_KIND.number(head) as u16,
        version: RECORD_VERSION.number(head) as u16,
        bytes,
    };
    Ok((record, behind))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{
        vec,
        vec::Vec, //
    };

    use super::*;
    use crate::database::page::PAGE_BYTES;

    fn label(tree: &[u8]) -> Label {
        Label {
            set: Uuid::from_bytes([1; 16]),
            component: Uuid::from_bytes([2; 16]),
            set_name: *b"local\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            data_sector: 2048,
            sequence: 7,
            tree_bytes: tree.len() as u32,
        }
    }

    #[test]
    fn both_copies_bring_the_tree_back() {
        for length in [0, 1, SHARE_BYTES, SHARE_BYTES + 1, TREE_BYTES_MAX] {
            let tree: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            let label = label(&tree);
            for copy in [0, 1] {
                let mut read = Vec::new();
                for page in 0..label.pages().expect("not too long") {
                    let mut bytes = [0; PAGE_BYTES];
                    let place = label.encode(copy, page, &tree, &mut bytes);
                    assert_eq!(place, Some(LABEL_PAGE[copy] + page));
                    let found = LabelPage::decode(copy, page, &bytes).expect("whole");
                    assert_eq!((found.label, found.page), (label, page));
                    read.extend_from_slice(found.share);
                    let elsewhere = LabelPage::decode(1 - copy, page, &bytes);
                    assert!(matches!(elsewhere, Err(Damage::Misplaced { .. })));
                    assert!(LabelPage::decode(copy, page + 1, &bytes).is_err());
                }
                assert_eq!(read, tree);
            }
        }
    }

    #[test]
    fn a_tree_that_is_too_long_is_refused() {
        let tree = vec![0; TREE_BYTES_MAX + 1];
        assert_eq!(label(&tree).pages(), None);
        let mut bytes = [0; PAGE_BYTES];
        assert_eq!(label(&tree).encode(0, 0, &tree, &mut bytes), None);
        assert_eq!(label(b"tree").encode(0, 0, b"tre", &mut bytes), None);
        assert_eq!(label(b"tree").encode(0, 1, b"tree", &mut bytes), None);
        assert_eq!(label(b"tree").encode(2, 0, b"tree", &mut bytes), None);
    }

    #[test]
    fn records_of_a_tree_follow_each_other() {
        let record = |kind, bytes| TreeRecord {
            kind,
            version: 1,
            bytes,
        };
        let mut tree = [0; 30];
        let used = append(&mut tree, 0, &record(1, b"one")).expect("room");
        let used = append(&mut tree, used, &record(9, b"")).expect("room");
        assert_eq!(append(&mut tree, used, &record(1, b"too long")), None);
        let (one, rest) = first(&tree[..used]).expect("whole");
        assert_eq!(one, record(1, b"one"));
        assert_eq!(first(rest), Ok((record(9, b""), &b""[..])));
        assert!(first(&tree[..10]).is_err() && first(&tree[..7]).is_err());
    }
}
