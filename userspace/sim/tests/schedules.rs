// SPDX-License-Identifier: GPL-2.0
//! A small run of the simulator, and the proof that it can fail: with each rule switched off, some
//! schedule breaks a promise.

use md_sim::{
    run,
    run_all,
    Rules,
    Span, //
};

/// Schedules of the small run; a full one is `md-sim`.
const SMALL: u64 = 2000;

/// Schedules within which a rule that is switched off is noticed.
const ENOUGH: u64 = 3000;

#[test]
fn no_schedule_breaks_a_promise() {
    let total = run_all(small(), Rules::ALL, 2);
    if let Some(failure) = total.failures.first() {
        let seed = failure.seed;
        panic!(
            "{}\nreplay: md-sim --schedules 1 --seed {seed}",
            failure.violation
        );
    }
    assert!(total.average() >= 200, "{} steps", total.average());
    println!("{}", total.coverage);
    let never: Vec<_> = total
        .coverage
        .rare()
        .into_iter()
        .filter(|(_, hits)| *hits == 0)
        .collect();
    assert!(never.is_empty(), "never hit: {never:?}");
}

fn small() -> Span {
    Span {
        seed: 0,
        schedules: SMALL,
        failures: 1,
    }
}

/// The number of threads decides nothing, also about which failure is told of.
#[test]
fn threads_change_nothing() {
    for (rule, schedules) in [(None, 60), (Some("claim"), SMALL)] {
        let rules = rule.map_or(Rules::ALL, |rule| Rules::without(rule).expect("a rule"));
        let span = Span {
            schedules,
            ..small()
        };
        let (one, three) = (run_all(span, rules, 1), run_all(span, rules, 3));
        let seeds = |total: &md_sim::Total| -> Vec<_> {
            let failures = total.failures.iter();
            failures.map(|failure| failure.seed).collect()
        };
        assert_eq!(seeds(&one), seeds(&three));
        assert_eq!(seeds(&one).len(), usize::from(rule.is_some()));
        if rule.is_none() {
            assert_eq!(one.coverage.to_string(), three.coverage.to_string());
        }
    }
}

/// One seed, one schedule.
#[test]
fn a_seed_replays_its_schedule() {
    for seed in 0..20 {
        let (first, second) = (run(seed, Rules::ALL), run(seed, Rules::ALL));
        assert_eq!(first.steps, second.steps);
        assert_eq!(first.coverage.to_string(), second.coverage.to_string());
    }
}

/// Runs schedules without a rule until one breaks a promise.
fn is_noticed(rule: &str) {
    let rules = Rules::without(rule).expect("a rule");
    let found = (0..ENOUGH).find_map(|seed| Some((seed, run(seed, rules).violation?)));
    let (seed, violation) = found.unwrap_or_else(|| panic!("nobody misses {rule}"));
    println!("without {rule}, seed {seed}: {violation}");
}

/// `DURABILITY.md` clause 3.
#[test]
fn a_load_without_a_claim_is_noticed() {
    is_noticed("claim");
}

/// Clause 2.
#[test]
fn a_tie_breaker_that_is_written_too_early_is_noticed() {
    is_noticed("tie-order");
}

/// Clause 7.
#[test]
fn a_root_without_a_flush_is_noticed() {
    is_noticed("flush");
}

/// Clause 2.
#[test]
fn a_start_with_half_is_noticed() {
    is_noticed("half");
}

/// Clause 4.
#[test]
fn a_second_write_to_a_replica_that_hangs_is_noticed() {
    is_noticed("one-in-flight");
}

/// Clause 4.
#[test]
fn a_slot_of_the_live_commit_that_is_used_again_is_noticed() {
    is_noticed("slots");
}

/// Clause 2.
#[test]
fn an_answer_before_the_quorum_is_noticed() {
    is_noticed("quorum");
}

/// Clause 5.
#[test]
fn an_answer_before_the_erred_side_is_recorded_is_noticed() {
    is_noticed("record-first");
}

/// Clause 9.
#[test]
fn a_flush_of_one_side_only_is_noticed() {
    is_noticed("flush-all-sides");
}

/// Clause 10.
#[test]
fn writes_that_overlap_at_once_are_noticed() {
    is_noticed("exclusion");
}

/// Clause 7.
#[test]
fn a_write_to_a_region_that_is_not_marked_is_noticed() {
    is_noticed("mark-before-write");
}

/// Clause 7.
#[test]
fn a_region_that_is_clean_without_a_flush_is_noticed() {
    is_noticed("flush-before-clean");
}

/// Clause 7.
#[test]
fn a_region_that_is_cleaned_under_a_writer_is_noticed() {
    is_noticed("claims-before-clean");
}

/// Clause 11.
#[test]
fn a_read_of_what_may_differ_that_is_not_copied_is_noticed() {
    is_noticed("copy-on-read");
}

/// Clause 11: a second power cut, together with the loss of the side that was read.
#[test]
fn a_copy_that_is_lost_after_it_was_relied_on_is_noticed() {
    is_noticed("durable-copies");
}

/// Clause 10.
#[test]
fn a_copy_beside_a_write_is_noticed() {
    is_noticed("exclude-copies");
}

/// Clause 7.
#[test]
fn a_side_that_has_caught_up_without_a_flush_is_noticed() {
    is_noticed("flush-before-caught-up");
}

/// Clause 12.
#[test]
fn a_side_that_is_not_given_what_it_missed_is_noticed() {
    is_noticed("offline-missed");
}

/// Clause 11.
#[test]
fn sides_that_a_failed_write_has_left_different_are_noticed() {
    is_noticed("failed-writes");
}

/// Clause 5.
#[test]
fn a_change_before_the_last_one_is_recorded_is_noticed() {
    is_noticed("one-change-at-a-time");
}

/// `svm.md` section 6.4.
#[test]
fn watermarks_that_are_not_flushed_in_order_are_noticed() {
    is_noticed("flush-watermarks");
}

/// `svm.md` section 6.4.
#[test]
fn a_chain_that_leads_to_what_is_not_written_yet_is_noticed() {
    is_noticed("new-places-first");
}

/// `svm.md` section 6.4.
#[test]
fn a_layout_that_is_committed_too_early_or_too_late_is_noticed() {
    is_noticed("commit-in-order");
}

/// A disk that tears the sector which it writes when the power goes.
#[test]
fn both_copies_of_a_watermark_at_once_are_noticed() {
    is_noticed("one-copy-at-a-time");
}

/// A copy that is right may be the only one.
#[test]
fn a_right_copy_of_a_watermark_that_is_written_again_is_noticed() {
    is_noticed("spare-right-copies");
}

/// `svm.md` section 6.4.
#[test]
fn a_change_that_a_start_finishes_out_of_order_is_noticed() {
    is_noticed("finish-in-order");
}

/// The record has the new place of an extent only when the watermarks lead there.
#[test]
fn a_new_place_that_is_recorded_too_early_is_noticed() {
    is_noticed("record-before-move");
}
