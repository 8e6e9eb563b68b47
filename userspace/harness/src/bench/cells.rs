// SPDX-License-Identifier: GPL-2.0
//! The cells of the comparison: what a job costs on our metadevice, on the bare disk below, and on
//! the peers that do the same with the same disks.
//!
//! *Added* cost is what a device costs beyond the bare disk; the ratio is our added cost over that
//! of the best peer.

use std::collections::{
    BTreeMap,
    BTreeSet, //
};

use super::runs::{
    Measured,
    Runs,
    OURS,
    RAW, //
};

/// A spread above this part of the best peer's added cost is noise.
const NOISE: f64 = 0.1;
/// Jobs on ram disks, which count nothing, are named like the same jobs on null_blk, and this.
const RAM: &str = "-brd";

/// One job on one kind of metadevice. Costs are instructions per operation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) kind: String,
    pub(super) job: String,
    pub(super) raw: f64,
    pub(super) ours: f64,
    pub(super) peers: BTreeMap<String, f64>,
    /// The largest difference between two passes, of the three devices that the ratio is made of.
    pub(super) spread: f64,
    /// What each target, ours included, did to the disks below.
    pub(super) below: BTreeMap<String, PerOperation>,
}

/// What one operation means below: requests to the disks, none if nobody counted, and waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct PerOperation {
    pub(super) transfers: Option<f64>,
    pub(super) flushes: Option<f64>,
    pub(super) fuas: Option<f64>,
    /// Nanoseconds in which the processor had nothing to do.
    pub(super) idle: f64,
}

impl Cell {
    /// What we cost beyond the bare disk.
    pub(super) fn added(&self) -> f64 {
        self.ours - self.raw
    }

    /// What each peer costs beyond the bare disk.
    pub(super) fn peers_added(&self) -> BTreeMap<String, f64> {
        let added = |(peer, cost): (&String, &f64)| (peer.clone(), cost - self.raw);
        self.peers.iter().map(added).collect()
    }

    /// The peer that costs least.
    pub(super) fn best(&self) -> Option<(&str, f64)> {
        let (peer, cost) = self.peers.iter().min_by(|a, b| a.1.total_cmp(b.1))?;
        Some((peer, cost - self.raw))
    }

    /// Our added cost over the best peer's. None if that peer costs no more than the bare disk:
    /// then there is nothing to divide by.
    pub(super) fn ratio(&self) -> Option<f64> {
        let (_, best) = self.best()?;
        (best > 0.0).then(|| self.added() / best)
    }

    /// Whether the passes differ by so much that the ratio says little.
    pub(super) fn is_noise(&self) -> bool {
        let best = self.best().map_or(0.0, |(_, added)| added);
        self.spread > NOISE * best
    }

    /// The place in a table with the worst cell first.
    fn badness(&self) -> f64 {
        let without = if self.added() > 0.0 {
            f64::INFINITY
        } else {
            0.0
        };
        self.ratio().unwrap_or(without)
    }
}

/// All cells for which there are our metadevice, the bare disk and a peer, the worst first.
pub(super) fn cells(runs: &Runs) -> Vec<Cell> {
    let ours = runs.measured.iter().filter(|m| m.target == OURS);
    let names: BTreeSet<(&str, &str)> = ours.map(|m| (&*m.kind, &*m.job)).collect();
    let cells = names
        .into_iter()
        .filter_map(|(kind, job)| cell(runs, kind, job));
    let mut cells: Vec<Cell> = cells.collect();
    cells.sort_by(|a, b| b.badness().total_cmp(&a.badness()));
    cells
}

fn cell(runs: &Runs, kind: &str, job: &str) -> Option<Cell> {
    let raw = Costs::of(runs, RAW, RAW, job)?;
    let ours = Costs::of(runs, kind, OURS, job)?;
    let others = runs
        .measured
        .iter()
        .filter(|m| m.kind == kind && m.target != OURS);
    let names: BTreeSet<&str> = others.map(|m| &*m.target).collect();
    let peers: BTreeMap<String, Costs> = names
        .into_iter()
        .filter_map(|peer| Some((peer.to_owned(), Costs::of(runs, kind, peer, job)?)))
        .collect();
    let best = peers.values().min_by(|a, b| a.mean.total_cmp(&b.mean))?;
    let below = peers.keys().map(String::as_str).chain([OURS]);
    Some(Cell {
        kind: kind.to_owned(),
        job: job.to_owned(),
        raw: raw.mean,
        ours: ours.mean,
        spread: raw.spread.max(ours.spread).max(best.spread),
        below: below
            .map(|target| (target.to_owned(), PerOperation::of(runs, kind, target, job)))
            .collect(),
        peers: peers
            .into_iter()
            .map(|(peer, costs)| (peer, costs.mean))
            .collect(),
    })
}

/// What a job costs on a target, over all passes.
struct Costs {
    mean: f64,
    spread: f64,
}

impl Costs {
    fn of(runs: &Runs, kind: &str, target: &str, job: &str) -> Option<Self> {
        let costs: Vec<f64> = of(runs, kind, target, job).filter_map(|m| m.cost).collect();
        let (least, most) = (
            costs.iter().copied().reduce(f64::min)?,
            costs.iter().copied().reduce(f64::max)?,
        );
        Some(Self {
            mean: costs.iter().sum::<f64>() / costs.len() as f64,
            spread: most - least,
        })
    }
}

