// SPDX-License-Identifier: GPL-2.0
//! What our metadevices may cost beside their peers: the goals that docs/performance.md states. A
//! whole comparison that misses one ends with an error.

use super::cells::Cell;
use super::runs::OURS;

/// Added cost over the best peer's that no cell may exceed (DESIGN section 8).
pub(super) const FLOOR: f64 = 1.5;
/// The same for reads from a mirror, over md raid1's.
const MIRROR_READ_FLOOR: f64 = 0.8;
const MIRROR_READ_PEER: &str = "md-raid1";
/// The same for writes of 4 KiB to a mirror that remembers on disk what is dirty, as its peer does.
/// What larger ones cost on ram disks is copying.
const MAP_WRITE_FLOOR: f64 = 0.8;
/// The same for reads from RAID5, and from RAID5 without a column.
const RAID_READ_FLOOR: f64 = 0.8;
const DEGRADED_READ_FLOOR: f64 = 1.0;
/// All that a write to RAID5 costs over all that it costs with md: whole rows, and 4 KiB.
const RAID_ROWS: f64 = 0.6;
const RAID_SMALL: f64 = 1.0;
const RAID_WRITE_PEER: &str = "md-raid5";

/// A cell that misses its goal, and is known to.
struct Accepted {
    kind: &'static str,
    job: &'static str,
    /// All that it costs over what the goal allows, at most.
    most: f64,
    reason: &'static str,
}

/// Cells that may miss their goals. One that reaches it is to be taken off.
const ACCEPTED: &[Accepted] = &[Accepted {
    kind: "raid5",
    job: "write-256k-qd1-brd",
    most: 1.05,
    reason: "five pages of the log for each batch, of which two would do in another format",
}];

/// What is to be said of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    Reached,
    /// It misses its goal, for a reason.
    Accepted(&'static str),
    Missed,
}

/// Whether a cell reaches its goal.
pub(super) fn verdict(cell: &Cell) -> Verdict {
    let allowed = allowed(cell);
    if cell.added() <= allowed {
        return Verdict::Reached;
    }
    let mut known = ACCEPTED.iter().filter(|accepted| accepted.is(cell));
    match known.find(|accepted| cell.ours <= accepted.most * (cell.raw + allowed)) {
        Some(accepted) => Verdict::Accepted(accepted.reason),
        None => Verdict::Missed,
    }
}

/// What a cell may cost beyond the bare disk.
fn allowed(cell: &Cell) -> f64 {
    let raw = cell.raw;
    let best = cell.best().map_or(0.0, |(_, best)| best);
    let is_read = cell.job.starts_with("read") || cell.job.starts_with("randread");
    let is_small = cell.job.contains("-4k-");
    let over = |peer: &str| cell.peers.get(peer).copied();
    let allowed = match (&*cell.kind, is_read) {
        ("raid5", true) => RAID_READ_FLOOR * best,
        ("raid5-degraded", true) => DEGRADED_READ_FLOOR * best,
        ("raid5", false) => match over(RAID_WRITE_PEER) {
            Some(cost) if is_small => RAID_SMALL * cost - raw,
            Some(cost) => RAID_ROWS * cost - raw,
            None => FLOOR * best,
        },
        (kind, _) => match over(MIRROR_READ_PEER) {
            Some(cost) if is_read => MIRROR_READ_FLOOR * (cost - raw),
            Some(cost) if kind == "mirror-map" && is_small => MAP_WRITE_FLOOR * (cost - raw),
            _ => FLOOR * best,
        },
    };
    allowed.max(0.0)
}

/// What is to be said of a whole comparison: lines, and whether no goal was missed. What could not
/// be made of ours (`absent`, lines `KIND TARGET: ...`) has reached nothing.
pub(super) fn judge(cells: &[Cell], absent: &[String]) -> (Vec<String>, bool) {
    let mut lines = Vec::new();
    let mut missed = 0;
    for cell in cells {
        let name = format!("{} {}", cell.kind, cell.job);
        let (added, allowed) = (cell.added(), allowed(cell));
        let cost = format!("{name} adds {added:.0} instructions, and {allowed:.0} are its goal");
        match verdict(cell) {
            Verdict::Missed => {
                missed += 1;
                lines.push(format!("MISSED: {cost}"));
            }
            Verdict::Accepted(reason) => lines.push(format!("accepted: {cost}: {reason}")),
            Verdict::Reached if ACCEPTED.iter().any(|accepted| accepted.is(cell)) => {
                lines.push(format!(
                    "better: {name} reaches its goal: take it off the list"
                ));
            }
            Verdict::Reached => {}
        }
    }
    for line in absent
        .iter()
        .filter(|line| line.contains(&format!(" {OURS}:")))
    {
        missed += 1;
        lines.push(format!("MISSED: {line}"));
    }
    lines.push(format!("{missed} goals are missed"));
    (lines, missed == 0 && !cells.is_empty())
}

