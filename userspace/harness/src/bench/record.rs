// SPDX-License-Identifier: GPL-2.0
//! The recorded costs, `bench/record.json`: a change that worsens a cell by more than a twentieth
//! changes the record with it, or fails.

use std::collections::BTreeMap;

use anyhow::{
    ensure,
    Result, //
};
use serde::{
    Deserialize,
    Serialize, //
};

use super::{
    cells::Cell,
    runs::OURS, //
};

/// How much worse than recorded a cell may be.
const TOLERANCE: f64 = 0.05;
/// Version of the file.
const VERSION: u32 = 1;

/// Costs on one kernel, in instructions per operation beyond the bare disk.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Record {
    version: u32,
    kernel: String,
    cells: Vec<Recorded>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Recorded {
    kind: String,
    job: String,
    ours: f64,
    peers: BTreeMap<String, f64>,
}

impl Record {
    /// Reads a record.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let record: Self = serde_json::from_str(text)?;
        let version = record.version;
        ensure!(
            version == VERSION,
            "version {version} of a record is unknown"
        );
        Ok(record)
    }

    /// The record of what was measured; what was not keeps its figures, if the kernel is the same.
    pub(super) fn renewed(before: Option<&Self>, kernel: &str, cells: &[Cell]) -> Self {
        let is_new = |old: &&Recorded| cells.iter().all(|cell| !old.is_of(cell));
        let old = before.filter(|record| record.kernel == kernel);
        let old = old.map_or(&[][..], |record| &record.cells).iter();
        let mut all: Vec<Recorded> = old.filter(is_new).cloned().collect();
        all.extend(cells.iter().map(Recorded::of));
        all.sort_by(|a, b| (&a.kind, &a.job).cmp(&(&b.kind, &b.job)));
        Self {
            version: VERSION,
            kernel: kernel.to_owned(),
            cells: all,
        }
    }

    /// The file's text: a line for each cell, so that a change of a cell is a change of a line.
    pub(super) fn to_text(&self) -> Result<String> {
        let mut lines = Vec::new();
        for cell in &self.cells {
            lines.push(format!("  {}", serde_json::to_string(cell)?));
        }
        let (version, kernel) = (self.version, serde_json::to_string(&self.kernel)?);
        let cells = lines.join(",\n");
        Ok(format!(
            "{{\"version\": {version}, \"kernel\": {kernel}, \"cells\": [\n{cells}\n]}}\n"
        ))
    }

    /// Compares what was measured with the record. An error if there is nothing to compare, or if a
    /// recorded kind is among those that could not be made (`absent`, lines `KIND TARGET: ...`).
    pub(super) fn compare(
        &self,
        kernel: &str,
        cells: &[Cell],
        absent: &[String],
    ) -> Result<Vec<Change>> {
        for line in absent {
            let is_ours = |cell: &&Recorded| line.starts_with(&format!("{} {OURS}:", cell.kind));
            ensure!(!self.cells.iter().any(|cell| is_ours(&cell)), "{line}");
        }
        let same_kernel = self.kernel == kernel;
        let pairs = cells.iter().filter_map(|cell| {
            let recorded = self.cells.iter().find(|recorded| recorded.is_of(cell))?;
            Some(recorded.change(cell, same_kernel))
        });
        let changes: Vec<Change> = pairs.collect();
        ensure!(
            !changes.is_empty(),
            "nothing that was measured is in the record"
        );
        Ok(changes)
    }
}

impl Recorded {
    fn of(cell: &Cell) -> Self {
        let peers = cell.peers_added().into_iter();
        Self {
            kind: cell.kind.clone(),
            job: cell.job.clone(),
            ours: cell.added().round(),
            peers: peers.map(|(peer, added)| (peer, added.round())).collect(),
        }
    }

    fn is_of(&self, cell: &Cell) -> bool {
        self.kind == cell.kind && self.job == cell.job
    }

    /// What became of a cell. On another kernel the cost that is expected is the recorded one
    /// times what became of a peer's: the kernel's part of both has changed.
    fn change(&self, cell: &Cell, same_kernel: bool) -> Change {
        let now = cell.peers_added();
        let factors = self.peers.iter().filter_map(|(peer, recorded)| {
            let now = now.get(peer).copied()?;
            (*recorded > 0.0 && now > 0.0).then(|| now / recorded)
        });
        let factor = if same_kernel {
            1.0
        } else {
            factors.reduce(f64::max).unwrap_or(1.0)
        };
        Change {
            name: format!("{} {}", self.kind, self.job),
            expected: self.ours * factor,
            added: cell.added(),
        }
    }
}

