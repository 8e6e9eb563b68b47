// SPDX-License-Identifier: GPL-2.0
//! What RAID5 needs besides the ordinary way of a request (`md_model::raid5` has the decisions,
//! `docs/raid5.md` the argument why no write is half done after a crash).
//!
//! Reads of columns that are there go straight to them ([`engine::raid`](crate::engine)). All else
//! is done by one thread at a time, which has [`Work`]: the disk's worker takes what is waiting and
//! makes a [`batch`] of it, the errand [`build`] makes the parity or a new column in the meantime.
//! So nothing in here excludes anything else, and all memory is there before it is needed.
//!
//! 1. [`line`]: what is done about one line.
//! 2. [`batch`]: several lines together, from the requests to their end.
//! 3. [`slots`]: the log of each column.
//! 4. [`window`]: lines of the batches that still count.
//! 5. [`replay`]: what is done about the logs before the first request; [`settle`]: and about lines
//!    that were only announced there; [`stale`]: who has missed something, if it is not recorded.
//! 6. [`lost`]: what cannot be told after a crash.
//! 7. [`judge`]: what becomes of columns that fail.
//! 8. [`build`]: the parity for the first time, or a new column; [`source`]: what that is copied
//!    from.
//! 9. [`check`]: whether the parity is what it should be.
//! 10. [`ledger`]: what is remembered of all that.
//! 11. [`unlogged`]: what is done without the logs.

mod batch;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod judge;
pub(crate) mod ledger;
mod line;
mod lost;
mod replay;
mod settle;
mod slots;
mod source;
mod stale;
mod unlogged;
mod window;

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Release, //
            },
            Atomic, //
        },
        Mutex, //
    }, //
};
use md_model::{
    mirror::component::State,
    raid5::{
        bit,
        column::{
            service,
            Service, //
        },
        layout::Layout,
        log,
        lost::{
            LostLine,
            BLOCK_SECTORS,
            LINES_MAX, //
        },
        progress::{
            Activity,
            Progress, //
        },
        unlogged::Unlogged,
        BATCH_LINES_MAX,
        LINE_SECTORS,
        LOG_SECTORS, //
    },
    units::SECTOR_BYTES,
};

use self::{
    line::LineWork,
    lost::Lost,
    source::Source,
    window::Window, //
};
use crate::{
    body::{
        Body,
        Shape, //
    },
    component::Component,
    kapi::{
        crc32c::checksum,
        volley::{
            Extent,
            Volley, //
        }, //
    },
    personality::Raided,
    sync::{
        pace::Pace,
        scrub::Scrub, //
    },
    Refused, //
};

pub(crate) use self::{
    batch::take,
    source::follow, //
};

/// Bytes of a line on one column.
const LINE_BYTES: usize = (LINE_SECTORS * SECTOR_BYTES) as usize;

/// How many whole blocks there can be in a line, and one more, for none.
const ZEROS: usize = (LINE_SECTORS / BLOCK_SECTORS + 1) as usize;

/// Memory for the lines of a batch, in bytes: fewer lines where there are many columns.
const BATCH_BYTES: usize = 8 << 20;

/// What a RAID5 metadevice has, whatever its shape.
#[pin_data]
pub(crate) struct Raid {
    /// Whoever works on lines has this.
    #[pin]
    work: Mutex<Work>,
    /// Why it cannot be used: see [`Raid::block`].
    blocked: Atomic<u32>,
    /// Blocks of 4 KiB that are lost.
    lost: Atomic<u32>,
    /// Which ones these are. Whoever asks does not wait for [`Raid::work`].
    #[pin]
    lost_lines: Mutex<KVVec<LostLine>>,
    /// How fast something is made, or checked.
    #[pin]
    pace: Mutex<Pace>,
    /// The check.
    #[pin]
    pub(crate) check: Mutex<Scrub>,
}

impl Raid {
    /// With room for lines of such a layout.
    pub(crate) fn new(layout: &Layout) -> Result<Pin<KBox<Self>>> {
        let work = Work::new(layout)?;
        let lost_lines = KVVec::with_capacity(LINES_MAX, GFP_KERNEL)?;
        KBox::pin_init(
            pin_init!(Self {
                work <- new_mutex!(work, "md_raid_work"),
                blocked: Atomic::new(0),
                lost: Atomic::new(0),
                lost_lines <- new_mutex!(lost_lines, "md_raid_lost"),
                pace <- new_mutex!(Pace::new(), "md_raid_pace"),
                check <- new_mutex!(Scrub::new(), "md_raid_check"),
            }),
            GFP_KERNEL,
        )
    }

