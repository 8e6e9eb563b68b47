// SPDX-License-Identifier: GPL-2.0
//! The RAID5 personality, `md_raid.ko`: data over several columns, with a parity (`svm.md` section
//! 5).
//!
//! Where a block lives and how a parity is made are `md_model::raid5`'s, and the order of events is
//! the core's; this module keeps the layout and how far it is made, and has the kernel's routines
//! for the parity ([`kapi`]).

#![deny(unsafe_code)]

mod kapi;

use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Full,
            Relaxed,
            Release, //
        },
        Atomic, //
    },
    sync::Arc,
    ThisModule, //
};
use md::{
    abi::{
        Refusal,
        UnitKind, //
    },
    personality::{
        Ledger,
        Personality,
        Raided,
        Registration,
        Unit,
        UnitSpec,
        CORE_ID, //
    },
    Refused, //
};
use md_model::{
    database::{
        identity::Uuid,
        metadevice::raid::Raid, //
    },
    geometry::stripe::{
        Component,
        ComponentSpec, //
    },
    limits::{
        INTERLACE_SECTORS_MAX,
        RESERVED_HEAD_SECTORS,
        UNIT_SECTORS_MAX, //
    },
    raid5::{
        layout::{
            Layout,
            LayoutError,
            Rotation, //
        },
        progress::{
            Activity,
            Progress, //
        },
        COLUMNS_MAX, //
    },
};

module! {
    type: RaidModule,
    name: "md_raid",
    authors: ["The md_rs authors"],
    description: "Volume manager: RAID5",
    license: "GPL",
    alias: ["md_rs-personality-4"],
}

/// The loaded module.
struct RaidModule {
    _registration: Registration,
}

impl kernel::Module for RaidModule {
    fn init(module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _registration: Registration::new(CORE_ID, &RaidPersonality, module)?,
        })
    }
}

/// The kind of metadevice that this module makes.
struct RaidPersonality;

impl Personality for RaidPersonality {
    fn kind(&self) -> u32 {
        UnitKind::Raid as u32
    }

    fn assemble(&self, spec: &UnitSpec<'_>) -> Result<Unit, Refused> {
        let UnitSpec::Raid {
            interlace_sectors,
            columns,
            attached,
            raid,
            ledger,
        } = spec
        else {
            return Err(Refused::new(EINVAL, Refusal::NotARaid));
        };
        let (layout, columns) = lay_out(*interlace_sectors, columns, *attached, raid.rotation)?;
        let unit = RaidUnit::new(layout, columns, raid, (*ledger).clone());
        Ok(Unit::Raid(Arc::new(unit, GFP_KERNEL)?))
    }
}

/// A RAID5 metadevice.
struct RaidUnit {
    layout: Layout,
    columns: KVec<Component>,
    log: Uuid,
    is_unlogged: bool,
    /// What is being made, as [`Progress::number`] has it.
    activity: Atomic<u32>,
    cursor: Atomic<u64>,
    /// Where the cursor was when everything was durable last.
    durable: Atomic<u64>,
    /// Whether states have taken effect that are not recorded.
    unrecorded: Atomic<u32>,
    /// Whether what is being made cannot go on.
    stuck: Atomic<u32>,
    ledger: Arc<Ledger>,
}

/// The layout over columns, and where these are.
fn lay_out(
    interlace_sectors: u64,
    specs: &[ComponentSpec],
    attached: u32,
    rotation: Rotation,
) -> Result<(Layout, KVec<Component>), Refused> {
    let mut columns = KVec::with_capacity(specs.len(), GFP_KERNEL)?;
    let mut smallest = u64::MAX;
    for (index, spec) in (0..).zip(specs) {
        let column = place(spec).map_err(|refused| refused.at(index))?;
        check_interlace(interlace_sectors, spec).map_err(|refused| refused.at(index))?;
        smallest = smallest.min(column.size_sectors);
        columns.push(column, GFP_KERNEL)?;
    }
    let count = u32::try_from(columns.len()).unwrap_or(u32::MAX);
    let original = count.saturating_sub(attached);
    let layout = Layout::new(original, interlace_sectors, smallest, rotation)
        .and_then(|layout| layout.attach(attached));
    let layout = layout.map_err(|error| refusal(error, &columns))?;
    for column in &mut columns {
        column.size_sectors = layout.used_sectors();
    }
    Ok((layout, columns))
}

