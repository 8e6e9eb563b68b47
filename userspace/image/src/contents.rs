// SPDX-License-Identifier: GPL-2.0
//! The pages of records of a replica's live commit, and the records in them.

use crate::{
    damage::{
        words,
        Damages, //
    },
    device::offset,
    metadevice::{
        told,
        told_pool,
        told_watched, //
    },
};
use md_model::{
    database::{
        identity::Generation,
        metadevice::{
            fields::{
                RECORD_KIND,
                RECORD_VERSION,
                RECORD_VERSION_MIN, //
            },
            Record,
        },
        page::{
            open,
            HEAD_BYTES, //
        },
        pool,
        records::{
            parts,
            PART_BYTES_MAX, //
        },
        store::{
            self,
            entries,
            judge,
            metadevice,
            Entry,
            Pages,
            Tally,
            PARTS_MAX, //
        },
        watched, //
    },
    limits::RECORDS_MAX,
};
use md_report::dump;
use std::collections::BTreeMap;

/// A page that was verified.
pub(crate) struct Kept {
    bytes: Vec<u8>,
    /// Where its payload ends.
    end: usize,
    generation: Generation,
}

impl Kept {
    /// A page that a reader has accepted.
    pub(crate) fn new(bytes: Vec<u8>) -> Option<Self> {
        let page = open(&bytes).ok()?;
        let (end, generation) = (HEAD_BYTES + page.payload.len(), page.stamp.generation);
        Some(Kept {
            bytes,
            end,
            generation,
        })
    }

    /// The commit that wrote it.
    pub(crate) fn commit(&self) -> String {
        self.generation.to_string()
    }

    fn payload(&self) -> &[u8] {
        self.bytes.get(HEAD_BYTES..self.end).unwrap_or(&[])
    }
}

/// Pages of records, by their numbers, with the device's pages on which they are.
#[derive(Default)]
pub(crate) struct Contents {
    pages: BTreeMap<u32, (u64, Kept)>,
}

impl Pages for Contents {
    fn count(&self) -> u32 {
        let last = self.pages.last_key_value();
        last.map_or(0, |(number, _)| number.saturating_add(1))
    }

    fn payload(&self, number: u32) -> &[u8] {
        let page = self.pages.get(&number);
        page.map_or(&[], |(_, kept)| kept.payload())
    }
}

impl Contents {
    /// Keeps a page, which stands on this page of the device.
    pub(crate) fn keep(&mut self, number: u32, page: u64, kept: Kept) {
        self.pages.insert(number, (page, kept));
    }

    /// The page with a number, if it is whole.
    pub(crate) fn told(&self, number: u32, page: u64) -> dump::RecordsPage {
        let kept = self.pages.get(&number).map(|(_, kept)| kept);
        let part = |part: md_model::database::records::Part<'_>| dump::Part {
            record: part.record,
            part: part.part,
            of: part.of,
            length: part.bytes.len() as u64,
        };
        dump::RecordsPage {
            number,
            page,
            offset: offset(page),
            commit: kept.map(Kept::commit),
            parts: parts(self.payload(number)).map(part).collect(),
        }
    }

    /// Sees that every record has all its parts, and each once. Damage has no page of its own:
    /// it is told of the root that leads to all.
    pub(crate) fn judge(&self, root: u64, damages: &mut Damages) {
        let mut tallies = vec![Tally::default(); RECORDS_MAX as usize];
        if let Err(damage) = judge(self, &mut tallies) {
            damages.add(root, "contents of the live root", words(&damage));
        }
    }

    /// The records, those that are damaged with nothing in them.
    pub(crate) fn records(&self, damages: &mut Damages) -> Vec<dump::Record> {
        let mut buffer = vec![0; PARTS_MAX * PART_BYTES_MAX];
        entries(self)
            .map(|entry| self.record(&entry, &mut buffer, damages))
            .collect()
    }

    fn record(&self, entry: &Entry, buffer: &mut [u8], damages: &mut Damages) -> dump::Record {
        let (kind, version) = entry.kind_and_version;
        let mut record = dump::Record {
            record: entry.record,
            kind,
            version,
            metadevice: None,
            pool: None,
            failfast: None,
        };
        if let Err(reason) = self.read(entry, buffer, &mut record) {
            let what = format!("record {}", entry.record);
            damages.add(self.page_of(entry.record), what, reason);
        }
        record
    }

    /// Reads what is in a record, by its kind. The error says why that is not possible.
    fn read(
        &self,
        entry: &Entry,
        buffer: &mut [u8],
        record: &mut dump::Record,
    ) -> Result<(), String> {
        match entry.kind_and_version {
            (pool::RECORD_KIND, pool::RECORD_VERSION) => {
                let pool = store::pool(self, entry, buffer).map_err(|damage| words(&damage))?;
                record.pool = Some(told_pool(&pool));
            }
            (watched::RECORD_KIND, watched::RECORD_VERSION) => {
                let disks = store::watched(self, entry, buffer).map_err(|damage| words(&damage))?;
                record.failfast = Some(told_watched(&disks));
            }
            kind_and_version => {
                known(kind_and_version)?;
                let unit = metadevice(self, entry, buffer).map_err(|damage| words(&damage))?;
                record.metadevice = Some(told(&unit));
            }
        }
        Ok(())
    }

    /// The device's page with the first part of a record.
    fn page_of(&self, record: u32) -> u64 {
        let has = |kept: &Kept| {
            let mut parts = parts(kept.payload());
            parts.any(|part| part.record == record && part.part == 0)
        };
        let mut pages = self.pages.values();
        pages
            .find(|(_, kept)| has(kept))
            .map_or(0, |(page, _)| *page)
    }
}

/// A record of this kind and version, or why it is not read.
pub(crate) fn decoded(
    kind_and_version: (u16, u16),
    bytes: &[u8],
) -> Result<dump::Metadevice, String> {
    known(kind_and_version)?;
    let record = Record::decode(bytes).map_err(|damage| words(&damage))?;
    Ok(told(&record))
}

/// What is of an unknown kind or version is named, and not guessed (`DURABILITY.md` clause 20).
fn known((kind, version): (u16, u16)) -> Result<(), String> {
    let is_known = (RECORD_VERSION_MIN..=RECORD_VERSION).contains(&version);
    if kind == RECORD_KIND && is_known {
        return Ok(());
    }
    Err(format!(
        "is of kind {kind}, version {version}, and this release knows kind {RECORD_KIND}, \
         versions {RECORD_VERSION_MIN} to {RECORD_VERSION}: use a newer one"
    ))
}
