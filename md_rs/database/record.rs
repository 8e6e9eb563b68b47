// SPDX-License-Identifier: GPL-2.0
//! From a metadevice to its record.

use kernel::{
    alloc::AllocError,
    prelude::*, //
};
use md_model::{
    database::metadevice::{
        encode,
        fields::BYTES_MAX,
        Component as StoredComponent,
        Head,
        Kind,
        Row as StoredRow,
        Side,
        SideState, //
    },
    limits::{
        COMPONENTS_MAX,
        ROWS_MAX,
        SUBMIRRORS_MAX, //
    },
    mirror::component::State,
};

use crate::{
    body::Shape,
    component::Component,
    personality::{
        Mirrored,
        Striped,
        Unit, //
    }, //
};

/// Whether a record tells how the components are.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum States {
    /// In the state database.
    Kept,
    /// In labels, which are not written when a state changes.
    LeftOut,
}

/// Memory for one record, and for what it is made of.
pub(super) struct Scratch {
    rows: KVVec<StoredRow>,
    components: KVVec<StoredComponent>,
    sides: KVec<Side>,
    bytes: KVVec<u8>,
}

impl Scratch {
    /// For the largest record.
    pub(super) fn new() -> Result<Self, AllocError> {
        Ok(Self {
            rows: KVVec::with_capacity(ROWS_MAX as usize, GFP_KERNEL)?,
            components: KVVec::with_capacity(COMPONENTS_MAX as usize, GFP_KERNEL)?,
            sides: KVec::with_capacity(SUBMIRRORS_MAX as usize, GFP_KERNEL)?,
            bytes: KVVec::from_elem(0u8, BYTES_MAX, GFP_KERNEL)?,
        })
    }

    /// The record of the metadevice with a number. Does not allocate.
    pub(super) fn encode(&mut self, number: u32, shape: &Shape, states: States) -> Option<&[u8]> {
        self.rows.clear();
        self.components.clear();
        self.sides.clear();
        let kind = match shape.unit() {
            Unit::Striped(stripe) => self.list_stripe(&**stripe, shape.components(), states)?,
            Unit::Mirrored(mirror) => self.list_sides(&**mirror, shape)?,
        };
        let head = Head {
            number,
            kind,
            size_sectors: shape.unit().sectors(),
        };
        let length = encode(
            &head,
            &self.rows,
            &self.components,
            &self.sides,
            &mut self.bytes,
        )?;
        self.bytes.get(..length)
    }

    fn list_stripe(
        &mut self,
        stripe: &dyn Striped,
        components: &[kernel::sync::Arc<Component>],
        states: States,
    ) -> Option<Kind> {
        for row in stripe.rows() {
            let stored = StoredRow {
                interlace_sectors: row.interlace_sectors.get(),
                size_sectors: row.size_sectors,
                component_count: row.component_count.get(),
            };
            self.rows.push_within_capacity(stored).ok()?;
        }
        for (place, component) in stripe.components().iter().zip(components) {
            let identity = &component.identity;
            let state = match states {
                States::Kept => component.condition.decided(),
                States::LeftOut => State::Okay,
            };
            let stored = StoredComponent {
                uuid: identity.uuid,
                partition: identity.partition,
                wwn: identity.wwn,
                start_sector: place.start_sector,
                size_sectors: place.size_sectors,
                erred_at: erred_at(component, state),
                unit: component.child.as_ref().map(|child| child.body().number()),
                state,
            };
            self.components.push_within_capacity(stored).ok()?;
        }
        Some(Kind::Stripe)
    }

    fn list_sides(&mut self, mirror: &dyn Mirrored, shape: &Shape) -> Option<Kind> {
        for component in shape.components() {
            let side = Side {
                number: component.child.as_ref()?.body().number(),
                state: SideState::Okay,
            };
            self.sides.push_within_capacity(side).ok()?;
        }
        Some(Kind::Mirror(mirror.options()))
    }
}

/// When a component left service, in seconds since 1970; 0 if it is in service.
fn erred_at(component: &Component, state: State) -> u64 {
    match state {
        State::Okay => 0,
        State::Erred | State::LastErred => component.device.health().event_seconds(),
    }
}
