// SPDX-License-Identifier: GPL-2.0
//! What a mirror's record has of scrubs that have ended, or that of a RAID5 metadevice of checks:
//! always as many bytes, so that a scrub never makes a record longer, for which there might be no
//! room. Of a RAID5 metadevice there are no bits of sides, ranges are offsets on its columns, and
//! mode 1 makes the parity of the data.

use super::super::{
    field::{
        is_gapless,
        Field, //
    },
    page::{
        bad,
        zero,
        Damage, //
    },
};
use crate::{
    limits::SUBMIRRORS_MAX,
    mirror::scrub::{
        compare::{
            Difference,
            Mode, //
        },
        history::{
            History,
            Run,
            KEPT_RANGES_MAX,
            RUNS_MAX, //
        },
        report::Range,
        run::End, //
    },
};

/// How many scrubs.
pub const RUNS: Field = Field::first("scrubs", 2, "scrubs that are remembered, the newest first");
/// How many ranges.
pub const RANGES: Field = RUNS.then("ranges", 2, "ranges that are remembered of the newest");
/// Nothing.
pub const REST: Field = RANGES.then("rest", 4, "zero");

/// What stands before the scrubs, field by field.
pub const FIELDS: &[Field] = &[RUNS, RANGES, REST];

/// Bytes of that.
pub const HEAD_BYTES: usize = 8;

/// When it began.
pub const BEGAN: Field = Field::first("began", 8, "seconds since 1970 when it began");
/// What was compared.
pub const COMPARED: Field = BEGAN.then("compared", 8, "sectors that were compared");
/// What was not.
pub const SKIPPED: Field = COMPARED.then("skipped", 8, "sectors that were not");
/// What differed.
pub const DIFFERING: Field = SKIPPED.then("differing", 8, "sectors that differed");
/// What was zero.
pub const ZEROED: Field = DIFFERING.then(
    "zeroed",
    8,
    "those of them that were nothing but zeroes on some sides",
);
/// What was repaired.
pub const REPAIRED: Field = ZEROED.then("repaired", 8, "sectors that were made equal");
/// How long it took.
pub const SECONDS: Field = REPAIRED.then("seconds", 4, "seconds that it took");
/// How many ranges.
pub const RANGE_COUNT: Field = SECONDS.then("range_count", 4, "ranges that differed");
/// Who was wrong.
pub const OUTVOTED: Field = RANGE_COUNT.then(
    "outvoted",
    1,
    "bits of the sides that a majority was against",
);
/// What it did.
pub const MODE: Field = OUTVOTED.then(
    "mode",
    1,
    "0 check, 1 repair by majority, 2 and more repair from side 0 and more",
);
/// How it ended.
pub const END: Field = MODE.then("end", 1, "0 done, 1 cancelled, 2 interrupted");
/// Nothing.
pub const RUN_REST: Field = END.then("rest", 5, "zero");

/// A scrub, field by field.
pub const RUN_FIELDS: &[Field] = &[
    BEGAN,
    COMPARED,
    SKIPPED,
    DIFFERING,
    ZEROED,
    REPAIRED,
    SECONDS,
    RANGE_COUNT,
    OUTVOTED,
    MODE,
    END,
    RUN_REST,
];

/// Bytes of a scrub.
pub const RUN_BYTES: usize = 64;

/// Where it begins.
pub const SECTOR: Field = Field::first("sector", 8, "first sector of the range");
/// How long it is.
pub const COUNT: Field = SECTOR.then("count", 8, "sectors of the range");
/// Who was read.
pub const READ: Field = COUNT.then("read", 1, "bits of the sides that were read");
/// Who was wrong.
pub const WRONG: Field = READ.then("outvoted", 1, "bit of the side that a majority was against");
/// Who had nothing.
pub const ZERO: Field = WRONG.then("zeroed", 1, "bits of the sides with nothing but zeroes");
/// Nothing.
pub const RANGE_REST: Field = ZERO.then("rest", 5, "zero");

/// A range, field by field.
pub const RANGE_FIELDS: &[Field] = &[SECTOR, COUNT, READ, WRONG, ZERO, RANGE_REST];

/// Bytes of a range.
pub const RANGE_BYTES: usize = 24;

/// Bytes of all that, however many scrubs there were.
pub const BYTES: usize = HEAD_BYTES + RUNS_MAX * RUN_BYTES + KEPT_RANGES_MAX * RANGE_BYTES;

const _: () = assert!(is_gapless(FIELDS, HEAD_BYTES));
const _: () = assert!(is_gapless(RUN_FIELDS, RUN_BYTES));
const _: () = assert!(is_gapless(RANGE_FIELDS, RANGE_BYTES));
// A mode that names a side, and a set of sides, have a byte.
const _: () = assert!(SUBMIRRORS_MAX + 2 <= 8);

/// Bits that stand for no side.
const NO_SIDES: u64 = u64::MAX << SUBMIRRORS_MAX;

/// Writes it to bytes that are zero, of which there are [`BYTES`].
pub(super) fn encode(history: &History, to: &mut [u8]) {
    let Some((head, lists)) = to.split_at_mut_checked(HEAD_BYTES) else {
        return;
    };
    let Some((runs, ranges)) = lists.split_at_mut_checked(RUNS_MAX * RUN_BYTES) else {
        return;
    };
    RUNS.put(head, history.runs().count() as u64);
    RANGES.put(head, history.ranges().len() as u64);
    for (run, to) in history.runs().zip(runs.chunks_exact_mut(RUN_BYTES)) {
        encode_run(run, to);
    }
    for (range, to) in history
        .ranges()
        .iter()
        .zip(ranges.chunks_exact_mut(RANGE_BYTES))
    {
        encode_range(range, to);
    }
}

