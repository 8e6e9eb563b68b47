// SPDX-License-Identifier: GPL-2.0
//! The way of a volume: this thread lays out batches of blocks, several threads fill them, and one
//! writes them in their order. There are no signals and no tokens between them, but bounded queues;
//! a thread that dies is a queue that closes.
//!
//! What is not written yet stays here as a value. When the medium ends, wherever that is, the rest
//! goes back into the layout.

use crate::{
    buffer::Buffer,
    compression::Compression,
    reading::{
        fill,
        Batch,
        Filled, //
    },
    sink::{
        whole,
        Sink,
        Written, //
    },
};
use crossbeam_channel::{
    bounded,
    unbounded,
    Receiver,
    RecvTimeoutError,
    Sender, //
};
use md_dump_format::{
    item::Item,
    layout::{
        Block,
        Layout, //
    },
    RECORD, //
};
use md_extfs::source::Source;
use std::{
    collections::{
        BTreeMap,
        VecDeque, //
    },
    io,
    panic::{
        catch_unwind,
        AssertUnwindSafe, //
    },
    sync::Arc,
    thread,
    time::Duration, //
};

/// Bytes of a batch: enough for the calls to cost nothing, and little enough for a CPU's cache.
const BATCH: usize = 512 << 10;

/// Batches that are on their way: not known to be written, the oldest first.
const IN_FLIGHT: usize = 8;

/// Blocks by which a batch may be longer, so that a volume may end behind it.
const SLACK: usize = 64;

/// How often the user's wishes are looked at while nothing happens.
const PAUSE: Duration = Duration::from_millis(100);

/// How volumes are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Records of a block.
    pub(crate) ntrec: u32,
    /// How blocks are compressed.
    pub(crate) compression: Compression,
    /// Most bytes of a volume.
    pub(crate) volume_bytes: Option<u64>,
    /// Whether checksums of volumes are needed.
    pub(crate) has_checksum: bool,
}

/// Why a volume ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The dump is at its end.
    Finished,
    /// The volume is as long as it may be.
    Full,
    /// The medium is at its end.
    EndOfMedium,
    /// It could not be written.
    Failed(io::Error),
    /// Something that cannot be borne: the reason.
    Broken(String),
    /// The user wishes so.
    Stopped,
}

/// What was done.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Why it ended.
    pub(crate) ended: Ended,
    /// Blocks on the volume.
    pub(crate) blocks: u64,
    /// Bytes on the volume.
    pub(crate) bytes: u64,
    /// Checksum of these bytes, if it is needed.
    pub(crate) checksum: u32,
    /// Whether it ends where a volume should not.
    pub(crate) is_torn: bool,
}

/// Who is told how far a volume is.
pub(crate) trait Watcher {
    /// The file of an inode begins in a block that is written, as the first one there: which block
    /// of the volume that is, and at which byte of it it begins.
    fn begins(&mut self, inode: u32, block: u64, byte: u64);

    /// So many blocks are written. False ends the volume.
    fn goes_on(&mut self, blocks: u64) -> bool;
}

/// What the writer says about a batch.
struct Report {
    blocks: usize,
    /// Bytes of each block of the batch.
    lengths: Vec<usize>,
    checksum: u32,
    is_torn: bool,
    ended: Option<Ended>,
}

/// Writes a volume from the layout.
pub(crate) fn run<I: Iterator<Item = Item>>(
    layout: &mut Layout<I>,
    source: &dyn Source,
    sink: &mut dyn Sink,
    settings: Settings,
    watcher: &mut dyn Watcher,
) -> Outcome {
    let readers = thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8));
    let (work, to_do) = bounded::<Arc<Batch>>(IN_FLIGHT);
    let (done, filled) = unbounded();
    let (spare, buffers) = unbounded::<Buffer>();
    let (tell, reports) = unbounded();
    thread::scope(|scope| {
        for _ in 0..readers {
            let (to_do, done, buffers) = (to_do.clone(), done.clone(), buffers.clone());
            scope.spawn(move || read_batches(source, settings, &to_do, &done, &buffers));
        }
        drop((to_do, done));
        scope.spawn(move || write_batches(sink, settings, &filled, &tell, &spare));
        let mut outcome = Outcome {
            ended: Ended::Finished,
            blocks: 0,
            bytes: 0,
            checksum: 0,
            is_torn: false,
        };
        let mut in_flight = VecDeque::new();
        let mut maker = Maker::new(settings);
        outcome.ended = loop {
            while in_flight.len() < IN_FLIGHT {
                let Some(batch) = maker.batch(layout).map(Arc::new) else {
                    break;
                };
                in_flight.push_back(batch.clone());
                // Who is gone says so below.
                let _ = work.send(batch);
            }
            if in_flight.is_empty() {
                break if maker.is_at_limit() {
                    Ended::Full
                } else {
                    Ended::Finished
                };
            }
            match reports.recv_timeout(PAUSE) {
                Ok(report) => {
                    let first = in_flight.pop_front();
                    if let Some(batch) = &first {
                        note(&report, batch, &mut outcome, watcher);
                    }
                    if let Some(ended) = report.ended {
                        let unwritten = first.into_iter().chain(in_flight.drain(..));
                        give_back(unwritten, report.blocks, layout);
                        break ended;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    break Ended::Broken("a thread of the dump is gone".to_string());
                }
            }
            if !watcher.goes_on(outcome.blocks) {
                break Ended::Stopped;
            }
        };
        // Without work the readers end, and without them the writer.
        drop(work);
        outcome
    })
}

