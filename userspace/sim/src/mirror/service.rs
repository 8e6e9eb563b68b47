// SPDX-License-Identifier: GPL-2.0
//! Sides that are taken out of service and come back, and components that are enabled again.

use md_model::mirror::{
    component::{
        step,
        Event,
        State, //
    },
    side::{
        Event as SideEvent,
        SideState, //
    },
};

use super::{
    request::Place,
    Mirror, //
};
use crate::coverage::Point;

impl Mirror {
    /// The administrator does something. What was done before has to be recorded: an offline side
    /// that came back at once was otherwise taken for one that has missed nothing, and a new device
    /// of a component that has failed, after a power cut, for the old one.
    pub(super) fn administrate(&mut self) {
        if self.rules.one_change_at_a_time && !self.is_recorded() {
            return;
        }
        let side = self.random.below(self.sides.len());
        match self.random.below(4) {
            0 => self.offline(side),
            1 => self.online(side),
            2 | 3 => self.enable(),
            _ => {}
        }
    }

    /// `metaoffline`: the side must be whole, and others must have all that it has. What is open
    /// may be written to without another record, so it counts as missed at once.
    fn offline(&mut self, side: usize) {
        let mut own = self.places();
        own.retain(|place| place.0 == side);
        let is_whole = self.memory.states[side]
            .iter()
            .all(|state| *state == State::Okay);
        let has_other = |place: &Place| self.has_other_source(*place);
        let may_go = is_whole && own.iter().all(has_other);
        if !may_go || !self.step_side(side, SideEvent::Offlined) {
            return;
        }
        self.coverage.hit(Point::MirrorOffline);
        if self.rules.offline_missed {
            let dirty = self.open | self.memory.dirty | self.recorded.dirty;
            self.fall_behind(side, dirty);
        }
        self.plan.abandon();
    }

    /// `metaonline`.
    pub(super) fn online(&mut self, side: usize) {
        if self.step_side(side, SideEvent::Onlined) {
            self.coverage.hit(Point::MirrorOnline);
            self.plan.abandon();
        }
    }

    /// `metareplace`: a component that is out of service is given a device, and lacks everything.
    fn enable(&mut self) {
        let mut places = self.places();
        places.retain(|(side, index)| {
            let state = self.memory.states[*side][*index];
            matches!(state, State::Erred | State::LastErred)
        });
        if let Some(place) = self.random.one_of(&places) {
            self.enable_component(place);
        }
    }

    /// The component of a place is given another device, or its own one again.
    fn enable_component(&mut self, place: Place) {
        let (side, index) = place;
        let before = self.memory.states[side][index];
        let after = step(before, Event::Enabled, self.has_other_source(place));
        if after != State::Resyncing {
            self.coverage.hit(Point::MirrorEnableRefused);
            return;
        }
        let is_new = self.random.per_mille(500);
        let component = &mut self.sides[side][index];
        if before == State::Erred && (is_new || !component.is_there) {
            component.replace();
        } else if !component.is_there {
            return;
        }
        self.coverage.hit(Point::MirrorEnabled);
        let regions = self.touched(place);
        self.fall_behind(side, regions);
        self.change(place, Event::Enabled);
    }

    /// What a side lacked is beyond its caches: its components are as good as the others, and so is
    /// the side if that was all.
    pub(super) fn synced(&mut self, side: usize) {
        if self.is_caught_up(side) && self.step_side(side, SideEvent::Synced) {
            self.coverage.hit(Point::MirrorSideSynced);
        }
        for index in 0..self.sides[side].len() {
            let place = (side, index);
            let is_resyncing = self.memory.states[side][index] == State::Resyncing;
            if is_resyncing && self.memory.behind[side] & self.touched(place) == 0 {
                self.coverage.hit(Point::MirrorSynced);
                self.change(place, Event::Synced);
            }
        }
        self.others_returned();
    }

    /// Whether a side is out of service only because nobody has seen yet that it lacks nothing.
    pub(super) fn is_caught_up(&self, side: usize) -> bool {
        self.memory.sides[side] == SideState::NeedsResync && self.memory.behind[side] == 0
    }

    /// What was the last one that had something may not be any more.
    fn others_returned(&mut self) {
        for (side, index) in self.places() {
            if self.memory.states[side][index] == State::LastErred {
                self.change((side, index), Event::OtherReturned);
            }
        }
    }
}
