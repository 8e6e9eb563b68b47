// SPDX-License-Identifier: GPL-2.0
//! The stripe personality, `md_stripe.ko`: concat, stripe, and concat of stripes (`svm.md` section
//! 3).
//!
//! The layout and the map are `md_model`'s; this module keeps the tables in memory.

#![forbid(unsafe_code)]

use kernel::{
    prelude::*,
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
        Striped,
        Unit,
        UnitSpec,
        CORE_ID, //
    },
    Refused, //
};
use md_model::geometry::stripe::{
    lay_out,
    map,
    ranges,
    uniform_chunk,
    Component,
    FirstRun,
    Piece,
    Row, //
};

module! {
    type: StripeModule,
    name: "md_stripe",
    authors: ["The md_rs authors"],
    description: "Volume manager: stripe and concat",
    license: "GPL",
    alias: ["md_rs-personality-1"],
}

/// The loaded module.
struct StripeModule {
    _registration: Registration,
}

impl kernel::Module for StripeModule {
    fn init(module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _registration: Registration::new(CORE_ID, &StripePersonality, module)?,
        })
    }
}

/// The kind of metadevice that this module makes.
struct StripePersonality;

impl Personality for StripePersonality {
    fn kind(&self) -> u32 {
        UnitKind::Stripe as u32
    }

    fn assemble(&self, spec: &UnitSpec<'_>) -> Result<Unit, Refused> {
        let UnitSpec::Stripe {
            rows: asked_rows,
            components: asked_components,
        } = spec
        else {
            return Err(Refused::new(EINVAL, Refusal::NotAStripe));
        };
        let mut rows = KVVec::from_elem(Row::UNFILLED, asked_rows.len(), GFP_KERNEL)?;
        let mut components =
            KVVec::from_elem(Component::UNFILLED, asked_components.len(), GFP_KERNEL)?;
        let sectors = lay_out(asked_rows, asked_components, &mut rows, &mut components)?;
        let stripe = Stripe {
            rows,
            components,
            sectors,
        };
        Ok(Unit::Striped(KBox::new(stripe, GFP_KERNEL)?))
    }
}

/// A stripe or concat.
struct Stripe {
    rows: KVVec<Row>,
    components: KVVec<Component>,
    sectors: u64,
}

impl Striped for Stripe {
    fn sectors(&self) -> u64 {
        self.sectors
    }

    fn map(&self, sector: u64, count: u64) -> Option<Piece> {
        map(&self.rows, &self.components, sector, count)
    }

    fn ranges(&self, sector: u64, count: u64, each: &mut dyn FnMut(Piece)) -> Option<()> {
        ranges(&self.rows, &self.components, sector, count, each)
    }

    fn first_run(&self) -> FirstRun {
        FirstRun::of(&self.rows, &self.components)
    }

    fn chunk(&self) -> Option<(u32, u64)> {
        let chunk = uniform_chunk(&self.rows)?;
        let around = self.rows.first()?.component_count.get();
        Some((chunk, u64::from(chunk).checked_mul(around.into())?))
    }

    fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn components(&self) -> &[Component] {
        &self.components
    }
}
