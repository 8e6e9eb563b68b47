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

/// The label of a device, if one of its copies is whole. Sleeps.
pub(crate) fn read(device: &BlockDevice) -> Result<Option<Label>> {
    let mut buffer = Buffer::new(PAGE_BYTES)?;
    let copies = [0, 1].map(|copy| read_copy(device, copy, &mut buffer));
    let newest = copies.into_iter().flatten();
    Ok(newest.max_by_key(|label| label.sequence))
}

/// One copy, if all its pages are whole and say the same.
fn read_copy(device: &BlockDevice, copy: usize, buffer: &mut Buffer) -> Option<Label> {
    let first = *LABEL_PAGE.get(copy)?;
    let mut found: Option<Label> = None;
    for page in 0.. {
        let sector = u64::from(first.checked_add(page)?).checked_mul(PAGE_SECTORS)?;
        device.read(sector, buffer).ok()?;
        let read = LabelPage::decode(copy, page, buffer).ok()?;
        if found.is_some_and(|label| label != read.label) {
            return None;
        }
        found = Some(read.label);
        if page.checked_add(1)? >= read.of {
            break;
        }
    }
    found
}

/// Writes a label, one copy after the other, so that one is always whole; first over the one that
/// is older. Sleeps.
pub(crate) fn write(device: &BlockDevice, label: &Label, tree: &[u8]) -> Result {
    let mut buffer = Buffer::new(PAGE_BYTES)?;
    let sequence = |copy| read_copy(device, copy, &mut Buffer::new(PAGE_BYTES).ok()?);
    let first_is_newer =
        sequence(0).map(|label| label.sequence) > sequence(1).map(|label| label.sequence);
    let order = if first_is_newer { [1, 0] } else { [0, 1] };
    for copy in order {
        for page in 0..label.pages().ok_or(EFBIG)? {
            let place = label.encode(copy, page, tree, &mut buffer).ok_or(EINVAL)?;
            device.write(
                u64::from(place).saturating_mul(PAGE_SECTORS),
                &buffer,
                false,
            )?;
        }
        device.flush()?;
    }
    Ok(())
}

/// Takes a label away. Sleeps.
pub(crate) fn erase(device: &BlockDevice) -> Result {
    let zeros = Buffer::new(PAGE_BYTES)?;
    for first in LABEL_PAGE {
        device.write(u64::from(first).saturating_mul(PAGE_SECTORS), &zeros, false)?;
    }
    device.flush()
}
