// SPDX-License-Identifier: GPL-2.0
//! The comparison as a table, the worst cell first.

use std::fmt;

use super::cells::{
    Cell,
    PerOperation, //
};
use super::runs::OURS;

/// Added cost over the best peer's that no cell may exceed (DESIGN section 8).
const FLOOR: f64 = 1.5;
/// The same for reads from a mirror, over md raid1's.
const MIRROR_READ_FLOOR: f64 = 0.8;
const MIRROR_READ_PEER: &str = "md-raid1";
/// The same for writes of 4 KiB to a mirror that remembers on disk what is dirty, as its peer does.
/// What larger ones cost on ram disks is copying.
const MAP_WRITE_FLOOR: f64 = 0.8;

/// The cells, printed with [`fmt::Display`].
pub(super) struct Table<'a>(pub(super) &'a [Cell]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = ["raw", "ours", "added", "best", "ratio"];
        write!(out, "{:10} {:25}", "kind", "job")?;
        for column in columns {
            write!(out, " {column:>8}")?;
        }
        writeln!(
            out,
            "  {:9}  {:17}  I/Os, flushes, FUAs of peer",
            "peer", "of ours"
        )?;
        for cell in self.0 {
            row(out, cell)?;
        }
        let behind = self.0.iter().filter(|cell| is_behind(cell)).count();
        let count = self.0.len();
        writeln!(
            out,
            "{count} cells, {behind} of them behind the floor of {FLOOR}"
        )
    }
}

fn row(out: &mut fmt::Formatter<'_>, cell: &Cell) -> fmt::Result {
    let (peer, best) = cell.best().unwrap_or(("none", 0.0));
    let (raw, ours, added) = (cell.raw, cell.ours, cell.added());
    let ratio = cell
        .ratio()
        .map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
    write!(
        out,
        "{:10} {:25} {raw:8.0} {ours:8.0} {added:8.0}",
        cell.kind, cell.job
    )?;
    write!(out, " {best:8.0} {ratio:>8}  {peer:9}")?;
    let below = |target: &str| Below(cell.below.get(target).copied().unwrap_or_default());
    writeln!(out, "  {}  {}{}", below(OURS), below(peer), notes(cell))
}

/// What is remarkable about a cell.
fn notes(cell: &Cell) -> String {
    let mut notes = String::new();
    if is_behind(cell) {
        notes += "  BEHIND";
    }
    if cell.is_noise() {
        notes += &format!("  noise (passes differ by {:.0})", cell.spread);
    }
    notes
}

/// Whether a cell is above what the design allows.
pub(super) fn is_behind(cell: &Cell) -> bool {
    let (raw, added) = (cell.raw, cell.added());
    let is_read = cell.job.starts_with("read") || cell.job.starts_with("randread");
    let allowed = match cell.peers.get(MIRROR_READ_PEER) {
        Some(cost) if is_read => MIRROR_READ_FLOOR * (cost - raw),
        Some(cost) if cell.kind == "mirror-map" && cell.job.contains("-4k-") => {
            MAP_WRITE_FLOOR * (cost - raw)
        }
        _ => FLOOR * cell.best().map_or(0.0, |(_, best)| best),
    };
    added > allowed.max(0.0)
}

/// Requests below an operation.
struct Below(PerOperation);

impl fmt::Display for Below {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Below(below) = self;
        let figures = [below.transfers, below.flushes, below.fuas];
        for (index, figure) in figures.into_iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            match figure {
                Some(figure) => write!(out, "{gap}{figure:5.2}")?,
                None => write!(out, "{gap}{:>5}", "?")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::cells::tests::sample,
        *, //
    };

    #[test]
    fn a_cell_that_is_behind_says_so() {
        let good = sample("stripe", "randread-4k-qd1", 1000.0, 1600.0, 1400.0);
        let bad = sample("concat", "randread-4k-qd1", 1000.0, 1601.0, 1400.0);
        assert!(!is_behind(&good) && is_behind(&bad));
        let text = Table(&[bad, good]).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].starts_with("concat ") && lines[1].ends_with("BEHIND"),
            "{text}"
        );
        assert!(lines[1].contains("1.50  dm "), "{text}");
        assert!(!lines[2].contains("BEHIND"), "{text}");
        assert!(lines[3].starts_with("2 cells, 1 of them behind"), "{text}");
    }

    #[test]
    fn a_peer_that_adds_nothing_leaves_us_behind() {
        assert!(is_behind(&sample(
            "stripe",
            "read-4k-qd1",
            1000.0,
            1001.0,
            999.0
        )));
        assert!(!is_behind(&sample(
            "stripe",
            "read-4k-qd1",
            1000.0,
            998.0,
            999.0
        )));
    }

    #[test]
    fn reads_of_a_mirror_have_a_floor_of_their_own() {
        let mut cell = sample("mirror", "randread-4k-qd1", 1000.0, 1810.0, 1900.0);
        cell.peers = [
            ("md-raid1".to_owned(), 2000.0),
            ("dm-mirror".to_owned(), 3000.0),
        ]
        .into();
        assert!(is_behind(&cell), "0.81 of md raid1");
        cell.job = "randwrite-4k-qd1".to_owned();
        assert!(!is_behind(&cell));
        cell.kind = "mirror-map".to_owned();
        assert!(is_behind(&cell), "0.81 of md raid1 with its bitmap");
    }

    #[test]
    fn what_nobody_counted_is_no_zero() {
        let below = PerOperation {
            transfers: Some(2.0),
            ..PerOperation::default()
        };
        assert_eq!(Below(below).to_string(), " 2.00     ?     ?");
    }
}