    /// From now on it cannot be opened: its logs could not be carried out.
    pub(crate) fn block(&self) {
        self.blocked.store(1, Release);
    }

    /// Whether that is so.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.load(Acquire) != 0
    }

    /// How many blocks of 4 KiB are lost: they read as errors.
    #[inline]
    pub(crate) fn lost_blocks(&self) -> u32 {
        self.lost.load(Acquire)
    }

    /// Calls `each` for the lines in which they are.
    pub(crate) fn for_lost(&self, each: impl FnMut(&LostLine)) {
        self.lost_lines.lock().iter().for_each(each);
    }

    /// That may have changed.
    fn note_lost(&self, work: &Work) {
        let blocks = work.lost.blocks();
        if blocks != 0 || self.lost_blocks() != 0 {
            work.lost.copy_to(&mut self.lost_lines.lock());
            self.lost.store(blocks, Release);
        }
    }
}

/// A RAID5 metadevice as it is now.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) body: &'a Body,
    pub(crate) shape: &'a Shape,
    pub(crate) unit: &'a dyn Raided,
}

impl<'a> Target<'a> {
    /// The metadevice with a body; `None` if it is no RAID5.
    pub(crate) fn of(body: &'a Body) -> Option<Self> {
        let shape = body.shape();
        Some(Self {
            body,
            shape,
            unit: shape.unit().raid()?,
        })
    }

    pub(crate) fn layout(self) -> &'a Layout {
        self.unit.layout()
    }

    /// Number of columns.
    fn count(self) -> u32 {
        self.layout().columns()
    }

    /// A column.
    fn column(self, column: u32) -> Option<&'a Component> {
        self.shape.component(column)
    }

    /// First sector of the log of a column.
    fn start(self, column: u32) -> u64 {
        let place = self.unit.columns().get(column as usize);
        place.map_or(0, |place| place.start_sector)
    }

    /// The sector at an offset of a column's data.
    pub(crate) fn sector(self, column: u32, offset: u64) -> u64 {
        self.start(column)
            .saturating_add(LOG_SECTORS)
            .saturating_add(offset)
    }

    /// Whether a column is served at an offset.
    #[inline]
    pub(crate) fn is_served(self, column: u32, offset: u64) -> bool {
        self.is_served_with(&self.unit.progress(), column, offset)
    }

    /// The same, with a progress that is known.
    fn is_served_with(self, progress: &Progress, column: u32, offset: u64) -> bool {
        self.state(column)
            .is_some_and(|state| service(state, progress, column, offset) == Service::Full)
    }

    fn state(self, column: u32) -> Option<State> {
        Some(self.column(column)?.condition.state())
    }

    /// Columns that are in service, wholly or in part, as bits.
    fn present(self) -> u64 {
        let is_there = |column: &u32| {
            let component = self.column(*column);
            component.is_some_and(|part| {
                part.condition.state() != State::Erred && !part.device.is_absent()
            })
        };
        let there = (0..self.count()).filter(is_there);
        there.fold(0, |set, column| set | bit(column))
    }

    /// The column that is out of service, or being made.
    fn lacking(self) -> Option<u32> {
        let present = self.present();
        let out = (0..self.count()).find(|column| present & bit(*column) == 0);
        out.or(self.unit.progress().column_made())
    }

    /// Columns in a set.
    fn members(self, set: u64) -> impl Iterator<Item = u32> {
        (0..self.count()).filter(move |column| set & bit(*column) != 0)
    }
}

