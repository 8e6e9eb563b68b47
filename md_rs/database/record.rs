// SPDX-License-Identifier: GPL-2.0
//! From a metadevice, a hot spare pool, or what failfast does, to its record.

use kernel::{
    alloc::AllocError,
    prelude::*, //
};
use md_model::{
    database::{
        metadevice::{
            encode,
            fields::BYTES_MAX,
            raid::Raid as StoredRaid,
            soft::Soft as StoredSoft,
            Component as StoredComponent,
            Head,
            Kind,
            Parts,
            Row as StoredRow,
            Side,
            Spared,
            Sync, //
        },
        pool,
        watched::{
            self,
            Watched, //
        }, //
    },
    geometry::stripe::Component as Place,
    limits::{
        COMPONENTS_MAX,
        ROWS_MAX,
        SPARED_MAX,
        SUBMIRRORS_MAX, //
    },
    mirror::{
        component::State,
        regions::WORDS_MAX,
        scrub::history::History,
        side::SideState, //
    },
};

use crate::{
    body::Shape,
    component::Component,
    personality::{
        Mirrored,
        Raided,
        Soft,
        Striped,
        Unit, //
    },
    spare::Pool, //
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
    words: KVec<u64>,
    spared: KVec<Spared>,
    bytes: KVVec<u8>,
}

impl Scratch {
    /// For the largest record.
    pub(super) fn new() -> Result<Self, AllocError> {
        Ok(Self {
            rows: KVVec::with_capacity(ROWS_MAX as usize, GFP_KERNEL)?,
            components: KVVec::with_capacity(COMPONENTS_MAX as usize, GFP_KERNEL)?,
            sides: KVec::with_capacity(SUBMIRRORS_MAX as usize, GFP_KERNEL)?,
            words: KVec::with_capacity(
                (SUBMIRRORS_MAX as usize)
                    .saturating_add(1)
                    .saturating_mul(WORDS_MAX),
                GFP_KERNEL,
            )?,
            spared: KVec::with_capacity(SPARED_MAX as usize, GFP_KERNEL)?,
            bytes: KVVec::from_elem(0u8, BYTES_MAX, GFP_KERNEL)?,
        })
    }

    /// The record of the metadevice with a number, and of the hot spare pool that it has, if it has
    /// one. Does not allocate.
    pub(super) fn encode(
        &mut self,
        number: u32,
        shape: &Shape,
        states_and_pool: (States, Option<u32>),
    ) -> Option<&[u8]> {
        self.encode_without(number, shape, states_and_pool, None)
    }

    /// The record of a hot spare pool. Does not allocate.
    pub(super) fn encode_pool(&mut self, pool: &Pool) -> Option<&[u8]> {
        let spares = pool.spares.iter().map(|spare| spare.stored());
        let length = pool::encode(pool.number, spares, &mut self.bytes)?;
        self.bytes.get(..length)
    }

    /// The record of what failfast does. Does not allocate.
    pub(super) fn encode_watched(&mut self, devices: &[Watched]) -> Option<&[u8]> {
        let length = watched::encode(devices, &mut self.bytes)?;
        self.bytes.get(..length)
    }

    /// The same, of a mirror that is about to lose a side, which the shape does not have any more.
    pub(super) fn encode_without(
        &mut self,
        number: u32,
        shape: &Shape,
        (states, pool): (States, Option<u32>),
        lost: Option<u32>,
    ) -> Option<&[u8]> {
        self.rows.clear();
        self.components.clear();
        self.sides.clear();
        self.words.clear();
        self.spared.clear();
        let history = kept_history(shape, states, lost);
        let (kind, sync) = match shape.unit() {
            Unit::Striped(stripe) => (
                self.list_stripe(&**stripe, shape.components(), states)?,
                Sync::UNKNOWN,
            ),
            Unit::Mirrored(mirror) => self.list_sides(&**mirror, shape, states, lost)?,
            Unit::Soft(soft) => (self.list_base(&**soft, shape)?, Sync::UNKNOWN),
            Unit::Raid(raid) => (self.list_columns(&**raid, shape, states)?, Sync::UNKNOWN),
        };
        let soft = shape.unit().soft().map(|soft| StoredSoft {
            head: soft.head(),
            extents: soft.extents(),
        });
        let head = Head {
            number,
            kind,
            size_sectors: shape.unit().sectors(),
            sync,
            pool: pool.filter(|_| shape.unit().may_have_pool()),
        };
        let parts = Parts {
            head,
            rows: &self.rows,
            components: &self.components,
            sides: &self.sides,
            words: &self.words,
            spared: &self.spared,
            history: history.as_ref(),
            soft,
            raid: shape.unit().raid().map(stored_raid),
        };
        let length = encode(&parts, &mut self.bytes)?;
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
        self.list_components(stripe.components(), components, states)?;
        Some(Kind::Stripe)
    }

