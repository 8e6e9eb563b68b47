// SPDX-License-Identifier: GPL-2.0
//! Mirrors that are resynced when their set is started: however they end, stand still, are paused
//! and resumed, none works while one with a lower pass could; and each comes to its turn.

use md_model::mirror::passes::{
    first_pass,
    is_turn,
    step,
    Event,
    Hold,
    Mirror, //
};
use proptest::{
    collection::vec,
    prelude::*, //
};

use crate::seeded::for_all;

/// What happens to one of the mirrors.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// It has everything, or cannot go on.
    Ends,
    Paused,
    Resumed,
}

fn history() -> impl Strategy<Value = Vec<(usize, Happens)>> {
    let happens = prop_oneof![
        3 => Just(Happens::Ends),
        1 => Just(Happens::Paused),
        1 => Just(Happens::Resumed)
    ];
    vec((0..8_usize, happens), 0..40)
}

/// Gives everybody his turn whose turn it is.
fn give_turns(mirrors: &mut [Mirror]) {
    let first = first_pass(mirrors.iter().copied());
    for mirror in mirrors {
        if is_turn(mirror.hold, mirror.pass, first) {
            mirror.hold = step(mirror.hold, Event::Turn);
        }
    }
}

/// Whether somebody works.
fn works(mirror: &Mirror) -> bool {
    mirror.is_busy && mirror.hold == Hold::None
}

#[test]
fn lower_passes_come_first_and_everybody_has_his_turn() {
    for_all((vec(0..10_u8, 1..8), history()), |(passes, history)| {
        let mut mirrors: Vec<_> = passes
            .iter()
            .map(|pass| Mirror {
                pass: *pass,
                hold: step(Hold::None, Event::Started(*pass)),
                is_busy: true,
            })
            .collect();
        // Those that the administrator has told to go on, before their turn.
        let mut asked = vec![false; mirrors.len()];
        give_turns(&mut mirrors);
        for (index, happens) in history {
            let index = index % mirrors.len();
            let mirror = &mut mirrors[index];
            match happens {
                Happens::Ends if works(mirror) => mirror.is_busy = false,
                Happens::Ends => {}
                Happens::Paused => mirror.hold = step(mirror.hold, Event::Pause),
                Happens::Resumed => {
                    mirror.hold = step(mirror.hold, Event::Resume);
                    asked[index] = true;
                }
            }
            give_turns(&mut mirrors);
            for waiting in mirrors.iter().filter(|mirror| mirror.hold == Hold::Waits) {
                let before = mirrors
                    .iter()
                    .find(|other| works(other) && (1..waiting.pass).contains(&other.pass));
                prop_assert!(before.is_some(), "{:?} waits for nobody", waiting);
            }
            // Who was let in stays, whoever else is resumed afterwards.
            prop_assert!(mirrors
                .iter()
                .all(|mirror| mirror.pass != 0 || mirror.hold != Hold::Waits));
        }
        // The rest goes on by itself, but for what the administrator holds.
        for _ in 0..mirrors.len() {
            mirrors
                .iter_mut()
                .filter(|mirror| works(mirror))
                .for_each(|m| m.is_busy = false);
            give_turns(&mut mirrors);
        }
        for (mirror, asked) in mirrors.iter().zip(&asked) {
            let is_held = matches!(mirror.hold, Hold::Paused | Hold::LeftOut);
            prop_assert!(!mirror.is_busy || is_held, "{:?}", mirror);
            prop_assert!(!*asked || mirror.hold != Hold::LeftOut);
        }
        Ok(())
    });
}

/// Without the administrator nobody is let in while one before him has something to do.
#[test]
fn at_the_start_of_a_set_no_pass_overtakes_another() {
    for_all(vec(0..10_u8, 1..12), |passes| {
        let mut mirrors: Vec<_> = passes
            .iter()
            .map(|pass| Mirror {
                pass: *pass,
                hold: step(Hold::None, Event::Started(*pass)),
                is_busy: true,
            })
            .collect();
        for _ in 0..mirrors.len() {
            give_turns(&mut mirrors);
            let working: Vec<_> = mirrors.iter().filter(|mirror| works(mirror)).collect();
            let first = mirrors
                .iter()
                .filter(|mirror| mirror.is_busy && mirror.pass > 0);
            let first = first.map(|mirror| mirror.pass).min();
            prop_assert!(working.iter().all(|mirror| Some(mirror.pass) == first));
            prop_assert_eq!(first.is_none(), working.is_empty());
            // One of them ends.
            if let Some(mirror) = mirrors.iter_mut().find(|mirror| works(mirror)) {
                mirror.is_busy = false;
            }
        }
        prop_assert!(mirrors
            .iter()
            .all(|mirror| !mirror.is_busy || mirror.pass == 0));
        Ok(())
    });
}
