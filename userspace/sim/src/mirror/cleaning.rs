// SPDX-License-Identifier: GPL-2.0
//! Regions that are opened before they are written to, and cleaned when nobody writes there any
//! more, as the head of `model/mirror/regions.rs` describes it, and what is recorded of them.

use md_model::mirror::{
    component::Event,
    regions::idle, //
};

use super::{
    request::Place,
    Mirror, //
};
use crate::coverage::Point;

/// How far the cleaning of some regions has come.
#[derive(Clone, Debug)]
pub(super) enum Cleaning {
    /// They are closed.
    Closed { regions: u64 },
    /// Nobody was writing there; these components are to be flushed.
    Flushes { regions: u64, in_flight: Vec<Place> },
}

/// A side that has caught up with regions, and is being flushed.
#[derive(Clone, Debug)]
pub(super) struct CatchUp {
    pub(super) side: usize,
    regions: u64,
    in_flight: Vec<Place>,
}

impl Mirror {
    /// Somebody wants to write to regions that are closed.
    pub(super) fn want(&mut self, regions: u64) {
        self.coverage.hit(Point::MirrorWants);
        self.wanted |= regions;
        self.memory.dirty |= regions;
        for side in 0..self.sides.len() {
            if self.is_offline(side) && self.rules.offline_missed {
                self.fall_behind(side, regions);
            }
        }
    }

    /// What is to be remembered is recorded, or that begins.
    pub(super) fn record(&mut self) {
        match self.recording.take() {
            Some(memory) => self.recorded_now(memory),
            None if self.recorded != self.memory || self.wanted != 0 => {
                self.recording = Some(self.memory.clone());
            }
            None => {}
        }
    }

    fn recorded_now(&mut self, memory: super::Memory) {
        let cleaned = self.recorded.dirty & !memory.dirty;
        self.recorded = memory;
        self.open |= self.wanted & self.recorded.dirty;
        if cleaned != 0 {
            self.coverage.hit(Point::MirrorCleaned);
            self.note_clean(cleaned);
        }
    }

    /// The next step of the cleaning.
    pub(super) fn clean(&mut self) {
        match self.cleaning.take() {
            None => self.close(),
            Some(Cleaning::Closed { regions }) => self.look_through_claims(regions),
            Some(Cleaning::Flushes { regions, in_flight }) if in_flight.is_empty() => {
                self.mark_clean(regions);
            }
            Some(Cleaning::Flushes { regions, in_flight }) => {
                self.flush_to_clean(regions, in_flight);
            }
        }
    }

    fn close(&mut self) {
        let held = self.uncertain | self.wanted;
        let regions = idle(self.open, self.recent, held);
        self.recent = 0;
        if regions != 0 {
            self.open &= !regions;
            self.cleaning = Some(Cleaning::Closed { regions });
        }
    }

    /// Opens those again where somebody is writing.
    fn look_through_claims(&mut self, regions: u64) {
        let mut claimed = 0;
        if self.rules.claims_before_clean {
            for region in (0..self.regions.count()).filter(|region| (regions >> region) & 1 != 0) {
                let mut words = self.words.values();
                if words.any(|word| self.regions.is_claimed(region, *word)) {
                    self.coverage.hit(Point::MirrorReopened);
                    claimed |= 1 << region;
                }
            }
        }
        self.open |= claimed;
        let regions = regions & !claimed;
        if regions == 0 {
            return;
        }
        let mut in_flight = self.places();
        in_flight.retain(|place| self.rules.flush_before_clean && self.is_target(*place));
        self.cleaning = Some(Cleaning::Flushes { regions, in_flight });
    }

    /// One of the flushes ends. Where one fails and the component stays in service, nothing becomes
    /// clean.
    fn flush_to_clean(&mut self, regions: u64, mut in_flight: Vec<Place>) {
        if self.end_flush(&mut in_flight) {
            self.cleaning = Some(Cleaning::Flushes { regions, in_flight });
        } else {
            self.coverage.hit(Point::MirrorCleanFailed);
            self.open |= regions;
        }
    }

    /// One of these flushes ends; whether its component is flushed or out of service.
    fn end_flush(&mut self, in_flight: &mut Vec<Place>) -> bool {
        let index = self.random.below(in_flight.len());
        let place = in_flight.swap_remove(index);
        let fails = self.random.per_mille(self.error_rate);
        let component = self.component(place);
        if component.is_there && !fails {
            component.flush();
            return true;
        }
        self.change(place, Event::WriteFailed);
        !self.is_target(place)
    }

    /// All is flushed: those that nobody has asked for or opened in the meantime are clean, and in
    /// which no write has failed.
    fn mark_clean(&mut self, regions: u64) {
        let asked = regions & (self.wanted | self.open | self.uncertain);
        if asked != 0 {
            self.coverage.hit(Point::MirrorAskedMeanwhile);
        }
        self.open |= asked;
        self.memory.dirty &= !(regions & !asked);
    }

    /// A side is flushed that has caught up, and then that is remembered.
    pub(super) fn catch_up(&mut self) {
        match self.catch_up.take() {
            None => self.begin_catch_up(),
            Some(mut flush) if !flush.in_flight.is_empty() => {
                if self.end_flush(&mut flush.in_flight) && !self.has_fallen_behind {
                    self.catch_up = Some(flush);
                }
            }
            Some(flush) => {
                self.coverage.hit(Point::MirrorCaughtUp);
                self.memory.behind[flush.side] &= !flush.regions;
                self.synced(flush.side);
            }
        }
    }

    fn begin_catch_up(&mut self) {
        self.has_fallen_behind = false;
        let side = self.random.below(self.sides.len());
        let regions = self.memory.behind[side] & !self.behind[side];
        if self.is_caught_up(side) {
            self.synced(side);
        }
        if regions == 0 || self.is_offline(side) {
            return;
        }
        let mut in_flight = self.places();
        in_flight.retain(|place| place.0 == side && self.is_target(*place));
        self.catch_up = Some(CatchUp {
            side,
            regions,
            in_flight,
        });
    }

    /// A side lacks what the others have in these regions. What it is being flushed for does not
    /// count any more: it may be copied again, and that is not flushed then.
    pub(super) fn fall_behind(&mut self, side: usize, regions: u64) {
        self.behind[side] |= regions;
        self.memory.behind[side] |= regions;
        self.catch_up = None;
        self.has_fallen_behind = true;
    }
}
