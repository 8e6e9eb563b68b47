// SPDX-License-Identifier: GPL-2.0
//! What is not as it should be, in words.

use crate::device::offset;
use md_model::database::{
    load::Fault,
    page::{
        Damage,
        Kind,
        Stamp,
        VERSION, //
    },
};
use md_report::dump;

/// What was found to be wrong so far.
#[derive(Default)]
pub(crate) struct Damages {
    pub(crate) list: Vec<dump::Damage>,
}

impl Damages {
    /// Adds one: the page, what it is, and what is wrong with it.
    pub(crate) fn add(&mut self, page: u64, what: impl Into<String>, reason: impl Into<String>) {
        self.list.push(dump::Damage {
            page,
            offset: offset(page),
            what: what.into(),
            reason: reason.into(),
        });
    }
}

/// Why a page that was read is refused. The bytes tell an empty page from a foreign one.
pub(crate) fn refused(damage: &Damage, bytes: &[u8]) -> String {
    match damage {
        Damage::Magic if bytes.iter().all(|byte| *byte == 0) => "is empty".to_string(),
        damage => words(damage),
    }
}

/// Why a page is refused of which this is known.
pub(crate) fn faulty(fault: &Fault, bytes: &[u8]) -> String {
    match fault {
        Fault::Unreadable => "cannot be read".to_string(),
        Fault::Damaged(damage) => refused(damage, bytes),
    }
}

/// What is wrong with bytes. Reads on from the name of what they are.
pub(crate) fn words(damage: &Damage) -> String {
    match damage {
        Damage::Length { found } => format!("has {found} bytes"),
        Damage::Magic => "does not begin with a magic of this format".to_string(),
        Damage::Version { found } => format!(
            "is of version {found} of the format, and this release knows version {VERSION}: use a \
             newer one"
        ),
        Damage::Checksum { stored, computed } => {
            format!("has the checksum {stored:08x}, and its bytes have {computed:08x}")
        }
        Damage::Misplaced {
            found:
                Stamp {
                    kind: Kind::Head | Kind::Tail,
                    ..
                },
        } => "is that of a replica that begins elsewhere, or has another length".to_string(),
        Damage::Misplaced { found } => format!("is not what belongs here, but {}", stamp(found)),
        Damage::Stale { found } => format!(
            "is not the page that is pointed to, but {}: a write was lost",
            stamp(found)
        ),
        Damage::Value { name, found } => {
            format!("has a value that it cannot have: {name}, {found}")
        }
    }
}

fn stamp(found: &Stamp) -> String {
    let Stamp {
        kind,
        set,
        generation,
        place,
    } = found;
    let kind = kind.name();
    format!("a {kind} for place {place} of set {set}, commit {generation}")
}
