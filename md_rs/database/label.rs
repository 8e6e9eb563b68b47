// SPDX-License-Identifier: GPL-2.0
//! Labels: what a component says about itself, twice in its reserved head.

use kernel::prelude::*;
use md_model::{
    database::{
        identity::Uuid,
        label::{
            Label,
            LabelPage, //
        },
        layout::{
            LABEL_PAGE,
            PAGE_SECTORS, //
        },
        page::PAGE_BYTES, //
    },
    limits::RESERVED_HEAD_SECTORS, //
};

use crate::kapi::bdev::{
    BlockDevice,
    Buffer, //
};

/// A new label without a tree, for a component with a reserved head.
pub(crate) fn new(set: Uuid, set_name: [u8; 32], component: Uuid) -> Label {
    Label {
        set,
        component,
        set_name,
        data_sector: RESERVED_HEAD_SECTORS,
        sequence: 1,
        tree_bytes: 0,
    }
}

/// Which copies of a label there is room for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Room {
    /// Both.
    Both,
    /// The first: replicas have the place of the second one, or will.
    First,
}

/// The label of a device, if one of its copies is whole. An error, if none is and one could not be
/// read. Sleeps.
pub(crate) fn read(device: &BlockDevice) -> Result<Option<Label>> {
    let mut buffer = Buffer::new(PAGE_BYTES)?;
    Ok(newest(device, &mut buffer)?.map(|(_, label)| label))
}

/// A label with its tree.
pub(super) struct Whole {
    label: Label,
    tree: KVVec<u8>,
}

/// The label of a device with its tree, whatever the set. Sleeps.
pub(super) fn read_whole(device: &BlockDevice) -> Result<Option<Whole>> {
    let mut buffer = Buffer::new(PAGE_BYTES)?;
    let Some((copy, label)) = newest(device, &mut buffer)? else {
        return Ok(None);
    };
    let mut tree = KVVec::new();
    for page in 0..label.pages().ok_or(EFBIG)? {
        device.read(sector_of(copy, page).ok_or(EINVAL)?, &mut buffer)?;
        let read = LabelPage::decode(copy, page, &buffer).map_err(|_| EIO)?;
        tree.extend_from_slice(read.share, GFP_KERNEL)?;
    }
    Ok(Some(Whole { label, tree }))
}

/// Writes what was there before something else was written, or failed to be. Sleeps.
pub(super) fn put_back(device: &BlockDevice, before: Option<&Whole>) -> Result {
    let Some(before) = before else {
        return erase(device);
    };
    let now = read(device)?.map_or(0, |label| label.sequence);
    let sequence = now.max(before.label.sequence);
    let label = Label {
        sequence: sequence.checked_add(1).ok_or(EOVERFLOW)?,
        ..before.label
    };
    let mut buffer = Buffer::new(PAGE_BYTES)?;
    let copies = [0, 1].map(|copy| write_copy(device, copy, &label, &before.tree, &mut buffer));
    copies.into_iter().collect()
}

/// The newer of the copies that are whole, and which it is.
fn newest(device: &BlockDevice, buffer: &mut Buffer) -> Result<Option<(usize, Label)>> {
    let mut newest: Option<(usize, Label)> = None;
    let mut unreadable = None;
    for copy in [0, 1] {
        match read_copy(device, copy, buffer) {
            Ok(Some(label)) if newest.is_none_or(|(_, other)| label.sequence > other.sequence) => {
                newest = Some((copy, label));
            }
            Ok(_) => {}
            Err(error) => unreadable = Some(error),
        }
    }
    match (newest, unreadable) {
        (None, Some(error)) => Err(error),
        (newest, _) => Ok(newest),
    }
}

/// First sector of a page of a copy.
fn sector_of(copy: usize, page: u32) -> Option<u64> {
    let place = LABEL_PAGE.get(copy)?.checked_add(page)?;
    u64::from(place).checked_mul(PAGE_SECTORS)
}

/// One copy, if all its pages are whole and say the same.
fn read_copy(device: &BlockDevice, copy: usize, buffer: &mut Buffer) -> Result<Option<Label>> {
    let mut found: Option<Label> = None;
    for page in 0.. {
        device.read(sector_of(copy, page).ok_or(EINVAL)?, buffer)?;
        let Ok(read) = LabelPage::decode(copy, page, buffer) else {
            return Ok(None);
        };
        if found.is_some_and(|label| label != read.label) {
            return Ok(None);
        }
        found = Some(read.label);
        if page.saturating_add(1) >= read.of {
            break;
        }
    }
    Ok(found)
}

/// Writes a label, one copy after the other, so that one is always whole; first over the one that
/// is older. Sleeps.
pub(super) fn write(device: &BlockDevice, label: &Label, tree: &[u8], room: Room) -> Result {
    let mut buffer = Buffer::new(PAGE_BYTES)?;
    if room == Room::First {
        write_copy(device, 0, label, tree, &mut buffer)?;
        // Else what was there before would be taken for the label, as long as it is whole.
        let [_, second] = LABEL_PAGE;
        return erase_copies(device, &[second]);
    }
    // One that cannot be read may be mended by that.
    let mut sequence = |copy| {
        let label = read_copy(device, copy, &mut buffer).ok().flatten();
        label.map(|label| label.sequence)
    };
    let first_is_newer = sequence(0) > sequence(1);
    let mut order = if first_is_newer { [1, 0] } else { [0, 1] }.into_iter();
    order.try_for_each(|copy| write_copy(device, copy, label, tree, &mut buffer))
}

fn write_copy(
    device: &BlockDevice,
    copy: usize,
    label: &Label,
    tree: &[u8],
    buffer: &mut Buffer,
) -> Result {
    for page in 0..label.pages().ok_or(EFBIG)? {
        let place = label.encode(copy, page, tree, buffer).ok_or(EINVAL)?;
        let sector = u64::from(place).saturating_mul(PAGE_SECTORS);
        device.write(sector, buffer, false)?;
    }
    device.flush()
}

/// Takes a label of a set away that says nothing of metadevices. Sleeps.
pub(super) fn erase_empty(device: &BlockDevice, set: Uuid) -> Result {
    match read(device)? {
        Some(label) if label.set == set && label.tree_bytes == 0 => erase(device),
        _ => Ok(()),
    }
}

/// Takes a label away. Sleeps.
pub(crate) fn erase(device: &BlockDevice) -> Result {
    erase_copies(device, &LABEL_PAGE)
}

/// Takes copies away, by their first pages.
fn erase_copies(device: &BlockDevice, pages: &[u32]) -> Result {
    let zeros = Buffer::new(PAGE_BYTES)?;
    for first in pages {
        device.write(
            u64::from(*first).saturating_mul(PAGE_SECTORS),
            &zeros,
            false,
        )?;
    }
    device.flush()
}
