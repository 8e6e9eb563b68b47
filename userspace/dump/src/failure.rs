// SPDX-License-Identifier: GPL-2.0
//! Why the command ends without a dump.

use crate::Exit;
use std::fmt;

/// What a dump that was not made has to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// What it is about: a device, a file, an option.
    pub what: String,
    /// What is wrong with it. Reads on from `what`.
    pub reason: String,
    /// What to type next.
    pub next: String,
    /// How the command ends.
    pub exit: Exit,
}

impl Failure {
    /// One before anything was begun.
    pub fn new(what: &str, reason: &str, next: &str) -> Self {
        Failure {
            what: what.to_string(),
            reason: reason.to_string(),
            next: next.to_string(),
            exit: Exit::NotBegun,
        }
    }

    /// The same of a dump that was begun.
    pub fn aborted(self) -> Self {
        Failure {
            exit: Exit::Aborted,
            ..self
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.what.is_empty() {
            f.write_str(&self.reason)
        } else {
            write!(f, "{}: {}", self.what, self.reason)
        }
    }
}