/// Counts what the writer says about a batch, and tells which files begin in it.
fn note(report: &Report, batch: &Batch, outcome: &mut Outcome, watcher: &mut dyn Watcher) {
    let blocks = batch.blocks.iter().zip(&report.lengths);
    for (block, length) in blocks.take(report.blocks) {
        if let Some(inode) = block.items.iter().find_map(Item::file) {
            watcher.begins(inode, outcome.blocks, outcome.bytes);
        }
        outcome.blocks += 1;
        outcome.bytes += *length as u64;
    }
    outcome.checksum = report.checksum;
    outcome.is_torn = report.is_torn;
}

/// Gives the layout back what was not written: all but the first blocks of these batches.
fn give_back<I: Iterator<Item = Item>>(
    unwritten: impl Iterator<Item = Arc<Batch>>,
    written: usize,
    layout: &mut Layout<I>,
) {
    let blocks = unwritten.flat_map(|batch| batch.blocks.clone());
    let blocks: Vec<Block> = blocks.skip(written).collect();
    layout.take_back(blocks);
}

/// Makes batches, up to the end of the volume.
struct Maker {
    sequence: u64,
    in_batch: usize,
    /// Blocks that the volume has still room for, if that is known.
    left: Option<u64>,
}

impl Maker {
    fn new(settings: Settings) -> Self {
        let block_bytes = settings.ntrec as usize * RECORD;
        // How long compressed blocks are is only known when they are written.
        let limit = settings
            .volume_bytes
            .filter(|_| !settings.compression.is_some());
        Maker {
            sequence: 0,
            in_batch: (BATCH / block_bytes).max(1),
            left: limit.map(|bytes| bytes / block_bytes as u64),
        }
    }

    /// Whether these blocks are enough for a batch, and a volume may end behind them.
    fn is_whole(&self, blocks: &[Block]) -> bool {
        let is_torn = blocks.last().is_some_and(|block| block.is_torn);
        blocks.len() >= self.in_batch + if is_torn { SLACK } else { 0 }
    }

    fn is_at_limit(&self) -> bool {
        self.left == Some(0)
    }

    fn batch<I: Iterator<Item = Item>>(&mut self, layout: &mut Layout<I>) -> Option<Batch> {
        let mut blocks: Vec<Block> = Vec::with_capacity(self.in_batch);
        while !self.is_at_limit() && !self.is_whole(&blocks) {
            let Some(block) = layout.block() else {
                break;
            };
            blocks.push(block);
            self.left = self.left.map(|left| left - 1);
        }
        // A volume that ends with the dump is not full.
        if self.is_at_limit() && layout.is_finished() {
            self.left = None;
        }
        if self.is_at_limit() {
            let torn = blocks.iter().map(|block| block.is_torn);
            let end = good_end(&torn.collect::<Vec<_>>(), self.sequence > 0);
            layout.take_back(blocks.split_off(end));
        }
        if blocks.is_empty() {
            return None;
        }
        let sequence = self.sequence;
        self.sequence += 1;
        Some(Batch {
            sequence,
            blocks,
            is_first: sequence == 0,
        })
    }
}

/// How many of these blocks a volume should have, not to end where it should not; with none of
/// them, only if others come before.
fn good_end(torn: &[bool], has_others: bool) -> usize {
    match torn.iter().rposition(|is_torn| !is_torn) {
        Some(last) => last + 1,
        None if has_others => 0,
        None => torn.len(),
    }
}

