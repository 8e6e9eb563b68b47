// SPDX-License-Identifier: GPL-2.0
//! RAID5 under power cuts (`DURABILITY.md` clauses 15 to 17): the power is cut after every step,
//! and after each cut every single column is lost. With anything taken away that the argument in
//! `docs/raid5.md` rests on, a violation is found.

use std::{
    collections::hash_map::RandomState,
    env,
    hash::BuildHasher,
    thread, //
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
        total.announced += seen.announced;
        total.made_to_fit += seen.made_to_fit;
        total.lost += seen.lost;
        total.rewritten += seen.rewritten;
        total.failed_flushes += seen.failed_flushes;
        total.unrecorded += seen.unrecorded;
        total.older += seen.older;
        total.stale += seen.stale;
    }
    println!("{total:?}");
    let all = [
        total.losses,
        total.redone,
        total.left,
        total.degraded,
        total.making,
        total.replays_cut,
        total.announced,
        total.made_to_fit,
        total.lost,
        total.rewritten,
        total.failed_flushes,
        total.unrecorded,
        total.older,
        total.stale,
    ];
    assert!(all.iter().all(|count| *count >= 100), "{total:?}");
}

/// Worlds in which something was found once: a column that was made fails at the next flush, and
/// the newest page is of a batch between.
const FOUND_ONCE: &[u64] = &[16372042200493077464];

#[test]
fn nor_does_one_where_it_once_did() {
    for seed in FOUND_ONCE {
        run_raid(*seed, RaidRules::ALL, 8, None).unwrap_or_else(|why| panic!("{why}"));
    }
}

#[test]
fn nor_does_one_wherever_the_power_is_cut() {
    for seed in worlds(20) {
        for cut_at in 1..150 {
            run_raid(seed, RaidRules::ALL, 2, Some(cut_at)).unwrap_or_else(|why| panic!("{why}"));
        }
    }
}

/// Without the logs a column that is lost with the power may be needed: that is noticed. Else
/// nothing changes either.
#[test]
fn nor_does_one_without_a_log_unless_it_is_refused() {
    let mut total = RaidSeen::default();
    for seed in worlds(1500) {
        let seen = run_raid(seed, RaidRules::UNLOGGED, 8, None);
        let seen = seen.unwrap_or_else(|why| panic!("{why}"));
        total.cuts += seen.cuts;
        total.losses += seen.losses;
        total.degraded += seen.degraded;
        total.making += seen.making;
        total.replays_cut += seen.replays_cut;
        total.failed_flushes += seen.failed_flushes;
        total.unrecorded += seen.unrecorded;
        total.older += seen.older;
        total.refused += seen.refused;
        total.made_again += seen.made_again;
        assert_eq!((seen.announced, seen.lost), (0, 0), "{seen:?}");
    }
    println!("{total:?}");
    let all = [
        total.losses,
        total.degraded,
        total.making,
        total.replays_cut,
        total.failed_flushes,
        total.unrecorded,
        total.older,
        total.refused,
        total.made_again,
    ];
    assert!(all.iter().all(|count| *count >= 100), "{total:?}");
    for seed in worlds(20) {
        for cut_at in 1..100 {
            let ran = run_raid(seed, RaidRules::UNLOGGED, 2, Some(cut_at));
            ran.unwrap_or_else(|why| panic!("{why}"));
        }
    }
}

/// Takes a rule away.
type Change = fn(&mut RaidRules);

/// Each rule, by its name.
const RULES: [(&str, Change); 27] = [
    ("log", |rules| rules.log = false),
    ("log_is_durable", |rules| rules.log_is_durable = false),
    ("flush_before_reuse", |rules| {
        rules.flush_before_reuse = false
    }),
    ("flush_after_replay", |rules| {
        rules.flush_after_replay = false
    }),
    ("checkpoint", |rules| rules.checkpoint = false),
    ("checkpoint_is_durable", |rules| {
        rules.checkpoint_is_durable = false
    }),
    ("whole_batches_only", |rules| {
        rules.whole_batches_only = false
    }),
    ("flush_before_replacement", |rules| {
        rules.flush_before_replacement = false
    }),
    ("checkpoint_before_replacement", |rules| {
        rules.checkpoint_before_replacement = false
    }),
    ("flush_before_cursor", |rules| {
        rules.flush_before_cursor = false
    }),
    ("no_modify_ahead_of_build", |rules| {
        rules.no_modify_ahead_of_build = false
    }),
    ("prepared_for_columns", |rules| {
        rules.prepared_for_columns = false
    }),
    ("announced_when_made", |rules| {
        rules.announced_when_made = false
    }),
    ("durable_is_logged", |rules| rules.durable_is_logged = false),
    ("announced_apart", |rules| rules.announced_apart = false),
    ("announced_made_to_fit", |rules| {
        rules.announced_made_to_fit = false
    }),
    ("lost_is_listed", |rules| rules.lost_is_listed = false),
    ("list_is_durable", |rules| rules.list_is_durable = false),
    ("list_before_flush", |rules| rules.list_before_flush = false),
    ("list_is_spread", |rules| rules.list_is_spread = false),
    ("copy_only_what_is_not_written", |rules| {
        rules.copy_only_what_is_not_written = false
    }),
    ("zeroes_before_attachment", |rules| {
        rules.zeroes_before_attachment = false
    }),
    ("repair_through_the_logs", |rules| {
        rules.repair_through_the_logs = false
    }),
    ("missing_is_told", |rules| rules.missing_is_told = false),
    ("attached_are_told", |rules| rules.attached_are_told = false),
    ("unrecorded_flush_fails", |rules| {
        rules.unrecorded_flush_fails = false
    }),
    ("stale_is_left_out", |rules| rules.stale_is_left_out = false),
];

/// Those where writes are in no log.
const UNLOGGED_RULES: [(&str, Change); 7] = [
    ("open_is_told", |rules| rules.open_is_told = false),
    ("open_is_durable", |rules| rules.open_is_durable = false),
    ("flush_before_close", |rules| {
        rules.flush_before_close = false
    }),
    ("parity_made_when_open", |rules| {
        rules.parity_made_when_open = false
    }),
    ("recorded_before_close", |rules| {
        rules.recorded_before_close = false
    }),
    ("refused_when_open", |rules| rules.refused_when_open = false),
    ("older_is_open", |rules| rules.older_is_open = false),
];

/// Without one of the rules a violation is found.
#[test]
fn each_rule_is_needed() {
    let first = seed();
    thread::scope(|scope| {
        for (rules, all) in [
            (RaidRules::ALL, &RULES[..]),
            (RaidRules::UNLOGGED, &UNLOGGED_RULES[..]),
        ] {
            for (name, take_away) in all {
                scope.spawn(move || expect_violation(first, rules, name, *take_away));
            }
        }
    });
}

fn expect_violation(first: u64, mut rules: RaidRules, name: &str, take_away: Change) {
    take_away(&mut rules);
    let seeds = (0..60_000).map(|number| first.wrapping_add(number));
    let mut found = seeds.filter_map(|seed| run_raid(seed, rules, 8, None).err());
    let why = found.next();
    println!("without {name}: {why:?}");
    assert!(why.is_some(), "nothing is found without {name}");
}
