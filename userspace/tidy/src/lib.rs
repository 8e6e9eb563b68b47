// SPDX-License-Identifier: GPL-2.0
//! The rules of this repository that a program can check (`cargo test -p md-tidy`).
//!
//! Whatever is not in [`RULES`] is advice. A rule is a function from the [`Tree`] to its
//! [`Finding`]s, in a file of its own under `rules/`, together with a test on a sample that breaks
//! it: a rule that cannot fail is worth nothing. Limits that old code exceeds are ratchets
//! (`ratchet.rs`): the list of exceptions may only shrink.

mod finding;
mod header;
mod ratchet;
mod syntax;
mod tree;

/// One rule per file.
mod rules {
    pub(crate) mod ascii;
    pub(crate) mod blanks;
    pub(crate) mod dead_rust;
    pub(crate) mod dead_scripts;
    pub(crate) mod file_size;
    pub(crate) mod forbid_unsafe;
    pub(crate) mod function_length;
    pub(crate) mod hosts;
    pub(crate) mod imports;
    pub(crate) mod indexing;
    pub(crate) mod leftovers;
    pub(crate) mod line_length;
    pub(crate) mod links;
    pub(crate) mod model_purity;
    pub(crate) mod names;
    pub(crate) mod panics;
    pub(crate) mod parses;
    pub(crate) mod sabotage;
    pub(crate) mod safety_comments;
    pub(crate) mod scenarios;
    pub(crate) mod spdx;
    pub(crate) mod unsafe_places;
}

pub use self::{
    finding::Finding,
    tree::Tree, //
};

/// A rule: its name, and what finds the places that break it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Name, as messages show it.
    pub name: &'static str,
    /// Looks through the tree.
    pub check: fn(&Tree) -> Vec<Finding>,
}

/// A rule named like its module.
macro_rules! rule {
    ($name:ident) => {
        Rule {
            name: stringify!($name),
            check: rules::$name::check,
        }
    };
}

/// Every rule.
pub const RULES: &[Rule] = &[
    rule!(ascii),
    rule!(blanks),
    rule!(dead_rust),
    rule!(dead_scripts),
    rule!(file_size),
    rule!(forbid_unsafe),
    rule!(function_length),
    rule!(hosts),
    rule!(imports),
    rule!(indexing),
    rule!(leftovers),
    rule!(line_length),
    rule!(links),
    rule!(model_purity),
    rule!(names),
    rule!(panics),
    rule!(parses),
    rule!(sabotage),
    rule!(safety_comments),
    rule!(scenarios),
    rule!(spdx),
    rule!(unsafe_places),
];
