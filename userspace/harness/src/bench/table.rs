// SPDX-License-Identifier: GPL-2.0
//! The comparison as a table, the worst cell first.

use std::fmt;

use super::cells::{
    Cell,
    PerOperation, //
};
use super::goals::{
    verdict,
    Verdict,
    FLOOR, //
};
use super::runs::OURS;

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
        let is_behind = |cell: &&Cell| verdict(cell) != Verdict::Reached;
        let behind = self.0.iter().filter(is_behind).count();
        let count = self.0.len();
        writeln!(
            out,
            "{count} cells, {behind} of them behind the floor of {FLOOR} or a goal of their own"
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
    match verdict(cell) {
        Verdict::Reached => {}
        Verdict::Accepted(_) => notes += "  BEHIND (accepted)",
        Verdict::Missed => notes += "  BEHIND",
    }
    if cell.is_noise() {
        notes += &format!("  noise (passes differ by {:.0})", cell.spread);
    }
    notes
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
    fn what_nobody_counted_is_no_zero() {
        let below = PerOperation {
            transfers: Some(2.0),
            ..PerOperation::default()
        };
        assert_eq!(Below(below).to_string(), " 2.00     ?     ?");
    }
}
