// SPDX-License-Identifier: GPL-2.0
//! A limit with exceptions that may only shrink.
//!
//! What is over the limit needs an entry that gives its exact size. What grows is refused, and
//! what shrinks must lower its entry, or lose it, so that the ground gained is kept.

use std::collections::BTreeMap;

use crate::finding::Finding;

/// Something measured.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// File it is in.
    pub(crate) path: String,
    /// Line it starts in.
    pub(crate) line: usize,
    /// Name that exceptions use for it.
    pub(crate) key: String,
    /// Its size.
    pub(crate) size: usize,
}

/// A limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratchet {
    /// Largest size without an exception.
    pub(crate) limit: usize,
    /// Names and sizes of what may be larger.
    pub(crate) exceptions: &'static [(&'static str, usize)],
    /// File that the exceptions are in.
    pub(crate) home: &'static str,
    /// What to do about something that is too large.
    pub(crate) fix: &'static str,
}

impl Ratchet {
    /// Holds sizes against the limit and its exceptions.
    pub(crate) fn check(&self, measured: Vec<Measured>) -> Vec<Finding> {
        let mut unused: BTreeMap<_, _> = self.exceptions.iter().copied().collect();
        let mut findings = Vec::new();
        for Measured {
            path,
            line,
            key,
            size,
        } in measured
        {
            let allowed = unused.remove(key.as_str());
            if size > allowed.unwrap_or(0).max(self.limit) {
                let most = allowed.unwrap_or(self.limit);
                let what = format!("{key} has {size} lines, {most} are allowed");
                findings.push(Finding::new(&path, line, what, self.fix));
            } else if let Some(allowed) = allowed.filter(|allowed| *allowed != size) {
                let what = format!("{key} has {size} lines, its exception says {allowed}");
                let fix = "lower the exception, or remove it if it is no longer needed";
                findings.push(Finding::new(self.home, 1, what, fix));
            }
        }
        for key in unused.keys() {
            let what = format!("the exception for {key} is for nothing");
            findings.push(Finding::new(self.home, 1, what, "remove it"));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sizes: &[(&str, usize)]) -> Vec<String> {
        let ratchet = Ratchet {
            limit: 70,
            exceptions: &[("old", 90)],
            home: "home.rs",
            fix: "split it",
        };
        let measured = sizes.iter().map(|(key, size)| Measured {
            path: "a.rs".to_owned(),
            line: 3,
            key: (*key).to_owned(),
            size: *size,
        });
        let findings = ratchet.check(measured.collect());
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_grows_over_the_limit_or_its_exception() {
        assert!(check(&[("new", 70), ("old", 90)]).is_empty());
        let grown = check(&[("new", 71), ("old", 91)]);
        assert_eq!(
            grown,
            [
                "a.rs:3: new has 71 lines, 70 are allowed; split it",
                "a.rs:3: old has 91 lines, 90 are allowed; split it",
            ]
        );
    }

    #[test]
    fn an_exception_shrinks_with_what_it_is_for() {
        assert!(check(&[("old", 89)])[0].contains("lower the exception"));
        assert!(check(&[("old", 60)])[0].contains("lower the exception"));
        assert!(check(&[])[0].contains("is for nothing"));
    }
}
