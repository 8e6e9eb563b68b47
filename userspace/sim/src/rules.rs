// SPDX-License-Identifier: GPL-2.0
//! Rules that the kernel's side has to follow. Each can be switched off, to show that the checkers
//! notice.

/// Which rules are followed.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// A load writes its claim, and looks at the claims of others.
    pub claim: bool,
    /// The tie-breaker is written when the machine says so, not before.
    pub tie_order: bool,
    /// Pages are flushed before the root.
    pub flush: bool,
    /// Half of the voters do not start without an agreeing tie-breaker.
    pub half: bool,
    /// A replica with a write in flight gets no other, even if that takes long.
    pub one_in_flight: bool,
    /// The live commit's slots are not used for the next one.
    pub slots: bool,
    /// Callers are told when the commit counts, not when it begins.
    pub quorum: bool,
    /// A mirror tells its caller only when the erred side is recorded.
    pub record_first: bool,
    /// A mirror's flush goes to every side.
    pub flush_all_sides: bool,
    /// Overlapping writes of a mirror go one after the other.
    pub exclusion: bool,
    /// A region of a mirror is recorded to be dirty before it is written to.
    pub mark_before_write: bool,
    /// All sides are flushed before a region is recorded to be clean.
    pub flush_before_clean: bool,
    /// Who cleans a region looks whether somebody is writing there.
    pub claims_before_clean: bool,
    /// Where the sides may differ, a read is copied to all of them first.
    pub copy_on_read: bool,
    /// What is copied where the sides may differ is beyond the cache before a read relies on it.
    pub durable_copies: bool,
    /// Copies exclude writes of the same blocks.
    pub exclude_copies: bool,
    /// A side is flushed before what it lacked is forgotten.
    pub flush_before_caught_up: bool,
    /// A side that is offline is given what it has missed.
    pub offline_missed: bool,
    /// Where a write has failed, the sides may differ.
    pub failed_writes: bool,
    /// A change of a mirror is recorded before the administrator makes the next one.
    pub one_change_at_a_time: bool,
    /// Watermarks are flushed before those that lead to them, or rely on them.
    pub flush_watermarks: bool,
    /// Watermarks to which no chain leads yet are written before those that it leads to.
    pub new_places_first: bool,
    /// The first extent of a soft partition is written last when it grows, and first when it
    /// shrinks.
    pub commit_in_order: bool,
    /// A watermark to which the chain leads is written one copy after the other.
    pub one_copy_at_a_time: bool,
    /// A copy of a watermark that is right is not written again.
    pub spare_right_copies: bool,
    /// The place that an extent had is given up when it is recorded that it has another one.
    pub record_before_move: bool,
    /// A start that brings a change to its end does it in the order of the change.
    pub finish_in_order: bool,
}

impl Rules {
    /// All of them.
    pub const ALL: Self = Self {
        claim: true,
        tie_order: true,
        flush: true,
        half: true,
        one_in_flight: true,
        slots: true,
        quorum: true,
        record_first: true,
        flush_all_sides: true,
        exclusion: true,
        mark_before_write: true,
        flush_before_clean: true,
        claims_before_clean: true,
        copy_on_read: true,
        durable_copies: true,
        exclude_copies: true,
        flush_before_caught_up: true,
        offline_missed: true,
        failed_writes: true,
        one_change_at_a_time: true,
        flush_watermarks: true,
        new_places_first: true,
        commit_in_order: true,
        one_copy_at_a_time: true,
        spare_right_copies: true,
        record_before_move: true,
        finish_in_order: true,
    };

    /// All but the one with this name; `None` if there is no such rule.
    pub fn without(name: &str) -> Option<Self> {
        let mut rules = Self::ALL;
        let rule = match name {
            "claim" => &mut rules.claim,
            "tie-order" => &mut rules.tie_order,
            "flush" => &mut rules.flush,
            "half" => &mut rules.half,
            "one-in-flight" => &mut rules.one_in_flight,
            "slots" => &mut rules.slots,
            "quorum" => &mut rules.quorum,
            "record-first" => &mut rules.record_first,
            "flush-all-sides" => &mut rules.flush_all_sides,
            "exclusion" => &mut rules.exclusion,
            "mark-before-write" => &mut rules.mark_before_write,
            "flush-before-clean" => &mut rules.flush_before_clean,
            "claims-before-clean" => &mut rules.claims_before_clean,
            "copy-on-read" => &mut rules.copy_on_read,
            "durable-copies" => &mut rules.durable_copies,
            "exclude-copies" => &mut rules.exclude_copies,
            "flush-before-caught-up" => &mut rules.flush_before_caught_up,
            "offline-missed" => &mut rules.offline_missed,
            "failed-writes" => &mut rules.failed_writes,
            "one-change-at-a-time" => &mut rules.one_change_at_a_time,
            "flush-watermarks" => &mut rules.flush_watermarks,
            "new-places-first" => &mut rules.new_places_first,
            "commit-in-order" => &mut rules.commit_in_order,
            "one-copy-at-a-time" => &mut rules.one_copy_at_a_time,
            "spare-right-copies" => &mut rules.spare_right_copies,
            "record-before-move" => &mut rules.record_before_move,
            "finish-in-order" => &mut rules.finish_in_order,
            _ => return None,
        };
        *rule = false;
        Some(rules)
    }
}