/// Memory for a batch, and where the logs are.
pub(crate) struct Work {
    volley: Volley,
    lines: KVec<LineWork>,
    /// Lines of this batch.
    used: usize,
    /// The line that was looked for last.
    found: usize,
    columns: u32,
    /// Of each column's page: from that byte on it is zero.
    filled: KVec<usize>,
    /// Checksums of so many blocks of zeros, from none on, as many as there are in a line.
    zeros: [u32; ZEROS],
    /// The columns in service that the lines were prepared for, as bits.
    prepared_for: u64,
    window: Window,
    lost: Lost,
    /// Number of the next batch.
    sequence: u64,
    /// The first batch that is not known to be durable in place.
    tail: u64,
    /// How many times the devices of the columns have changed.
    devices: u16,
    /// Which column is out of service, as the logs tell.
    told: Option<Option<u32>>,
    /// What they tell of writes that are in none.
    unlogged: Unlogged,
    /// Whether something is in place that was not flushed since, as far as anybody relies on.
    is_unflushed: bool,
    /// What a new column is copied from, if it can be.
    source: Option<Source>,
}

impl Work {
    fn new(layout: &Layout) -> Result<Self> {
        let columns = layout.columns();
        let line_bytes = LINE_BYTES.saturating_mul(columns as usize);
        let lines = BATCH_BYTES.checked_div(line_bytes).unwrap_or(1);
        Self::with_lines(columns, lines.clamp(1, BATCH_LINES_MAX as usize))
    }

    fn with_lines(columns: u32, lines: usize) -> Result<Self> {
        let buffers = lines.saturating_mul(columns as usize);
        let pages = columns as usize;
        let sizes = Iterator::chain(
            core::iter::repeat_n(LINE_BYTES, buffers),
            core::iter::repeat_n(log::PAGE_BYTES, pages),
        );
        let shots = u32::try_from(buffers.saturating_add(pages))?;
        let mut work = Self {
            volley: Volley::new(shots, sizes)?,
            lines: KVec::with_capacity(lines, GFP_KERNEL)?,
            used: 0,
            found: 0,
            columns,
            filled: KVec::from_elem(0, pages, GFP_KERNEL)?,
            zeros: [0; ZEROS],
            prepared_for: 0,
            window: Window::new()?,
            lost: Lost::new()?,
            sequence: 1,
            tail: 1,
            devices: 0,
            told: None,
            unlogged: Unlogged::Closed,
            is_unflushed: false,
            source: None,
        };
        for _ in 0..lines {
            work.lines.push(LineWork::new(columns)?, GFP_KERNEL)?;
        }
        // Nothing is in the memory yet.
        let mut zeros = [0; ZEROS];
        for (blocks, zeros) in (0_u32..).zip(&mut zeros) {
            let sectors = blocks.saturating_mul(BLOCK_SECTORS as u32);
            let extent = work.extent(0, 0, 0, sectors);
            *zeros = checksum(work.volley.bytes(extent).ok_or(EINVAL)?);
        }
        work.zeros = zeros;
        Ok(work)
    }

    /// Nothing is to be done.
    fn clear(&mut self) {
        self.used = 0;
    }

    /// Most lines of a batch.
    fn capacity(&self) -> usize {
        self.lines.len()
    }

    /// The memory of a column in a line: sectors from number `from` on.
    fn extent(&self, line: usize, column: u32, from: u32, count: u32) -> Extent {
        let bytes = |sectors: u32| (sectors as usize).saturating_mul(SECTOR_BYTES as usize);
        Extent {
            buffer: buffer_of(self.columns, line, column),
            from: bytes(from),
            bytes: bytes(count),
        }
    }

    /// The memory of the page of a column's slot.
    fn page(&self, column: u32) -> Extent {
        let lines = self.capacity().saturating_mul(self.columns as usize);
        Extent {
            buffer: lines.saturating_add(column as usize),
            from: 0,
            bytes: log::PAGE_BYTES,
        }
    }
}

/// Which buffer has the memory of a column in a line, with so many columns.
fn buffer_of(columns: u32, line: usize, column: u32) -> usize {
    line.saturating_mul(columns as usize)
        .saturating_add(column as usize)
}

/// Longest request that changes something, in sectors: it fits into a batch, and rows that it has
/// as a whole stay whole.
pub(crate) fn largest_change(layout: &Layout) -> u32 {
    let line_bytes = LINE_BYTES.saturating_mul(layout.columns() as usize);
    let lines = BATCH_BYTES.checked_div(line_bytes).unwrap_or(1);
    let lines = u32::try_from(lines).unwrap_or(1).min(BATCH_LINES_MAX);
    layout.longest_within(lines)
}

