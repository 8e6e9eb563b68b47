// SPDX-License-Identifier: GPL-2.0
//! The words of a line one after the other, and what all kinds of metadevices begin with.

use super::{
    name::MetadeviceName,
    SyntaxError, //
};

/// The words of a line, and which of them comes next.
pub(super) struct Words<'a> {
    /// All words.
    pub(super) words: &'a [String],
    /// Number of the word that comes next.
    pub(super) next: usize,
}

impl<'a> Words<'a> {
    /// A line before its first word is read.
    pub(super) fn new(words: &'a [String]) -> Self {
        Words { words, next: 0 }
    }

    /// The next word, if there is one.
    pub(super) fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).map(String::as_str)
    }

    /// Reads a word, if it comes next.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.next += usize::from(found);
        found
    }

    /// An error at the next word, which the reason starts with.
    pub(super) fn wrong(&self, reason: &str) -> SyntaxError {
        let word = self.peek().unwrap_or_default();
        SyntaxError::at(self.next, format!("\"{word}\" {reason}"))
    }

    /// An error behind the last word.
    pub(super) fn missing(&self, what: &str) -> SyntaxError {
        SyntaxError::at(self.next, format!("{what} is missing"))
    }

    /// Reads the name.
    pub(super) fn name(&mut self) -> Result<MetadeviceName, SyntaxError> {
        let word = self
            .peek()
            .ok_or_else(|| self.missing("the metadevice's name"))?;
        if let Some(other) = other_object(word) {
            return Err(self.wrong(&format!("names {other}")));
        }
        let name = word.parse().map_err(|reason: String| self.wrong(&reason))?;
        self.next += 1;
        Ok(name)
    }
}

/// What SVM makes under such a name, if it is no metadevice.
fn other_object(name: &str) -> Option<&'static str> {
    let numbered = |prefix| {
        name.strip_prefix(prefix)
            .is_some_and(|rest: &str| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    if numbered("mddb") {
        Some("replicas of the state database, which metadb makes")
    } else if name.contains("/d") && !name.starts_with('/') && !name.starts_with("md/") {
        Some("a metadevice of a disk set, which this version does not have")
    } else {
        None
    }
}
