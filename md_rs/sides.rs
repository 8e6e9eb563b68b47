// SPDX-License-Identifier: GPL-2.0
//! The sides of a mirror, as the core shows them to the personality: which components they have,
//! where those lie, and how they are.

use core::ops::Range;

use md_model::{
    events::kind::of_component,
    geometry::stripe::{
        row_of_component,
        Row, //
    },
    mirror::component::State, //
};

use crate::{
    body::{
        Body,
        Shape, //
    },
    component::Component,
    condition::Condition,
    events::Event, //
};

/// The sides of a mirror.
pub struct Sides<'a>(&'a Shape);

impl<'a> Sides<'a> {
    /// The sides of the mirror that has this shape.
    pub(crate) fn of(shape: &'a Shape) -> Self {
        Self(shape)
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.0.components().len()).unwrap_or(0)
    }

    /// The rows of a side.
    pub fn rows(&self, side: u32) -> &'a [Row] {
        let stripe = side_shape(self.0, side).and_then(|shape| shape.unit().striped());
        stripe.map_or(&[], |stripe| stripe.rows())
    }

    /// How many components a side has, over all its rows.
    pub fn component_count(&self, side: u32) -> u32 {
        let count = side_shape(self.0, side).map_or(0, |shape| shape.components().len());
        u32::try_from(count).unwrap_or(0)
    }

    /// The components of a side.
    pub(crate) fn components(&self, side: u32) -> impl Iterator<Item = &'a Component> {
        let shape = side_shape(self.0, side);
        let components = shape.map(|shape| shape.components()).unwrap_or_default();
        components.iter().map(|component| &**component)
    }

    /// The components of a side that have something of some of its sectors.
    pub(crate) fn components_within(
        &self,
        side: u32,
        sectors: Range<u64>,
    ) -> impl Iterator<Item = &'a Component> {
        let rows = self.rows(side);
        let touches = move |component: u32| {
            row_of_component(rows, component).is_some_and(|row| {
                let end = row.start_sector.saturating_add(row.size_sectors);
                row.start_sector < sectors.end && sectors.start < end
            })
        };
        let components = (0..).zip(self.components(side));
        let found = components.filter(move |(index, _)| touches(*index));
        found.map(|(_, component)| component)
    }

    /// The condition of a component.
    pub fn condition(&self, side: u32, component: u32) -> Option<&'a Condition> {
        Some(&self.component(side, component)?.condition)
    }

    /// Whether the device of a component was removed from the machine.
    pub fn is_gone(&self, side: u32, component: u32) -> bool {
        self.component(side, component)
            .is_some_and(Component::is_gone)
    }

    /// Writes down that the state of a component has changed now.
    pub fn note_change(&self, side: u32, component: u32) {
        if let Some(component) = self.component(side, component) {
            component.device.health().note_time();
        }
    }

    /// Has the states that were decided on recorded. `false`: they could not be. Sleeps.
    pub(crate) fn record(&self) -> bool {
        self.record_with(None)
    }

    /// The same, with how the mirror itself is, in one commit.
    pub(crate) fn record_with(&self, mirror: Option<u32>) -> bool {
        let bodies = || (0..self.count()).filter_map(|side| side_body(self.0, side));
        let Some(first) = bodies().next() else {
            return true;
        };
        let numbers = Iterator::chain(mirror.into_iter(), bodies().map(Body::number));
        let done = first.database().record(numbers);
        done.is_ok()
    }

    /// Puts the states into force that were decided on, and tells of those that are new.
    pub fn take_effect(&self) {
        for side in 0..self.count() {
            let Some(body) = side_body(self.0, side) else {
                continue;
            };
            for component in self.components(side) {
                let (before, after) = component.condition.take_effect();
                if before != after {
                    tell(body, component, before, after);
                }
            }
        }
    }

    /// The mirror goes: who makes another one of its sides says that these are equal (`svm.md`
    /// section 4.2).
    pub(crate) fn forget_conditions(&self) {
        for side in 0..self.count() {
            let conditions = (0..self.component_count(side)).map(|c| self.condition(side, c));
            conditions.flatten().for_each(Condition::forget);
        }
    }

    fn component(&self, side: u32, component: u32) -> Option<&'a Component> {
        side_shape(self.0, side)?.component(component)
    }
}

/// Tells of a new state of a component.
fn tell(body: &Body, component: &Component, before: State, after: State) {
    if let Some(kind) = of_component(after) {
        let path = component.device.health().path().to_bytes();
        let event = Event::of_unit(kind, body.number()).device(path);
        body.events().record(&event.states(before, after));
    }
}

/// The body of a side.
#[inline]
pub(crate) fn side_body(shape: &Shape, side: u32) -> Option<&Body> {
    Some(shape.component(side)?.child.as_ref()?.body())
}

fn side_shape(shape: &Shape, side: u32) -> Option<&Shape> {
    Some(side_body(shape, side)?.shape())
}