impl PerOperation {
    /// Transfers are counted while the job is timed, if its disks count. Flushes and FUAs are what
    /// the run says that is for counting.
    fn of(runs: &Runs, kind: &str, target: &str, job: &str) -> Self {
        let job_counted = job.strip_suffix(RAM).unwrap_or(job);
        let counted = of(runs, kind, target, job_counted).find(|m| m.cost.is_none());
        let timed = of(runs, kind, target, job).find(|m| m.counts.transfers > 0);
        let per = |count: u64, m: &Measured| count as f64 / m.operations as f64;
        Self {
            transfers: timed.or(counted).map(|m| per(m.counts.transfers, m)),
            flushes: counted.map(|m| per(m.counts.flushes, m)),
            fuas: counted.map(|m| per(m.counts.fuas, m)),
            idle: of(runs, kind, target, job).next().map_or(0.0, |m| m.idle),
        }
    }
}

fn of<'a>(
    runs: &'a Runs,
    kind: &'a str,
    target: &'a str,
    job: &'a str,
) -> impl Iterator<Item = &'a Measured> {
    let measured = runs.measured.iter();
    measured.filter(move |m| m.kind == kind && m.target == target && m.job == job)
}

#[cfg(test)]
pub(super) mod tests {
    use super::{
        super::stamps::Counts,
        *, //
    };

    /// A cell with two peers, for the tests of other modules.
    pub(in super::super) fn sample(kind: &str, job: &str, raw: f64, ours: f64, dm: f64) -> Cell {
        Cell {
            kind: kind.to_owned(),
            job: job.to_owned(),
            raw,
            ours,
            peers: [("dm".to_owned(), dm), ("md".to_owned(), dm + 50.0)].into(),
            spread: 0.0,
            below: BTreeMap::new(),
        }
    }

    fn measured(kind: &str, target: &str, job: &str, cost: Option<f64>) -> Measured {
        Measured {
            kind: kind.to_owned(),
            target: target.to_owned(),
            job: job.to_owned(),
            cost,
            idle: 0.0,
            operations: 100,
            counts: Counts::default(),
        }
    }

    fn runs(measured: &[Measured]) -> Runs {
        Runs {
            measured: measured.to_vec(),
            ..Runs::default()
        }
    }

    /// One job on the bare disk, on ours and on two peers, twice.
    fn twice() -> Vec<Measured> {
        let m = |kind, target, cost| measured(kind, target, "a", Some(cost));
        vec![
            m("raw", "raw", 990.0),
            m("raw", "raw", 1010.0),
            m("stripe", "ours", 1600.0),
            m("stripe", "ours", 1600.0),
            m("stripe", "dm", 1390.0),
            m("stripe", "dm", 1410.0),
            m("stripe", "md", 1500.0),
            m("stripe", "md", 1900.0),
        ]
    }

    #[test]
    fn a_ratio_is_of_added_costs_and_the_best_peer() {
        let cells = cells(&runs(&twice()));
        assert_eq!(cells.len(), 1);
        let cell = &cells[0];
        assert_eq!((cell.raw, cell.ours, cell.added()), (1000.0, 1600.0, 600.0));
        assert_eq!(cell.best(), Some(("dm", 400.0)));
        assert_eq!(cell.ratio(), Some(1.5));
    }

    #[test]
    fn the_spread_is_that_of_what_the_ratio_is_made_of() {
        let cell = &cells(&runs(&twice()))[0];
        assert_eq!(cell.spread, 20.0, "not that of md, which is not the best");
        assert!(!cell.is_noise());
        let noisy = Cell {
            spread: 41.0,
            ..cell.clone()
        };
        assert!(noisy.is_noise(), "more than a tenth of 400");
    }

    #[test]
    fn the_worst_cell_is_first_and_what_has_no_ratio_is_not_hidden() {
        let m = |kind, target, job, cost| measured(kind, target, job, Some(cost));
        let mut all = Vec::new();
        // b: behind, c: ahead, d: a peer that costs nothing, e: so do we.
        for (job, ours, dm) in [("b", 300., 200.), ("c", 150., 200.), ("d", 130., 99.)] {
            all.push(m("raw", "raw", job, 100.0));
            all.push(m("stripe", "ours", job, ours));
            all.push(m("stripe", "dm", job, dm));
        }
        all.extend([m("raw", "raw", "e", 9.), m("stripe", "ours", "e", 9.)]);
        all.push(m("stripe", "dm", "e", 9.0));
        let cells = cells(&runs(&all));
        let order: Vec<&str> = cells.iter().map(|cell| &*cell.job).collect();
        assert_eq!(order, ["d", "b", "c", "e"]);
        assert_eq!(cells[0].ratio(), None);
    }

    #[test]
    fn without_a_peer_or_a_bare_disk_there_is_no_cell() {
        let no_peer: Vec<_> = twice().into_iter().take(4).collect();
        assert!(cells(&runs(&no_peer)).is_empty());
        let no_disk: Vec<_> = twice().into_iter().skip(2).collect();
        assert!(cells(&runs(&no_disk)).is_empty());
    }

    #[test]
    fn flushes_are_those_of_the_run_for_counting() {
        let counts = |transfers, flushes, fuas| Counts {
            transfers,
            flushes,
            fuas,
        };
        let mut all = twice();
        all[2].counts = counts(200, 7, 0);
        all.push(Measured {
            counts: counts(300, 50, 25),
            ..measured("stripe", "ours", "a", None)
        });
        let below = cells(&runs(&all))[0].below["ours"];
        let per = |number| Some(number);
        assert_eq!(below.transfers, per(2.0), "of the run that was timed");
        assert_eq!((below.flushes, below.fuas), (per(0.5), per(0.25)));
        assert_eq!(cells(&runs(&twice()))[0].below["dm"].flushes, None);
    }
}
