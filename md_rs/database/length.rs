// SPDX-License-Identifier: GPL-2.0
//! How long a replica is whose head is damaged: its tail says so, too, wherever it is. All that
//! comes behind that replica on the device would be lost with it otherwise.

use md_model::{
    database::{
        header::{
            End,
            Header, //
        },
        identity::Uuid,
        layout::{
            page_sector,
            PAGE_SECTORS,
            REPLICA_PAGES_IN_HEAD,
            ROOT_PLACE, //
        },
        page::{
            open,
            Kind,
            MAGIC, //
        },
        root::REPLICA, //
    },
    limits::{
        REPLICA_PAGES_MAX,
        REPLICA_PAGES_MIN, //
    }, //
};

use crate::kapi::bdev::{
    BlockDevice,
    Buffer, //
};

/// How many pages may be unreadable where a tail is looked for: each may take a disk seconds.
const UNREADABLE_MAX: u32 = 16;

/// Length of the replica that begins at a sector, to go by if its head cannot be read. Its tail is
/// looked for if something is left of it; else one that is in a reserved head is as long as most.
pub(super) fn expected(
    device: &BlockDevice,
    sector: u64,
    is_in_head: bool,
    buffer: &mut Buffer,
) -> Option<u32> {
    let head = device.read(sector, buffer).ok().map(|()| &**buffer);
    if head.is_some_and(|head| Header::decode(End::Head, head, sector).is_ok()) {
        return None;
    }
    let was_head = head.is_some_and(|head| MAGIC.of(head) == Kind::Head.magic());
    let owner = owner_by_root(device, sector, buffer);
    let found = if was_head || owner.is_some() {
        by_tail(device, sector, owner, buffer)
    } else {
        None
    };
    found.or(is_in_head.then_some(REPLICA_PAGES_IN_HEAD))
}

/// Set and replica of a root that is where one would be of a replica that begins at a sector.
fn owner_by_root(device: &BlockDevice, sector: u64, buffer: &mut Buffer) -> Option<(Uuid, Uuid)> {
    ROOT_PLACE.into_iter().flatten().find_map(|place| {
        device.read(page_sector(sector, place), buffer).ok()?;
        let root = open(buffer).ok()?;
        let is_root = (root.stamp.kind, root.stamp.place) == (Kind::Root, place);
        is_root.then(|| (root.stamp.set, REPLICA.uuid(root.payload)))
    })
}

/// Looks for a tail: that of the replica whose root is there, if there is one, since another one
/// may have been there before.
fn by_tail(
    device: &BlockDevice,
    sector: u64,
    owner: Option<(Uuid, Uuid)>,
    buffer: &mut Buffer,
) -> Option<u32> {
    let mut unreadable = 0u32;
    for pages in REPLICA_PAGES_MIN..=REPLICA_PAGES_MAX {
        let from = page_sector(sector, pages.saturating_sub(1));
        let is_past_end = from.saturating_add(PAGE_SECTORS) > device.sectors();
        if is_past_end || unreadable > UNREADABLE_MAX {
            break;
        }
        if device.read(from, buffer).is_err() {
            unreadable = unreadable.saturating_add(1);
            continue;
        }
        let is_it = |tail: &Header| {
            let own = (tail.set, tail.replica);
            tail.pages == pages && owner.is_none_or(|owner| owner == own)
        };
        if Header::decode(End::Tail, buffer, sector).is_ok_and(|tail| is_it(&tail)) {
            return Some(pages);
        }
    }
    None
}