fn read_batches(
    source: &dyn Source,
    settings: Settings,
    to_do: &Receiver<Arc<Batch>>,
    done: &Sender<Result<Filled, String>>,
    buffers: &Receiver<Buffer>,
) {
    let block_bytes = settings.ntrec as usize * RECORD;
    for batch in to_do {
        let buffer = buffers.try_recv().unwrap_or_default();
        let fill = || fill(source, &batch, block_bytes, settings.compression, buffer);
        let filled = match catch_unwind(AssertUnwindSafe(fill)) {
            Ok(Ok(filled)) => Ok(filled),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("a reader of the dump is gone".to_string()),
        };
        if done.send(filled).is_err() {
            return;
        }
    }
}

/// Writes batches in their order, until one does not go onto the volume as a whole.
fn write_batches(
    sink: &mut dyn Sink,
    settings: Settings,
    filled: &Receiver<Result<Filled, String>>,
    reports: &Sender<Report>,
    spare: &Sender<Buffer>,
) {
    let mut waiting = BTreeMap::new();
    let mut writer = Writer {
        room: settings.volume_bytes,
        has_checksum: settings.has_checksum,
        checksum: 0,
        blocks: 0,
        bytes: 0,
    };
    let mut next = 0;
    for result in filled {
        match result {
            Ok(batch) => drop(waiting.insert(batch.sequence, batch)),
            Err(reason) => {
                let _ = reports.send(Report {
                    blocks: 0,
                    lengths: Vec::new(),
                    checksum: 0,
                    is_torn: false,
                    ended: Some(Ended::Broken(reason)),
                });
                return;
            }
        }
        while let Some(batch) = waiting.remove(&next) {
            next += 1;
            let report = writer.write(sink, &batch);
            let is_over = report.ended.is_some();
            let _ = spare.send(batch.bytes);
            if reports.send(report).is_err() || is_over {
                return;
            }
        }
    }
}

struct Writer {
    /// Bytes that may still be written.
    room: Option<u64>,
    has_checksum: bool,
    checksum: u32,
    /// Blocks on the volume, and their bytes.
    blocks: u64,
    bytes: u64,
}

impl Writer {
    fn write(&mut self, sink: &mut dyn Sink, batch: &Filled) -> Report {
        let room = self.room.and_then(|room| usize::try_from(room).ok());
        let (fitting, _) = whole(&batch.lengths, room.unwrap_or(usize::MAX));
        let is_cut = fitting < batch.lengths.len();
        let fitting = if is_cut {
            self.good_end(batch, fitting)
        } else {
            fitting
        };
        let (lengths, _) = batch.lengths.split_at(fitting);
        let (now, _) = batch.bytes.split_at(lengths.iter().sum());
        let written = if fitting == 0 {
            Written::All
        } else {
            sink.write(now, lengths)
        };
        let (blocks, ended) = match written {
            Written::All if is_cut => (fitting, Some(Ended::Full)),
            Written::All => (fitting, None),
            Written::EndOfMedium { blocks } => {
                (self.retract(sink, batch, blocks), Some(Ended::EndOfMedium))
            }
            Written::Failed(error) => (0, Some(Ended::Failed(error))),
        };
        let bytes: usize = lengths.iter().take(blocks).sum();
        self.room = self.room.map(|room| room - bytes as u64);
        self.blocks += blocks as u64;
        self.bytes += bytes as u64;
        if self.has_checksum {
            let (written, _) = now.split_at(bytes);
            self.checksum = crc32c::crc32c_append(self.checksum, written);
        }
        let last = blocks.checked_sub(1).and_then(|last| batch.torn.get(last));
        Report {
            blocks,
            lengths: batch.lengths.clone(),
            checksum: self.checksum,
            is_torn: last.copied().unwrap_or(false),
            ended,
        }
    }

    /// How many of the first blocks of a batch a volume should have if it ends there.
    fn good_end(&self, batch: &Filled, blocks: usize) -> usize {
        let torn = batch.torn.get(..blocks).unwrap_or_default();
        good_end(torn, self.blocks > 0)
    }

    /// Takes blocks back from a medium behind which the volume should not end, if it lets them go.
    fn retract(&self, sink: &mut dyn Sink, batch: &Filled, blocks: usize) -> usize {
        let good = self.good_end(batch, blocks);
        let bytes: usize = batch.lengths.iter().take(good).sum();
        let (all, all_bytes) = (self.blocks + good as u64, self.bytes + bytes as u64);
        if good < blocks && sink.retract(all, all_bytes).is_ok() {
            good
        } else {
            blocks
        }
    }
}
