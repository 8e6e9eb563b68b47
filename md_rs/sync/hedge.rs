// SPDX-License-Identifier: GPL-2.0
//! Reads that take long: other sides are asked for them, if an administrator wants that. What a
//! side has lost is mended although another one has answered. The rules are
//! [`md_model::mirror::hedge`]'s.

use md_model::mirror::hedge::LOOK_MS;

use super::upkeep::{
    Kept,
    HEDGE,
    MEND, //
};
use crate::{
    engine::place::place,
    kapi::{
        clone::Side,
        errand::Errand,
        hedged::Late, //
    },
    sides::side_body, //
};

/// Carries out [`HEDGE`].
pub(super) fn run(kept: Kept<'_>, errand: &Errand<'_>) {
    let mut from = 0;
    while let Some((late, next)) = errand.late_read(from) {
        from = next;
        // Whoever has no other side goes on waiting.
        let _ = ask_another(kept, errand, &late);
    }
    while let Some(lost) = errand.lost_read() {
        kept.upkeep.places.lock().add(lost);
        errand.ask(MEND, 0);
    }
    if errand.has_hedged() {
        errand.ask(HEDGE, LOOK_MS);
    }
}

/// Asks the best side that was not asked yet. `None` if there is none that has all of the blocks.
fn ask_another(kept: Kept<'_>, errand: &Errand<'_>, late: &Late) -> Option<()> {
    // It was certain when the first side was asked; if it is not any more, that one's answer is as
    // good as any.
    if kept.map().is_uncertain(late.sector, late.count) {
        return None;
    }
    let side = kept.unit.read_side(late.sector, late.asked)?;
    let shape = side_body(kept.shape, side)?.shape();
    let (component, piece) = place(shape, late.sector, late.count)?;
    if piece.count != late.count {
        return None;
    }
    let target = piece.target_on(Some(Side {
        index: side,
        condition: &component.condition,
    }));
    errand.ask_side(late, &target, side);
    Some(())
}
