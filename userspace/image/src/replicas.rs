// SPDX-License-Identifier: GPL-2.0
//! Where replicas are on a device: the first one at a fixed place, and the next one behind it.

use crate::{
    damage::Damages,
    device::{
        Device,
        Missing, //
    },
    replica, //
};
use md_model::{
    database::{
        header::{
            End,
            Header, //
        },
        layout::{
            LABEL_PAGE,
            PAGE_SECTORS,
            REPLICA_PAGE,
            ROOT_PLACE, //
        },
        page::{
            open,
            Kind,
            MAGIC, //
        },
    },
    limits::{
        REPLICAS_MAX,
        REPLICA_PAGES_MAX,
        REPLICA_PAGES_MIN, //
    },
};
use md_report::dump::Replica;

/// Reads the replicas of a device, or only one of them. Where there is a label, its second copy
/// ends the room for them.
pub(crate) fn read(
    device: &Device<'_>,
    has_label: bool,
    only: Option<u32>,
    damages: &mut Damages,
) -> Vec<Replica> {
    let [_, again] = LABEL_PAGE;
    let end = if has_label {
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
    let tail = length_by_tail(device, page, end);
    let is_head = MAGIC.of(&head) == Kind::Head.magic();
    (tail.is_some() || is_head || has_root(device, page)).then_some(tail)
}

/// Looks for the tail of the replica that begins at a page.
fn length_by_tail(device: &Device<'_>, page: u64, end: u64) -> Option<u32> {
    let sector = page.saturating_mul(PAGE_SECTORS);
    let lengths = REPLICA_PAGES_MIN..=REPLICA_PAGES_MAX;
    let lengths = lengths.take_while(|length| page + u64::from(*length) <= end);
    lengths.into_iter().find(|length| {
        let Ok(bytes) = device.page(page + u64::from(*length) - 1) else {
            return false;
        };
        let is_tail = MAGIC.of(&bytes) == Kind::Tail.magic();
        let tail = Header::decode(End::Tail, &bytes, sector);
        is_tail && tail.is_ok_and(|tail| tail.pages == *length)
    })
}

/// Whether there are roots where those of a replica would be that begins at a page.
fn has_root(device: &Device<'_>, page: u64) -> bool {
    ROOT_PLACE.into_iter().flatten().any(|place| {
        let bytes = device.page(page + u64::from(place)).unwrap_or_default();
        let found = open(&bytes).map(|page| (page.stamp.kind, page.stamp.place));
        found == Ok((Kind::Root, place))
    })
}
