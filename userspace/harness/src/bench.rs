// SPDX-License-Identifier: GPL-2.0
//! The comparison of `make bench`: what our metadevices cost beyond the bare disk, beside dm and
//! md, in instructions.
//!
//! `scripts/bench.guest` measures and leaves files; everything here is arithmetic on them. Read
//! `cells.rs` first.

mod cells;
pub(crate) mod contention;
mod fio;
mod goals;
mod json;
mod record;
mod runs;
mod stamps;
mod table;

use std::{
    fs,
    path::{
        Path,
        PathBuf, //
    }, //
};

use anyhow::{
    Context,
    Result, //
};
use clap::Args;

use self::{
    cells::Cell,
    record::{
        Change,
        Record, //
    },
    runs::Runs,
    table::Table, //
};

/// Status when a cell is worse than recorded, or than its goal.
const STATUS_WORSE: u8 = 1;

/// Compares what scripts/bench.guest has measured (called by scripts/bench).
#[derive(Args)]
#[command(name = "scripts/bench")]
pub(crate) struct BenchOptions {
    /// The folder that the guest has written.
    #[arg(long, value_name = "DIR")]
    raw: PathBuf,
    /// The comparison, for programs.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The recorded costs.
    #[arg(long, value_name = "FILE", default_value = "bench/record.json")]
    record_file: PathBuf,
    /// Fail if a cell is more than 5 % worse than recorded.
    #[arg(long, conflicts_with = "record")]
    check: bool,
    /// Record what was measured.
    #[arg(long)]
    record: bool,
    /// Fail if a cell misses its goal.
    #[arg(long)]
    goals: bool,
}

/// Runs the command and returns its status.
pub(crate) fn run(options: &BenchOptions) -> Result<u8> {
    let runs = runs::load(&options.raw)?;
    let cells = cells::cells(&runs);
    println!(
        "instructions per operation on {}, the worst cell first",
        runs.kernel
    );
    print!("{}", Table(&cells));
    for line in &runs.absent {
        println!("not compared: {line}");
    }
    let document = json::document(&runs.kernel, &cells);
    write(&options.out, &format!("{document:#}\n"))?;
    if options.record {
        renew(&options.record_file, &runs, &cells)?;
    }
    if options.goals {
        let (lines, is_good) = goals::judge(&cells, &runs.absent);
        lines.iter().for_each(|line| println!("{line}"));
        if !is_good {
            return Ok(STATUS_WORSE);
        }
    }
    if options.check {
        return check(&options.record_file, &runs, &cells);
    }
    Ok(0)
}

fn renew(path: &Path, runs: &Runs, cells: &[Cell]) -> Result<()> {
    let before = if path.exists() {
        Some(read(path)?)
    } else {
        None
    };
    let record = Record::renewed(before.as_ref(), &runs.kernel, cells);
    write(path, &record.to_text()?)?;
    println!("recorded in {}", path.display());
    Ok(())
}

fn check(path: &Path, runs: &Runs, cells: &[Cell]) -> Result<u8> {
    let changes = read(path)?.compare(&runs.kernel, cells, &runs.absent)?;
    let say = |change: &Change, word: &str| {
        let (name, growth) = (&change.name, change.growth() * 100.0);
        let (added, expected) = (change.added, change.expected);
        println!(
            "{word}: {name} adds {added:.0} instructions, recorded {expected:.0} ({growth:+.1} %)"
        );
    };
    for change in changes.iter().filter(|change| change.is_better()) {
        say(change, "better");
    }
    let worse: Vec<&Change> = changes.iter().filter(|change| change.is_worse()).collect();
    for change in &worse {
        say(change, "WORSE");
    }
    let (bad, all) = (worse.len(), changes.len());
    println!(
        "{bad} of {all} cells are more than 5 % worse than {} says",
        path.display()
    );
    if worse.is_empty() {
        return Ok(0);
    }
    println!(
        "if that is the price of something, run 'make bench-record' and commit {} with the change, \
         saying why",
        path.display()
    );
    Ok(STATUS_WORSE)
}

fn read(path: &Path) -> Result<Record> {
    let text = fs::read_to_string(path);
    let text = text.with_context(|| format!("{}: run 'make bench-record'", path.display()))?;
    Record::parse(&text).with_context(|| path.display().to_string())
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}
