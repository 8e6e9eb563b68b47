// SPDX-License-Identifier: GPL-2.0
//! What becomes of columns that fail. It is decided here and recorded before it is in force, so
//! that no write is acknowledged whose excuse is not on a quorum of replicas (`DURABILITY.md`
//! clause 5).

use md_model::{
    events::kind::of_component,
    mirror::component::State,
    raid5::{
        column::{
            is_redundant,
            step,
            Event, //
        },
        progress::{
            Activity,
            Progress, //
        },
        unlogged::Start, //
    },
};

use super::{
    stale,
    unlogged,
    Target, //
};
use crate::{
    component::Component,
    database::Loaded,
    events::Event as Told, //
};

impl Target<'_> {
    /// Whether the others make up for a column.
    pub(super) fn is_redundant(self, column: u32) -> bool {
        let others = (0..self.count()).filter(|other| *other != column);
        let others = others.filter_map(|other| self.column(other));
        let others = others.map(|part| (!part.is_gone(), part.condition.decided()));
        is_redundant(&self.unit.progress(), others)
    }

    /// Judges what has failed since the last call. Never called twice at the same time. Whether
    /// there are new states.
    pub(crate) fn judge(self) -> bool {
        let mut changed = false;
        // Columns that are gone come first: the others are still taken for whole then.
        for gone in [true, false] {
            for column in 0..self.count() {
                let Some(component) = self.column(column).filter(|part| part.is_gone() == gone)
                else {
                    continue;
                };
                if let Some(event) = event_of(component) {
                    changed |= self.decide(column, component, event);
                }
            }
        }
        if changed {
            self.settle_progress();
            self.take_effect();
        }
        changed
    }

    /// What was being made is there, and durable: that is recorded.
    pub(super) fn finish(self) {
        let activity = self.unit.progress().activity;
        self.unit.set_progress(Progress::DONE);
        self.unit.ledger().begin_anew();
        if let Activity::Column(column) = activity {
            if let Some(component) = self.column(column) {
                self.decide(column, component, Event::Synced);
            }
        }
        for column in 0..self.count() {
            if let Some(component) = self.column(column) {
                self.decide(column, component, Event::OtherReturned);
            }
        }
        self.take_effect();
    }

    fn decide(self, column: u32, component: &Component, event: Event) -> bool {
        let before = component.condition.decided();
        let after = step(before, event, self.is_redundant(column));
        if after == before {
            return false;
        }
        component.condition.decide(after);
        if after == State::Okay {
            component.condition.forget_failures();
        }
        component.device.health().note_time();
        true
    }

    /// A column that has failed is not made any more.
    fn settle_progress(self) {
        if let Activity::Column(column) = self.unit.progress().activity {
            let state = self.column(column).map(|part| part.condition.decided());
            if state == Some(State::Erred) {
                self.unit.set_progress(Progress::DONE);
            }
        }
    }

    /// Records the states that were decided on, and puts them into force.
    fn take_effect(self) {
        if !self.record() {
            self.unit.note_unrecorded();
        }
        for column in 0..self.count() {
            let Some(component) = self.column(column) else {
                continue;
            };
            let (before, after) = component.condition.take_effect();
            if before == after {
                continue;
            }
            if let Some(kind) = of_component(after) {
                let path = component.device.health().path().to_bytes();
                let told = Told::of_unit(kind, self.body.number()).device(path);
                self.body.events().record(&told.states(before, after));
            }
        }
        // One that is out of service may have a spare, and one that has returned may free one.
        self.body.database().ask_spares();
    }

    /// Records how it is. Whether that is where it has to be.
    pub(super) fn record(self) -> bool {
        let number = core::iter::once(self.body.number());
        self.body.database().record(number).is_ok()
    }
}

/// What has happened to a column, if anything has.
fn event_of(component: &Component) -> Option<Event> {
    let failures = component.condition.take_failures();
    match (failures.write, failures.read) {
        (false, false) => None,
        _ if component.is_gone() => Some(Event::DeviceGone),
        (true, _) => Some(Event::WriteFailed),
        (false, true) => Some(Event::ReadFailed),
    }
}

/// Judges what is missing, before anybody uses the metadevice, and who has missed something, if
/// what is recorded may be older than the columns. Whether that is recorded.
pub(crate) fn settle(body: &crate::body::Body, loaded: &Loaded) -> bool {
    let Some(target) = Target::of(body) else {
        return true;
    };
    if loaded.is_read_only {
        // Nothing can be recorded, and nothing is written.
        target.unit.note_unrecorded();
    }
    let start = unlogged::begin(target, loaded.may_be_old);
    if start == Start::Refused {
        return false;
    }
    target.judge();
    if loaded.may_be_old {
        stale::leave_out(target);
    }
    if start == Start::MakeParity && !target.unit.is_unrecorded() && !target.record() {
        target.unit.note_unrecorded();
    }
    !target.unit.is_unrecorded()
}