impl Accepted {
    fn is(&self, cell: &Cell) -> bool {
        self.kind == cell.kind && self.job == cell.job
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::cells::tests::sample,
        *, //
    };

    fn is_missed(cell: &Cell) -> bool {
        verdict(cell) == Verdict::Missed
    }

    /// A cell of RAID5 beside md.
    fn raid(kind: &str, job: &str, raw: f64, ours: f64, md: f64) -> Cell {
        let mut cell = sample(kind, job, raw, ours, md);
        cell.peers = [("md-raid5".to_owned(), md)].into();
        cell
    }

    #[test]
    fn half_as_much_again_as_the_best_peer_is_the_floor() {
        let cell = |ours| sample("concat", "randread-4k-qd1", 1000.0, ours, 1400.0);
        assert!(!is_missed(&cell(1600.0)) && is_missed(&cell(1601.0)));
    }

    #[test]
    fn a_peer_that_adds_nothing_leaves_us_behind() {
        let cell = |ours| sample("stripe", "read-4k-qd1", 1000.0, ours, 999.0);
        assert!(is_missed(&cell(1001.0)) && !is_missed(&cell(998.0)));
    }

    #[test]
    fn mirrors_have_floors_of_their_own() {
        let mut cell = sample("mirror", "randread-4k-qd1", 1000.0, 1810.0, 1900.0);
        cell.peers = [
            ("md-raid1".to_owned(), 2000.0),
            ("dm-mirror".to_owned(), 3000.0),
        ]
        .into();
        assert!(is_missed(&cell), "0.81 of md raid1");
        cell.job = "randwrite-4k-qd1".to_owned();
        assert!(!is_missed(&cell));
        cell.kind = "mirror-map".to_owned();
        assert!(is_missed(&cell), "0.81 of md raid1 with its bitmap");
        cell.job = "write-1m-qd1-brd".to_owned();
        assert!(!is_missed(&cell));
    }

    #[test]
    fn raid5_is_held_to_all_that_it_costs() {
        let rows = |ours| raid("raid5", "write-1m-qd1-brd", 1000.0, ours, 5000.0);
        assert!(!is_missed(&rows(3000.0)) && is_missed(&rows(3001.0)));
        let small = |ours| raid("raid5", "randwrite-4k-qd32-brd", 1000.0, ours, 5000.0);
        assert!(!is_missed(&small(5000.0)) && is_missed(&small(5001.0)));
        let read = |ours| raid("raid5", "randread-4k-qd32-brd", 1000.0, ours, 2000.0);
        assert!(!is_missed(&read(1800.0)) && is_missed(&read(1801.0)));
        let degraded = |ours| {
            raid(
                "raid5-degraded",
                "randread-4k-qd32-brd",
                1000.0,
                ours,
                2000.0,
            )
        };
        assert!(!is_missed(&degraded(2000.0)) && is_missed(&degraded(2001.0)));
    }

    #[test]
    fn what_is_accepted_is_so_within_bounds() {
        let cell = |ours| raid("raid5", "write-256k-qd1-brd", 1000.0, ours, 5000.0);
        assert_eq!(verdict(&cell(3000.0)), Verdict::Reached);
        assert!(matches!(verdict(&cell(3100.0)), Verdict::Accepted(_)));
        assert!(is_missed(&cell(3151.0)));
        let (lines, is_good) = judge(&[cell(3100.0)], &[]);
        assert!(is_good && lines[0].starts_with("accepted: "), "{lines:?}");
        let (lines, is_good) = judge(&[cell(3000.0)], &[]);
        assert!(
            is_good && lines[0].ends_with("take it off the list"),
            "{lines:?}"
        );
    }

    #[test]
    fn a_goal_that_is_missed_is_no_success() {
        let good = sample("stripe", "randread-4k-qd1", 1000.0, 1600.0, 1400.0);
        let bad = sample("concat", "randread-4k-qd1", 1000.0, 1601.0, 1400.0);
        let (lines, is_good) = judge(&[bad, good.clone()], &[]);
        assert!(!is_good);
        assert_eq!(
            lines,
            [
                "MISSED: concat randread-4k-qd1 adds 601 instructions, and 600 are its goal",
                "1 goals are missed",
            ]
        );
        assert!(judge(&[good.clone()], &["mirror md-raid1: no such module".into()]).1);
        assert!(!judge(&[good], &["mirror ours: no such module".into()]).1);
        assert!(!judge(&[], &[]).1, "nothing was compared");
    }
}
