// SPDX-License-Identifier: GPL-2.0
//! The component label: both copies, and the tree in it.

use crate::{
    contents::decoded,
    damage::{
        refused,
        words,
        Damages, //
    },
    device::{
        offset,
        Device, //
    },
    metadevice::{
        bytes,
        text, //
    },
};
use md_model::database::{
    label::{
        first,
        Label,
        LabelPage,
        SHARE_BYTES, //
    },
    layout::LABEL_PAGE,
    page::{
        Damage,
        Kind, //
    }, //
};
use md_report::dump;

/// A copy that is whole.
struct Copy {
    label: Label,
    page: u64,
    pages: u32,
    tree: Vec<u8>,
}

/// What was found in the place of a copy.
enum Found {
    Whole(Copy),
    /// It is ours, and not whole; that has been told.
    Damaged,
    /// There is none, for this reason.
    None(String),
}

/// The copies of a label that there should be on a device whose replicas end before this page.
pub(crate) fn copies(replicas_end: u64) -> &'static [usize] {
    let [_, again] = LABEL_PAGE;
    if replicas_end > u64::from(again) {
        &[0]
    } else {
        &[0, 1]
    }
}

/// Reads and verifies the label; `None` if no copy is whole. Whoever has a copy should have all.
pub(crate) fn read(
    device: &Device<'_>,
    copies: &[usize],
    damages: &mut Damages,
    notes: &mut Vec<String>,
) -> Option<dump::Label> {
    let copies = copies.iter();
    let found: Vec<_> = copies
        .map(|copy| read_copy(device, *copy, damages))
        .collect();
    if found.iter().any(|found| !matches!(found, Found::None(_))) {
        for (found, page) in found.iter().zip(LABEL_PAGE) {
            if let Found::None(reason) = found {
                damages.add(page.into(), "component label", reason);
            }
        }
    }
    let whole: Vec<_> = found
        .into_iter()
        .filter_map(|found| match found {
            Found::Whole(copy) => Some(copy),
            Found::Damaged | Found::None(_) => None,
        })
        .collect();
    compare(&whole, damages, notes);
    // Of two with the same sequence the first.
    let newest = whole.iter().rev().max_by_key(|copy| copy.label.sequence)?;
    Some(told(newest, &whole, damages))
}

fn read_copy(device: &Device<'_>, copy: usize, damages: &mut Damages) -> Found {
    let page = u64::from(LABEL_PAGE[copy]);
    let whole = match read_page(device, copy, 0) {
        Ok(first) => first,
        Err(Reason::Foreign(reason)) => return Found::None(reason),
        Err(Reason::Damaged(reason)) => {
            damages.add(page, "component label", reason);
            return Found::Damaged;
        }
    };
    let (label, pages, mut tree) = whole;
    for number in 1..pages {
        let reason = match read_page(device, copy, number) {
            Ok((own, _, share)) if own == label => {
                tree.extend(share);
                continue;
            }
            Ok(_) => "says something else than the label's first page".to_string(),
            Err(Reason::Foreign(reason) | Reason::Damaged(reason)) => reason,
        };
        let what = format!("page {number} of the component label");
        damages.add(page + u64::from(number), what, reason);
        return Found::Damaged;
    }
    Found::Whole(Copy {
        label,
        page,
        pages,
        tree,
    })
}

/// Why a page is none of a label.
enum Reason {
    Foreign(String),
    Damaged(String),
}

/// What a page of a copy says, the number of its pages, and its share of the tree.
fn read_page(
    device: &Device<'_>,
    copy: usize,
    number: u32,
) -> Result<(Label, u32, Vec<u8>), Reason> {
    let place = u64::from(LABEL_PAGE[copy]) + u64::from(number);
    let bytes = device.page(place).map_err(|missing| match missing {
        crate::device::Missing::PastEnd(reason) => Reason::Foreign(reason),
        crate::device::Missing::Unreadable(reason) => Reason::Damaged(reason),
    })?;
    match LabelPage::decode(copy, number, &bytes) {
        Ok(page) => Ok((page.label, page.of, page.share.to_vec())),
        Err(damage) if is_foreign(&damage) => Err(Reason::Foreign(refused(&damage, &bytes))),
        Err(damage) => Err(Reason::Damaged(words(&damage))),
    }
}

/// Whether a page is of something else: nobody has to have a label, and without one, replicas may
/// be where it would be.
fn is_foreign(damage: &Damage) -> bool {
    match damage {
        Damage::Magic => true,
        Damage::Misplaced { found } => found.kind != Kind::Label,
        _ => false,
    }
}

/// Copies are written one after the other, so that one may be older; they do not contradict each
/// other.
fn compare(whole: &[Copy], damages: &mut Damages, notes: &mut Vec<String>) {
    let [first, second] = whole else { return };
    let identity = |copy: &Copy| (copy.label.set, copy.label.component);
    let (one, other) = (first.label.sequence, second.label.sequence);
    let is_same = first.label == second.label && first.tree == second.tree;
    if identity(first) != identity(second) || one == other && !is_same {
        let reason = format!("contradicts the copy at page {}", first.page);
        damages.add(second.page, "component label", reason);
    } else if one != other {
        let (older, newer) = if one < other {
            (first, second)
        } else {
            (second, first)
        };
        notes.push(format!(
            "the label's copy at page {} is older (sequence {}, the other has {}): writing it was \
             cut off between the two",
            older.page, older.label.sequence, newer.label.sequence
        ));
    }
}

fn told(newest: &Copy, whole: &[Copy], damages: &mut Damages) -> dump::Label {
    let label = &newest.label;
    let copy = |copy: &Copy| dump::LabelCopy {
        page: copy.page,
        offset: offset(copy.page),
        pages: copy.pages,
        sequence: copy.label.sequence,
    };
    dump::Label {
        set: label.set.to_string(),
        name: text(&label.set_name),
        component: label.component.to_string(),
        data: bytes(label.data_sector),
        sequence: label.sequence,
        copies: whole.iter().map(copy).collect(),
        tree: records(newest, damages),
    }
}

/// The records of the tree.
fn records(copy: &Copy, damages: &mut Damages) -> Vec<dump::Record> {
    let mut records = Vec::new();
    let mut rest = &copy.tree[..];
    while !rest.is_empty() {
        let before = copy.tree.len() - rest.len();
        let page = copy.page + (before / SHARE_BYTES) as u64;
        match first(rest) {
            Ok((record, behind)) => {
                rest = behind;
                let number = records.len() as u32;
                let of = (record.kind, record.version);
                let what = format!("record {number} of the label's tree");
                let metadevice = decoded(of, record.bytes)
                    .map_err(|reason| damages.add(page, what, reason))
                    .ok();
                records.push(dump::Record {
                    record: number,
                    kind: record.kind,
                    version: record.version,
                    metadevice,
                    pool: None,
                    failfast: None,
                });
            }
            Err(damage) => {
                damages.add(page, "the label's tree", words(&damage));
                break;
            }
        }
    }
    records
}
