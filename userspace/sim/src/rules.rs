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
            _ => return None,
        };
        *rule = false;
        Some(rules)
    }
}