/// The scrubs and the ranges in [`BYTES`] bytes, if these are legal.
pub(super) fn judge(from: &[u8]) -> Result<(&[u8], &[u8]), Damage> {
    let cut = bad("length of the scrubs", from.len() as u64);
    let (head, lists) = from.split_at_checked(HEAD_BYTES).ok_or(cut)?;
    let (runs, ranges) = lists.split_at_checked(RUNS_MAX * RUN_BYTES).ok_or(cut)?;
    if ranges.len() != KEPT_RANGES_MAX * RANGE_BYTES {
        return Err(cut);
    }
    zero(REST, head)?;
    let run_bytes = list_bytes(RUNS, head, RUNS_MAX, RUN_BYTES)?;
    let range_bytes = list_bytes(RANGES, head, KEPT_RANGES_MAX, RANGE_BYTES)?;
    let (runs, no_runs) = runs.split_at_checked(run_bytes).ok_or(cut)?;
    let (ranges, no_ranges) = ranges.split_at_checked(range_bytes).ok_or(cut)?;
    let mut unused = Iterator::chain(no_runs.iter(), no_ranges);
    if unused.any(|byte| *byte != 0) {
        return Err(bad("bytes behind the scrubs", 1));
    }
    for run in runs.chunks_exact(RUN_BYTES) {
        decode_run(run)?;
    }
    for range in ranges.chunks_exact(RANGE_BYTES) {
        decode_range(range)?;
    }
    Ok((runs, ranges))
}

/// Reads it from bytes that are legal.
pub(super) fn decode(from: &[u8]) -> Option<History> {
    let (runs, ranges) = judge(from).ok()?;
    let runs = runs.chunks_exact(RUN_BYTES);
    let ranges = ranges.chunks_exact(RANGE_BYTES);
    Some(History::of(
        runs.filter_map(|run| decode_run(run).ok()),
        ranges.filter_map(|range| decode_range(range).ok()),
    ))
}

/// Bytes of a list, which has no more than so many elements.
fn list_bytes(field: Field, head: &[u8], most: usize, each: usize) -> Result<usize, Damage> {
    let count = field.number(head);
    if count > most as u64 {
        return Err(bad(field.name, count));
    }
    Ok((count as usize).saturating_mul(each))
}

fn encode_run(run: &Run, to: &mut [u8]) {
    BEGAN.put(to, run.began);
    COMPARED.put(to, run.compared_sectors);
    SKIPPED.put(to, run.skipped_sectors);
    DIFFERING.put(to, run.differing_sectors);
    ZEROED.put(to, run.zeroed_sectors);
    REPAIRED.put(to, run.repaired_sectors);
    SECONDS.put(to, run.seconds.into());
    RANGE_COUNT.put(to, run.range_count.into());
    OUTVOTED.put(to, run.outvoted.into());
    let mode = match run.mode {
        Mode::Check => 0,
        Mode::Majority => 1,
        Mode::From(side) => u64::from(side).saturating_add(2),
    };
    MODE.put(to, mode);
    let end = match run.end {
        End::Done => 0,
        End::Cancelled => 1,
        End::Interrupted => 2,
    };
    END.put(to, end);
}

fn decode_run(from: &[u8]) -> Result<Run, Damage> {
    zero(RUN_REST, from)?;
    let mode = match MODE.number32(from) {
        0 => Mode::Check,
        1 => Mode::Majority,
        number => Mode::From(side(MODE, number.wrapping_sub(2))?),
    };
    let end = match END.number(from) {
        0 => End::Done,
        1 => End::Cancelled,
        2 => End::Interrupted,
        found => return Err(bad(END.name, found)),
    };
    Ok(Run {
        began: BEGAN.number(from),
        seconds: SECONDS.number32(from),
        mode,
        end,
        compared_sectors: COMPARED.number(from),
        skipped_sectors: SKIPPED.number(from),
        differing_sectors: DIFFERING.number(from),
        zeroed_sectors: ZEROED.number(from),
        repaired_sectors: REPAIRED.number(from),
        range_count: RANGE_COUNT.number32(from),
        outvoted: sides(OUTVOTED, from)?,
    })
}

fn encode_range(range: &Range, to: &mut [u8]) {
    SECTOR.put(to, range.sector);
    COUNT.put(to, range.count);
    READ.put(to, range.difference.compared.into());
    WRONG.put(to, range.difference.outvoted.into());
    ZERO.put(to, range.difference.zeroed.into());
}

fn decode_range(from: &[u8]) -> Result<Range, Damage> {
    zero(RANGE_REST, from)?;
    Ok(Range {
        sector: SECTOR.number(from),
        count: COUNT.number(from),
        difference: Difference {
            compared: sides(READ, from)?,
            outvoted: sides(WRONG, from)?,
            zeroed: sides(ZERO, from)?,
        },
    })
}

/// A set of sides, as bits.
fn sides(field: Field, from: &[u8]) -> Result<u32, Damage> {
    let bits = field.number(from);
    if bits & NO_SIDES != 0 {
        return Err(bad(field.name, bits));
    }
    Ok(field.number32(from))
}

/// The number of a side.
fn side(field: Field, number: u32) -> Result<u32, Damage> {
    if number < SUBMIRRORS_MAX {
        Ok(number)
    } else {
        Err(bad(field.name, number.into()))
    }
}
