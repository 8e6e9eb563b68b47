// SPDX-License-Identifier: GPL-2.0
//! What failures of components mean for their mirror (`svm.md` section 4.7). The states and the
//! rules are `md_model::mirror`'s.
//!
//! They are decided here. They come into force when the core has recorded them, before a write is
//! acknowledged that a side has failed.

use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
};
use md::personality::{
    Condition,
    Sides, //
};
use md_model::mirror::{
    component::{
        is_worth_reading,
        step,
        Event,
        State, //
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
pub(crate) fn judge(sides: &Sides<'_>, sectors: u64, errors: &Atomic<u64>) -> bool {
    let mut changed = false;
    for gone in [true, false] {
        for side in 0..sides.count() {
            for component in 0..sides.component_count(side) {
                if sides.is_gone(side, component) == gone {
                    changed |= judge_one(sides, side, component, sectors, errors);
                }
            }
        }
    }
    changed
}

/// Sides of which all components are in service, as bits.
pub(crate) fn whole_sides(sides: &Sides<'_>) -> u32 {
    sides_where_all(sides, is_okay)
}

/// Sides of which all components are worth reading, as bits.
pub(crate) fn readable_sides(sides: &Sides<'_>) -> u32 {
    sides_where_all(sides, |condition| {
        is_worth_reading(condition.read_failures())
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

fn judge_one(
    sides: &Sides<'_>,
    side: u32,
    component: u32,
    sectors: u64,
    errors: &Atomic<u64>,
) -> bool {
    let Some(case) = case_of(sides, side, component) else {
        return false;
    };
    let condition = case.condition;
    condition.set_last_error(errors.load(Relaxed).wrapping_add(1));
    errors.store(condition.last_error(), Relaxed);
    let before = condition.decided();
    let after = step(before, case.event, has_source(sides, &case, sectors));
    if after == before {
        return false;
    }
    condition.decide(after);
    sides.note_change(side, component);
    report(sides, &case, after);
    true
}

/// What has happened to a component, if anything has.
fn case_of<'a>(sides: &Sides<'a>, side: u32, component: u32) -> Option<Case<'a>> {
    let condition = sides.condition(side, component)?;
    let failures = condition.take_failures();
    let event = match (failures.write, failures.read) {
        (false, false) => return None,
        _ if sides.is_gone(side, component) => Event::DeviceGone,
        (true, _) => Event::WriteFailed,
        (false, true) => Event::ReadFailed,
    };
    Some(Case {
        side,
        component,
        condition,
        event,
    })
}

/// Whether every block of a component is on another side, too, on a component that is in service
/// and there.
fn has_source(sides: &Sides<'_>, case: &Case<'_>, sectors: u64) -> bool {
    let is_source = |side: u32| {
        move |c: u32| sides.condition(side, c).is_some_and(is_okay) && !sides.is_gone(side, c)
    };
    let sources = [0u32, 1, 2, 3].map(is_source);
    let others = (0..sides.count())
        .zip(&sources)
        .filter(|(side, _)| *side != case.side)
        .map(|(side, is_source)| Side {
            rows: sides.rows(side),
            is_source,
        });
    has_other_source(sides.rows(case.side), case.component, sectors, others)
}

/// Tells the administrator, with the next command to type.
fn report(sides: &Sides<'_>, case: &Case<'_>, after: State) {
    let Some((unit, path)) = sides.names(case.side, case.component) else {
        return;
    };
    match after {
        State::Erred => pr_warn!(
            "{unit}: {path} needs maintenance: it is out of service, and the other side has its \
             data; 'metastat {unit}' says how to replace it\n"
        ),
        State::LastErred => pr_err!(
            "{unit}: {path} last erred: it fails, but holds the last copy of its data, and stays \
             in service; 'metastat {unit}' says what to replace first\n"
        ),
        State::Okay => {}
    }
}
