// SPDX-License-Identifier: GPL-2.0
//! What stands on a command line, in SVM's syntax.
//!
//! clap reads the options that come first; what follows a metadevice's name has a grammar of its
//! own, which `metainit` and md.tab share. Reading and printing stand side by side in one file
//! each, so that what `metastat -p` prints is what `metainit` reads.

pub mod md_tab;
pub mod mirror;
pub mod name;
pub mod pace;
pub mod pool;
pub mod raid;
pub mod replicas;
pub mod rows;
pub mod shell;
pub mod size;
pub mod soft;
pub mod spec;
mod uuid;
mod words;

pub use uuid::uuid;

/// A word that is not what the grammar wants in its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SyntaxError {
    /// Which word, counted from 0. One past the last word if something is missing there.
    pub word: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl SyntaxError {
    /// An error at a word.
    pub fn at(word: usize, reason: impl Into<String>) -> Self {
        SyntaxError {
            word,
            reason: reason.into(),
        }
    }

    /// The words in a line, and below it a line that points at the wrong one.
    pub fn pointer(&self, words: &[String]) -> String {
        let before: usize = words
            .iter()
            .take(self.word)
            .map(|word| word.chars().count() + 1)
            .sum();
        let length = words
            .get(self.word)
            .map_or(1, |word| word.chars().count().max(1));
        format!(
            "{}\n{}{}",
            words.join(" "),
            " ".repeat(before),
            "^".repeat(length)
        )
    }
}
