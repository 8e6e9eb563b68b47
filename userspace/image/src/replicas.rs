// SPDX-License-Identifier: GPL-2.0
//! Where replicas are on a device: the first one at a fixed place, and the next one behind it.

use crate::{
    damage::Damages,
    device::{
        Device,
        Missing, //
    },
    replica,
    source::Source, //
};
use md_model::{
    database::{
        header::{
            End,
            Header, //
        },
        identity::Uuid,
        layout::{
            LABEL_PAGE,
            PAGE_SECTORS,
            REPLICA_PAGE,
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
        REPLICAS_MAX,
        REPLICA_PAGES_MAX,
        REPLICA_PAGES_MIN, //
    },
};
use md_report::dump::Replica;

/// Reads the replicas of a device, or only one of them. The second copy of a label ends the room
/// for them.
pub(crate) fn read(
    device: &Device<'_>,
    has_second_copy: bool,
    only: Option<u32>,
    damages: &mut Damages,
) -> Vec<Replica> {
    let [_, again] = LABEL_PAGE;
    let end = if has_second_copy {
        u64::from(again)
    } else {
        device.pages()
    };
    let mut replicas = Vec::new();
    let mut page = u64::from(REPLICA_PAGE);
    for number in 0..REPLICAS_MAX as u32 {
        let Some(pages) = length_at(device, page, end) else {
            break;
        };
        if only.is_none_or(|only| only == number) {
            replicas.push(replica::read(device, number, page, pages, damages));
        }
        // Nobody knows where the next one begins if neither end can be read.
        let Some(pages) = pages else { break };
        page += u64::from(pages);
    }
    replicas
}

/// The heads of the replicas that begin one behind the other on a device; of one whose head is
/// damaged what its tail says. This is quick where there are none.
pub fn headers(source: &dyn Source) -> Vec<Header> {
    let device = Device::over(source);
    let mut headers = Vec::new();
    let mut page = u64::from(REPLICA_PAGE);
    while let Some(header) = header_at(&device, page) {
        page += u64::from(header.pages);
        headers.push(header);
    }
    headers
}

/// The page behind the last of these replicas; 0 if there are none.
pub(crate) fn end(headers: &[Header]) -> u64 {
    let ends = headers.iter().map(|header| {
        let first = header.start_sector / PAGE_SECTORS;
        first + u64::from(header.pages)
    });
    ends.max().unwrap_or(0)
}

/// What the replica is that begins at a page. Its tail is looked for only if something else is left
/// of it, or at the place where most replicas have theirs.
fn header_at(device: &Device<'_>, page: u64) -> Option<Header> {
    let head = device.page(page).unwrap_or_default();
    if let Ok(header) = Header::decode(End::Head, &head, page.saturating_mul(PAGE_SECTORS)) {
        return Some(header);
    }
    let owner = owner_by_root(device, page);
    if MAGIC.of(&head) == Kind::Head.magic() || owner.is_some() {
        return tail(device, page, device.pages(), owner);
    }
    let usual = tail_at(device, page, REPLICA_PAGES_IN_HEAD).ok().flatten();
    usual.filter(|_| page == u64::from(REPLICA_PAGE))
}

/// Length of the replica that begins at a page, by its head, or else by its tail; `Some(None)` if
/// neither can be read although there is one.
fn length_at(device: &Device<'_>, page: u64, end: u64) -> Option<Option<u32>> {
    let head = match device.page(page) {
        Ok(head) => head,
        Err(Missing::PastEnd(_)) => return None,
        Err(Missing::Unreadable(_)) => Vec::new(),
    };
    let sector = page.saturating_mul(PAGE_SECTORS);
    if let Ok(header) = Header::decode(End::Head, &head, sector) {
        return Some(Some(header.pages));
    }
    let owner = owner_by_root(device, page);
    let tail = tail(device, page, end, owner);
    let is_head = MAGIC.of(&head) == Kind::Head.magic();
    let is_there = tail.is_some() || is_head || owner.is_some();
    is_there.then_some(tail.map(|tail| tail.pages))
}

/// How many pages may be unreadable where a tail is looked for.
const UNREADABLE_MAX: usize = 64;

/// Looks for the tail of the replica that begins at a page: that of the one whose root is there, if
/// there is one, since another may have been there before.
fn tail(device: &Device<'_>, page: u64, end: u64, owner: Option<(Uuid, Uuid)>) -> Option<Header> {
    let mut unreadable = 0;
    for pages in REPLICA_PAGES_MIN..=REPLICA_PAGES_MAX {
        if page + u64::from(pages) > end || unreadable > UNREADABLE_MAX {
            return None;
        }
        match tail_at(device, page, pages) {
            Ok(Some(tail)) if owner.is_none_or(|owner| owner == (tail.set, tail.replica)) => {
                return Some(tail);
            }
            Ok(_) => {}
            Err(_) => unreadable += 1,
        }
    }
    None
}

/// The tail of the replica that begins at a page, if it has this length.
fn tail_at(device: &Device<'_>, page: u64, pages: u32) -> Result<Option<Header>, Missing> {
    let bytes = device.page(page + u64::from(pages) - 1)?;
    let tail = Header::decode(End::Tail, &bytes, page.saturating_mul(PAGE_SECTORS));
    Ok(tail.ok().filter(|tail| tail.pages == pages))
}

/// Set and replica of a root that is where one would be of a replica that begins at a page.
fn owner_by_root(device: &Device<'_>, page: u64) -> Option<(Uuid, Uuid)> {
    ROOT_PLACE.into_iter().flatten().find_map(|place| {
        let bytes = device.page(page + u64::from(place)).ok()?;
        let root = open(&bytes).ok()?;
        let is_root = (root.stamp.kind, root.stamp.place) == (Kind::Root, place);
        is_root.then(|| (root.stamp.set, REPLICA.uuid(root.payload)))
    })
}
