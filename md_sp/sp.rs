// SPDX-License-Identifier: GPL-2.0
//! The soft partition personality, `md_sp.ko`: extents of a device or metadevice (`svm.md` section
//! 6).
//!
//! The map is `md_model`'s; this module keeps the table in memory.

#![forbid(unsafe_code)]

use core::num::{
    NonZeroU32,
    NonZeroU64, //
};

use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    ThisModule, //
};
use md::{
    abi::{
        Refusal,
        UnitKind, //
    },
    personality::{
        Personality,
        Registration,
        Soft,
        Striped,
        Unit,
        UnitSpec,
        CORE_ID, //
    },
    Refused, //
};
use md_model::{
    database::metadevice::soft::{
        SoftHead,
        SoftState, //
    },
    geometry::stripe::{
        Component,
        FirstRun,
        Piece,
        Row, //
    },
    limits::UNIT_SECTORS_MAX,
    soft::{
        extents::{
            lay_out,
            map,
            ranges,
            Placed, //
        },
        Base,
        Extent, //
    },
};

module! {
    type: SoftPartitionModule,
    name: "md_sp",
    authors: ["The md_rs authors"],
    description: "Volume manager: soft partition",
    license: "GPL",
    alias: ["md_rs-personality-5"],
}

/// The loaded module.
struct SoftPartitionModule {
    _registration: Registration,
}

impl kernel::Module for SoftPartitionModule {
    fn init(module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _registration: Registration::new(CORE_ID, &SoftPersonality, module)?,
        })
    }
}

/// The kind of metadevice that this module makes.
struct SoftPersonality;

impl Personality for SoftPersonality {
    fn kind(&self) -> u32 {
        UnitKind::SoftPartition as u32
    }

    fn assemble(&self, spec: &UnitSpec<'_>) -> Result<Unit, Refused> {
        let UnitSpec::Soft {
            head,
            base,
            extents: asked,
        } = spec
        else {
            return Err(Refused::new(EINVAL, Refusal::NotASoftPartition));
        };
        let mut table = KVVec::from_elem(Placed::UNFILLED, asked.len(), GFP_KERNEL)?;
        let unaligned = Refused::new(EINVAL, Refusal::ExtentUnaligned);
        let sectors = lay_out(asked, &mut table).ok_or(unaligned)?;
        if sectors > UNIT_SECTORS_MAX {
            let values = [sectors, UNIT_SECTORS_MAX];
            return Err(Refused::new(EFBIG, Refusal::TooLarge).with(values));
        }
        let mut extents = KVVec::with_capacity(asked.len(), GFP_KERNEL)?;
        extents.extend_from_slice(asked, GFP_KERNEL)?;
        let soft = SoftPartition {
            table,
            extents,
            sectors,
            base: *base,
            state: Atomic::new(head.state.number().into()),
            head: *head,
            wrong: Atomic::new(0),
            row: whole(sectors),
            component: Component {
                start_sector: base.start,
                size_sectors: base.end.saturating_sub(base.start),
            },
        };
        Ok(Unit::Soft(KBox::new(soft, GFP_KERNEL)?))
    }
}

/// The only row, which is all of the only component.
fn whole(sectors: u64) -> Row {
    Row {
        first_component: 0,
        component_count: NonZeroU32::MIN,
        interlace_sectors: NonZeroU64::MIN,
        start_sector: 0,
        size_sectors: sectors,
    }
}

/// A soft partition.
struct SoftPartition {
    table: KVVec<Placed>,
    extents: KVVec<Extent>,
    sectors: u64,
    base: Base,
    /// Its state apart.
    head: SoftHead,
    state: Atomic<u32>,
    wrong: Atomic<u32>,
    row: Row,
    component: Component,
}

impl Striped for SoftPartition {
    fn sectors(&self) -> u64 {
        self.sectors
    }

    fn map(&self, sector: u64, count: u64) -> Option<Piece> {
        map(&self.table, sector, count)
    }

    fn ranges(&self, sector: u64, count: u64, each: &mut dyn FnMut(Piece)) -> Option<()> {
        ranges(&self.table, sector, count, each)
    }

    fn first_run(&self) -> FirstRun {
        let first = self.extents.first();
        first.map_or(FirstRun::NONE, |first| FirstRun {
            sector: first.sector,
            count: first.count,
        })
    }

    fn chunk(&self) -> Option<(u32, u64)> {
        None
    }

    fn rows(&self) -> &[Row] {
        core::slice::from_ref(&self.row)
    }

    fn components(&self) -> &[Component] {
        core::slice::from_ref(&self.component)
    }
}

impl Soft for SoftPartition {
    fn striped(&self) -> &dyn Striped {
        self
    }

    fn extents(&self) -> &[Extent] {
        &self.extents
    }

    fn base(&self) -> Base {
        self.base
    }

    fn head(&self) -> SoftHead {
        let state = SoftState::from_number(self.state.load(Relaxed).into());
        SoftHead {
            state: state.unwrap_or(self.head.state),
            ..self.head
        }
    }

    fn set_state(&self, state: SoftState) {
        self.state.store(state.number().into(), Relaxed);
    }

    fn wrong(&self) -> u32 {
        self.wrong.load(Relaxed)
    }

    fn set_wrong(&self, wrong: u32) {
        self.wrong.store(wrong, Relaxed);
    }
}