    /// The columns of a RAID5 metadevice: in one row those that it was made of, in another one
    /// those that were attached, if there are some.
    fn list_columns(&mut self, raid: &dyn Raided, shape: &Shape, states: States) -> Option<Kind> {
        let layout = raid.layout();
        let rows = [
            (layout.original(), layout.original_sectors()),
            (layout.attached(), layout.attached_sectors()),
        ];
        for (columns, size_sectors) in rows.into_iter().filter(|(columns, _)| *columns > 0) {
            let stored = StoredRow {
                interlace_sectors: layout.interlace_sectors(),
                size_sectors,
                component_count: columns,
            };
            self.rows.push_within_capacity(stored).ok()?;
        }
        self.list_components(raid.columns(), shape.components(), states)?;
        Some(Kind::Raid)
    }

    fn list_components(
        &mut self,
        places: &[Place],
        components: &[kernel::sync::Arc<Component>],
        states: States,
    ) -> Option<()> {
        for (place, component) in places.iter().zip(components) {
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
            let index = u32::try_from(self.components.len()).ok()?;
            self.components.push_within_capacity(stored).ok()?;
            let spared = component.spared.as_ref();
            let spared = spared.and_then(|spared| spared.stored(index));
            if let (Some(spared), States::Kept) = (spared, states) {
                self.spared.push_within_capacity(spared).ok()?;
            }
        }
        Some(())
    }

    /// The base of a soft partition, from its first watermark to the last.
    fn list_base(&mut self, soft: &dyn Soft, shape: &Shape) -> Option<Kind> {
        let component = shape.component(0)?;
        let (identity, base) = (&component.identity, soft.base());
        // A soft partition below a mirror has a condition like any other component.
        let state = component.condition.decided();
        let stored = StoredComponent {
            uuid: identity.uuid,
            partition: identity.partition,
            wwn: identity.wwn,
            start_sector: base.start,
            size_sectors: base.end.checked_sub(base.start)?,
            erred_at: erred_at(component, state),
            unit: component.child.as_ref().map(|child| child.body().number()),
            state,
        };
        self.components.push_within_capacity(stored).ok()?;
        Some(Kind::Soft)
    }

    fn list_sides(
        &mut self,
        mirror: &dyn Mirrored,
        shape: &Shape,
        states: States,
        lost: Option<u32>,
    ) -> Option<(Kind, Sync)> {
        let map = mirror.map();
        let kept = (0..).filter(|side| Some(*side) != lost);
        for (side, component) in kept.zip(shape.components()) {
            let stored = Side {
                number: component.child.as_ref()?.body().number(),
                state: match states {
                    States::Kept => map.side_state(side),
                    States::LeftOut => SideState::Okay,
                },
            };
            self.sides.push_within_capacity(stored).ok()?;
        }
        let kind = Kind::Mirror(mirror.options());
        if states == States::LeftOut {
            return Some((kind, Sync::UNKNOWN));
        }
        map.list_recorded(lost, &mut |word| {
            self.words.push_within_capacity(word).is_ok()
        })?;
        Some((kind, map.sync()))
    }
}

/// What the record of a RAID5 metadevice has besides its columns.
fn stored_raid(raid: &dyn Raided) -> StoredRaid {
    StoredRaid {
        log: raid.log(),
        rotation: raid.layout().rotation(),
        progress: raid.durable_progress(),
        is_cancelled: raid.ledger().is_cancelled(),
        is_unlogged: raid.is_unlogged(),
        pace: raid.ledger().pace(),
    }
}

/// What the record of a mirror in the state database has of scrubs, or that of a RAID5 metadevice
/// of checks.
fn kept_history(shape: &Shape, states: States, lost: Option<u32>) -> Option<History> {
    if states == States::LeftOut {
        return None;
    }
    match shape.unit() {
        Unit::Mirrored(mirror) => Some(mirror.map().history(lost)),
        Unit::Raid(raid) => Some(raid.ledger().history()),
        Unit::Striped(_) | Unit::Soft(_) => None,
    }
}

/// When a component left service, in seconds since 1970; 0 if it is in service.
fn erred_at(component: &Component, state: State) -> u64 {
    match state {
        State::Okay => 0,
        State::Erred | State::LastErred | State::Resyncing => {
            component.device.health().event_seconds()
        }
    }
}
