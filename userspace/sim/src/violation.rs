// SPDX-License-Identifier: GPL-2.0
//! What a checker reports.

use std::fmt;

/// A promise that was broken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// The checker, with the clause of `DURABILITY.md`.
    pub rule: &'static str,
    /// What it saw.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.seen)
    }
}

/// A violation if `holds` is false.
pub(crate) fn demand(
    holds: bool,
    rule: &'static str,
    seen: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds {
        Ok(())
    } else {
        Err(Violation { rule, seen: seen() })
    }
}