impl RaidUnit {
    fn new(layout: Layout, columns: KVec<Component>, raid: &Raid, ledger: Arc<Ledger>) -> Self {
        Self {
            layout,
            columns,
            log: raid.log,
            is_unlogged: raid.is_unlogged,
            activity: Atomic::new(raid.progress.number()),
            cursor: Atomic::new(raid.progress.cursor),
            durable: Atomic::new(raid.progress.cursor),
            unrecorded: Atomic::new(0),
            stuck: Atomic::new(0),
            ledger,
        }
    }
}

/// Where log and data of a column are, and how much room there is.
fn place(spec: &ComponentSpec) -> Result<Component, Refused> {
    let start_sector = spec.start_sectors.unwrap_or(RESERVED_HEAD_SECTORS);
    let block = u64::from(spec.block_sectors).max(1);
    // Log and lines are in units of 4 KiB.
    if block > 8 || start_sector % 8 != 0 {
        let values = [start_sector, block];
        return Err(Refused::new(EINVAL, Refusal::ComponentUnaligned).with(values));
    }
    Ok(Component {
        start_sector,
        size_sectors: spec.capacity_sectors.saturating_sub(start_sector),
    })
}

fn check_interlace(interlace_sectors: u64, spec: &ComponentSpec) -> Result<(), Refused> {
    let block = u64::from(spec.block_sectors).max(1);
    match interlace_sectors.checked_rem(block) {
        Some(0) => Ok(()),
        _ => {
            let values = [interlace_sectors, block];
            Err(Refused::new(EINVAL, Refusal::InterlaceUnaligned).with(values))
        }
    }
}

/// Why columns cannot be laid out, as the caller is told it.
fn refusal(error: LayoutError, columns: &[Component]) -> Refused {
    match error {
        LayoutError::Columns(found) => {
            let values = [found.into(), COLUMNS_MAX.into()];
            Refused::new(EINVAL, Refusal::BadColumnCount).with(values)
        }
        LayoutError::Interlace(found) => {
            let values = [found, INTERLACE_SECTORS_MAX];
            Refused::new(EINVAL, Refusal::BadInterlace).with(values)
        }
        LayoutError::TooSmall(needed) => {
            let sizes = columns.iter().map(|column| column.size_sectors);
            let smallest = (0..).zip(sizes).min_by_key(|(_, size)| *size);
            let (index, found) = smallest.unwrap_or((0, 0));
            let values = [needed, found];
            Refused::new(ENOSPC, Refusal::ComponentTooSmall)
                .with(values)
                .at(index)
        }
        LayoutError::TooLarge(found) => {
            let values = [found, UNIT_SECTORS_MAX];
            Refused::new(EFBIG, Refusal::TooLarge).with(values)
        }
    }
}

impl Raided for RaidUnit {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn columns(&self) -> &[Component] {
        &self.columns
    }

    fn log(&self) -> Uuid {
        self.log
    }

    fn is_unlogged(&self) -> bool {
        self.is_unlogged
    }

    fn progress(&self) -> Progress {
        // The activity does not change while requests are under way, but to nothing.
        let cursor = self.cursor.load(Acquire);
        let number = self.activity.load(Acquire);
        let activity = Progress::activity_from(number, self.layout.columns());
        activity.map_or(Progress::DONE, |activity| Progress { activity, cursor })
    }

    fn set_progress(&self, progress: Progress) {
        self.cursor.store(progress.cursor, Release);
        let _ = self.activity.xchg(progress.number(), Full);
    }

    fn durable_progress(&self) -> Progress {
        let progress = self.progress();
        match progress.activity {
            Activity::Nothing => Progress::DONE,
            _ => Progress {
                cursor: self.durable.load(Relaxed),
                ..progress
            },
        }
    }

    fn note_flushed(&self) {
        self.durable.store(self.cursor.load(Acquire), Relaxed);
    }

    fn is_unrecorded(&self) -> bool {
        self.unrecorded.load(Relaxed) != 0
    }

    fn note_unrecorded(&self) {
        let _ = self.unrecorded.xchg(1, Full);
    }

    fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    fn is_stuck(&self) -> bool {
        self.stuck.load(Relaxed) != 0
    }

    fn set_stuck(&self, is_stuck: bool) {
        self.stuck.store(is_stuck.into(), Relaxed);
    }

    fn xor(&self, to: &mut [u8], from: &[&[u8]]) {
        kapi::xor(to, from);
    }
}