/// Puts the logs of a new metadevice in order, before it is recorded. No request may be under way.
pub(crate) fn begin_logs(body: &Body) -> Result<(), Refused> {
    let (Some(target), Some(raid)) = (Target::of(body), body.raid()) else {
        return Ok(());
    };
    raid.work.lock().checkpoint_new(target)
}

/// Carries the logs out, before anybody uses the metadevice. If that cannot be, it is blocked. Not
/// on the stack of its caller, who judges before that, and commits.
#[inline(never)]
pub(crate) fn replay_logs(body: &Body, may_write: bool) {
    let (Some(target), Some(raid)) = (Target::of(body), body.raid()) else {
        return;
    };
    if raid.is_blocked() {
        return;
    }
    let mut work = raid.work.lock();
    let replayed = work.replay(target, may_write);
    raid.note_lost(&work);
    if let Err(error) = replayed {
        let number = body.number();
        pr_err!(
            "d{number}: its logs cannot be carried out ({error:?}), so it cannot be opened: bring \
             its columns back, then 'mdctl stop' and 'mdctl start'\n"
        );
        raid.block();
    }
}

/// Makes durable what was written, and says in the logs that what was before does not count. No
/// request may be under way.
pub(crate) fn checkpoint(body: &Body) -> Result {
    let (Some(target), Some(raid)) = (Target::of(body), body.raid()) else {
        return Ok(());
    };
    let mut work = raid.work.lock();
    work.checkpoint_settled(target)?;
    work.lost.forget_holders();
    work.settle_list(target)
}

/// The same, and tells all columns that their devices are others now: who is not told is none of
/// them any more.
pub(crate) fn checkpoint_changed(body: &Body) -> Result {
    if let Some(raid) = body.raid() {
        let mut work = raid.work.lock();
        work.devices = work.devices.wrapping_add(1);
    }
    checkpoint(body)
}

/// Room for lines of a layout to which columns were attached, as many as there were before: what
/// waits may need them.
pub(crate) fn larger_room(body: &Body, layout: &Layout) -> Result<Work> {
    let lines = body.raid().map_or(1, |raid| raid.work.lock().capacity());
    Work::with_lines(layout.columns(), lines)
}

/// Puts it in force. No request is under way.
pub(crate) fn use_room(body: &Body, mut room: Work) {
    let Some(raid) = body.raid() else { return };
    let mut work = raid.work.lock();
    (room.sequence, room.tail) = (work.sequence, work.tail);
    (room.devices, room.told) = (work.devices, work.told);
    (room.unlogged, room.is_unflushed) = (work.unlogged, work.is_unflushed);
    core::mem::swap(&mut room.lost, &mut work.lost);
    core::mem::swap(&mut room.window, &mut work.window);
    let before = core::mem::replace(&mut *work, room);
    drop(work);
    drop(before);
}

/// Columns whose devices do not answer are out of service, as if a write to them had failed.
pub(crate) fn judge_dead(body: &Body, is_dead: impl Fn(&Component) -> bool) {
    let (Some(target), Some(raid)) = (Target::of(body), body.raid()) else {
        return;
    };
    let _one_at_a_time = raid.work.lock();
    let columns = (0..target.count()).filter_map(|column| target.column(column));
    let mut found = false;
    for column in columns.filter(|column| is_dead(column)) {
        column.note_write_failed();
        found = true;
    }
    if found {
        target.judge();
    }
}

/// The progress of a metadevice that is made anew, or whose columns are said to fit.
pub(crate) fn first_progress(is_clean: bool) -> Progress {
    if is_clean {
        Progress::DONE
    } else {
        Progress::begin(Activity::Build)
    }
}

/// It is about to be left: what was written is durable, and how far it is made is recorded.
pub(crate) fn leave(body: &Body) {
    let (Some(target), Some(raid)) = (Target::of(body), body.raid()) else {
        return;
    };
    if target.unit.is_unrecorded() || raid.is_blocked() {
        return;
    }
    let is_made = target.unit.progress().activity != Activity::Nothing;
    let mut work = raid.work.lock();
    let is_flushed = work.flush_all(target).is_ok();
    if is_flushed {
        work.close(target);
    }
    drop(work);
    if is_flushed && is_made {
        target.record();
    }
}