/// A cell's added cost as recorded and as measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) name: String,
    pub(super) expected: f64,
    pub(super) added: f64,
}

impl Change {
    /// How much more it is, as a part of what was expected; negative if it is less.
    pub(super) fn growth(&self) -> f64 {
        (self.added - self.expected) / self.expected.abs().max(1.0)
    }

    /// Whether it is more than is tolerated.
    pub(super) fn is_worse(&self) -> bool {
        self.growth() > TOLERANCE
    }

    /// Whether it is so much less that the record should say so, or else it could be lost again.
    pub(super) fn is_better(&self) -> bool {
        self.growth() < -TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::cells::tests::sample,
        *, //
    };

    const KERNEL: &str = "7.3.4";

    fn recorded(ours: f64, dm: f64) -> Record {
        let cell = sample("stripe", "a", 1000.0, 1000.0 + ours, 1000.0 + dm);
        Record::renewed(None, KERNEL, &[cell])
    }

    fn compare(record: &Record, kernel: &str, ours: f64, dm: f64) -> Change {
        let cell = sample("stripe", "a", 1000.0, 1000.0 + ours, 1000.0 + dm);
        record.compare(kernel, &[cell], &[]).unwrap().remove(0)
    }

    #[test]
    fn a_twentieth_more_is_worse() {
        let record = recorded(2000.0, 1500.0);
        assert!(!compare(&record, KERNEL, 2099.0, 1500.0).is_worse());
        assert!(compare(&record, KERNEL, 2101.0, 1500.0).is_worse());
        assert!(compare(&record, KERNEL, 1899.0, 1500.0).is_better());
        assert!(
            compare(&record, KERNEL, 2101.0, 3000.0).is_worse(),
            "on the same kernel a peer's noise is no excuse"
        );
    }

    #[test]
    fn on_another_kernel_the_peer_tells_what_to_expect() {
        let record = recorded(2000.0, 1500.0);
        assert!(!compare(&record, "7.3.5", 2150.0, 1650.0).is_worse());
        assert!(compare(&record, "7.3.5", 2350.0, 1650.0).is_worse());
    }

    #[test]
    fn a_record_survives_its_file() {
        let record = recorded(2000.0, 1500.0);
        assert_eq!(Record::parse(&record.to_text().unwrap()).unwrap(), record);
        assert!(Record::parse(r#"{"version": 2, "kernel": "", "cells": []}"#).is_err());
    }

    #[test]
    fn what_was_not_measured_keeps_its_figures_on_the_same_kernel() {
        let before = recorded(2000.0, 1500.0);
        let other = sample("concat", "a", 1000.0, 1500.0, 1500.0);
        let count = |kernel| {
            let other = [other.clone()];
            Record::renewed(Some(&before), kernel, &other).cells.len()
        };
        assert_eq!((count(KERNEL), count("7.3.5")), (2, 1));
        let again = sample("stripe", "a", 1000.0, 2500.0, 2000.0);
        let renewed = Record::renewed(Some(&before), KERNEL, &[again]);
        assert_eq!(renewed.cells.len(), 1);
        assert_eq!(renewed.cells[0].ours, 1500.0);
    }

    #[test]
    fn a_comparison_of_nothing_is_no_success() {
        let record = recorded(2000.0, 1500.0);
        assert!(record.compare(KERNEL, &[], &[]).is_err());
        let other = sample("stripe", "b", 1000.0, 1500.0, 1500.0);
        assert!(record.compare(KERNEL, &[other], &[]).is_err());
        let cell = sample("stripe", "a", 1000.0, 1500.0, 1500.0);
        let absent = |line: &str| record.compare(KERNEL, &[cell.clone()], &[line.to_owned()]);
        assert!(absent("stripe ours: no such module").is_err());
        assert!(
            absent("mirror ours: not yet").is_ok(),
            "no mirror is recorded"
        );
        assert!(absent("stripe md-raid0: no such module").is_ok());
    }
}
