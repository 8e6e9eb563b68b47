// SPDX-License-Identifier: GPL-2.0
//! What failures of components mean for their mirror (`svm.md` section 4.7). The states and the
//! rules are `md_model::mirror`'s.
//!
//! They are decided here. They come into force when the core has recorded them, before a write is
//! acknowledged that a side has failed; then the core tells of them.

use kernel::sync::atomic::{
    ordering::Relaxed,
    Atomic, //
};
use md::personality::{
    Condition,
    Sides,
    SyncMap, //
};
use md_model::mirror::{
    component::{
        is_worth_reading,
        step,
        Event,
        State, //
    },
    side::{
        Event as SideEvent,
        SideState, //
    },
    side_bit,
    source::{
        has_other_source,
        Side, //
    }, //
};

/// A component that something has happened to.
struct Case<'a> {
    side: u32,
    component: u32,
    condition: &'a Condition,
    event: Event,
}

/// Judges what has failed since the last call. Whether another state was decided on.
///
/// Components whose devices are gone come first: while another side still counts as a source, they
/// are out of service rather than the last copy.
pub(crate) fn judge(sides: &Sides<'_>, sectors: u64, map: &SyncMap, errors: &Atomic<u64>) -> bool {
    let mut changed = false;
    for gone in [true, false] {
        for side in 0..sides.count() {
            for component in 0..sides.component_count(side) {
                if sides.is_gone(side, component) == gone {
                    let judged = Judged {
                        sides,
                        sectors,
                        map,
                    };
                    changed |= judged.failures_of(side, component, errors);
                }
            }
        }
    }
    changed
}

/// The resync has done what it could: components, and sides, that lack nothing any more are in
/// service. Whether another state was decided on.
pub(crate) fn resynced(sides: &Sides<'_>, sectors: u64, map: &SyncMap) -> bool {
    let judged = Judged {
        sides,
        sectors,
        map,
    };
    let mut changed = false;
    for side in 0..sides.count() {
        if map.is_side_behind(side) {
            continue;
        }
        let before = map.side_state(side);
        let Some(after) = map.step_side(side, SideEvent::Synced) else {
            continue;
        };
        changed |= after != before;
        changed |= judged.all_of(side, Event::Synced);
    }
    // What has come back may be a source for what was the last copy until now.
    for side in 0..sides.count() {
        changed |= judged.all_of(side, Event::OtherReturned);
    }
    changed
}

/// Whether every block of a component is also on another side that is in service.
pub(crate) fn has_source(
    sides: &Sides<'_>,
    sectors: u64,
    map: &SyncMap,
    side: u32,
    component: u32,
) -> bool {
    let judged = Judged {
        sides,
        sectors,
        map,
    };
    judged.has_source(side, component)
}

/// Sides that are in service and there, with all their components, as bits.
pub(crate) fn whole_sides(sides: &Sides<'_>, map: &SyncMap) -> u32 {
    let okay = sides_where_all(sides, is_okay);
    let in_service = (0..sides.count()).filter(|side| map.side_state(*side) == SideState::Okay);
    let is_there = |side: &u32| !(0..sides.component_count(*side)).any(|c| sides.is_gone(*side, c));
    let in_service = in_service.filter(is_there);
    in_service.fold(0, |found, side| found | side_bit(side)) & okay
}

/// Sides of which all components are worth reading, and answer in time, as bits.
pub(crate) fn readable_sides(sides: &Sides<'_>) -> u32 {
    sides_where_all(sides, |condition| {
        is_worth_reading(condition.read_failures()) && !condition.is_suspect()
    })
}

/// Sides whose components all meet a condition, as bits.
fn sides_where_all(sides: &Sides<'_>, meets: impl Fn(&Condition) -> bool) -> u32 {
    let all_meet = |side: &u32| {
        let mut components = 0..sides.component_count(*side);
        components.all(|c| sides.condition(*side, c).is_some_and(&meets))
    };
    let found = (0..sides.count()).filter(all_meet);
    found.fold(0, |found, side| found | side_bit(side))
}

fn is_okay(condition: &Condition) -> bool {
    condition.decided() == State::Okay
}

/// Whether it has all writes, but for what it may have lost since.
fn is_written(condition: &Condition) -> bool {
    matches!(condition.decided(), State::Okay | State::LastErred)
}

/// A mirror that is judged.
#[derive(Clone, Copy)]
struct Judged<'a> {
    sides: &'a Sides<'a>,
    sectors: u64,
    map: &'a SyncMap,
}

impl Judged<'_> {
    /// Judges what has failed on a component.
    fn failures_of(self, side: u32, component: u32, errors: &Atomic<u64>) -> bool {
        let Some(case) = case_of(self.sides, side, component) else {
            return false;
        };
        let condition = case.condition;
        condition.set_last_error(errors.load(Relaxed).wrapping_add(1));
        errors.store(condition.last_error(), Relaxed);
        self.decide(&case)
    }

    /// The same has happened to all components of a side.
    fn all_of(self, side: u32, event: Event) -> bool {
        let cases = (0..self.sides.component_count(side)).filter_map(|component| {
            Some(Case {
                side,
                component,
                condition: self.sides.condition(side, component)?,
                event,
            })
        });
        cases.fold(false, |changed, case| self.decide(&case) || changed)
    }

    /// Decides what becomes of a component. Whether that is something else.
    fn decide(self, case: &Case<'_>) -> bool {
        let before = case.condition.decided();
        // What is not there cannot be read: it is not kept in service for what it has, as long as
        // another one takes the writes, even if that has lost something.
        let enough = match case.event {
            Event::DeviceGone => is_written,
            _ => is_okay,
        };
        let has_source = self.has_source_that(case.side, case.component, enough);
        let after = step(before, case.event, has_source);
        if after == before {
            return false;
        }
        case.condition.decide(after);
        if after == State::Okay {
            case.condition.forget_failures();
        }
        self.sides.note_change(case.side, case.component);
        true
    }

    /// Whether every block of a component is also on another side that has everything, on a
    /// component that is in service and there.
    fn has_source(self, own_side: u32, component: u32) -> bool {
        self.has_source_that(own_side, component, is_okay)
    }

    /// The same, on components that are `enough`.
    fn has_source_that(
        self,
        own_side: u32,
        component: u32,
        enough: fn(&Condition) -> bool,
    ) -> bool {
        let sides = self.sides;
        let is_source = |side: u32| {
            move |c: u32| sides.condition(side, c).is_some_and(enough) && !sides.is_gone(side, c)
        };
        let sources = [0u32, 1, 2, 3].map(is_source);
        let others = (0..sides.count())
            .zip(&sources)
            .filter(|(side, _)| *side != own_side)
            .filter(|(side, _)| self.map.side_state(*side) == SideState::Okay)
            .map(|(side, is_source)| Side {
                rows: sides.rows(side),
                is_source,
            });
        has_other_source(sides.rows(own_side), component, self.sectors, others)
    }
}

/// What has happened to a component, if anything has.
fn case_of<'a>(sides: &Sides<'a>, side: u32, component: u32) -> Option<Case<'a>> {
    let condition = sides.condition(side, component)?;
    let failures = condition.take_failures();
    let is_gone = sides.is_gone(side, component);
    let event = match (failures.write, failures.read) {
        (true, _) if is_gone => Event::DeviceGone,
        (true, _) => Event::WriteFailed,
        // It lacks nothing because of that: it is not read as long as it is not there.
        (false, true) if is_gone => return None,
        (false, true) => Event::ReadFailed,
        (false, false) => return None,
    };
    Some(Case {
        side,
        component,
        condition,
        event,
    })
}
