// SPDX-License-Identifier: GPL-2.0
//! RAID5 under power cuts (`DURABILITY.md` clauses 15 to 17): the power is cut after every step,
//! and after each cut every single column is lost. With anything taken away that the argument in
//! `docs/raid5.md` rests on, a violation is found.

use std::{
    collections::hash_map::RandomState,
    env,
    hash::BuildHasher, //
};

use md_sim::{
    run_raid,
    RaidRules,
    RaidSeen, //
};

/// The seed that decides everything random (`DURABILITY.md` clause 26).
fn seed() -> u64 {
    let seed = match env::var("SEED") {
        Ok(text) => text.parse().expect("SEED is a decimal number of 64 bits"),
        Err(_) => RandomState::new().hash_one("seed"),
    };
    println!("SEED={seed}");
    seed
}

/// Seeds of so many worlds.
fn worlds(count: u64) -> impl Iterator<Item = u64> {
    let first = seed();
    (0..count).map(move |number| first.wrapping_add(number))
}

#[test]
fn no_sector_changes_that_nobody_writes() {
    let mut total = RaidSeen::default();
    for seed in worlds(1500) {
        let seen = run_raid(seed, RaidRules::ALL, 8, None).unwrap_or_else(|why| panic!("{why}"));
        total.cuts += seen.cuts;
        total.losses += seen.losses;
        total.redone += seen.redone;
        total.left += seen.left;
        total.degraded += seen.degraded;
        total.making += seen.making;
        total.replays_cut += seen.replays_cut;
    }
    println!("{total:?}");
    let all = [
        total.losses,
        total.redone,
        total.left,
        total.degraded,
        total.making,
        total.replays_cut,
    ];
    assert!(all.iter().all(|count| *count >= 100), "{total:?}");
}

#[test]
fn nor_does_one_wherever_the_power_is_cut() {
    for seed in worlds(20) {
        for cut_at in 1..150 {
            run_raid(seed, RaidRules::ALL, 2, Some(cut_at)).unwrap_or_else(|why| panic!("{why}"));
        }
    }
}

/// All rules but one, and its name.
fn rules_but_one() -> [(&'static str, RaidRules); 10] {
    let all = RaidRules::ALL;
    [
        ("log", RaidRules { log: false, ..all }),
        (
            "log_is_durable",
            RaidRules {
                log_is_durable: false,
                ..all
            },
        ),
        (
            "flush_before_reuse",
            RaidRules {
                flush_before_reuse: false,
                ..all
            },
        ),
        (
            "flush_after_replay",
            RaidRules {
                flush_after_replay: false,
                ..all
            },
        ),
        (
            "checkpoint",
            RaidRules {
                checkpoint: false,
                ..all
            },
        ),
        (
            "checkpoint_is_durable",
            RaidRules {
                checkpoint_is_durable: false,
                ..all
            },
        ),
        (
            "whole_batches_only",
            RaidRules {
                whole_batches_only: false,
                ..all
            },
        ),
        (
            "flush_before_replacement",
            RaidRules {
                flush_before_replacement: false,
                ..all
            },
        ),
        (
            "flush_before_cursor",
            RaidRules {
                flush_before_cursor: false,
                ..all
            },
        ),
        (
            "no_modify_ahead_of_build",
            RaidRules {
                no_modify_ahead_of_build: false,
                ..all
            },
        ),
    ]
}

/// Without one of the rules a violation is found.
#[test]
fn each_rule_is_needed() {
    let first = seed();
    for (name, rules) in rules_but_one() {
        let seeds = (0..20_000).map(|number| first.wrapping_add(number));
        let mut found = seeds.filter_map(|seed| run_raid(seed, rules, 8, None).err());
        let why = found.next();
        println!("without {name}: {why:?}");
        assert!(why.is_some(), "nothing is found without {name}");
    }
}
