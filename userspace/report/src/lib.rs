// SPDX-License-Identifier: GPL-2.0
//! What the tool promises to scripts: its JSON documents and its exit statuses.
//!
//! With `--json` every command writes exactly one [`Document`] to standard output, also when it
//! fails, and nothing to standard error. The fields that a document has depend on the command;
//! the rules for reading one are:
//! 1. Look at the exit status first. It is 0 if and only if there is no `error`.
//! 2. A field may be added within a version; none changes its meaning or goes away.
//! 3. Sizes and positions are in bytes, and their names carry no unit.

use serde::Serialize;
use std::process;

/// Version of the documents. A reader refuses one that it does not know.
pub const DOCUMENT_VERSION: u32 = 1;

/// How a command ended, as its caller's shell sees it.
///
/// Usage errors are errors like all others. 66 is kept for a stale state database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExitStatus {
    /// All that was asked for is done.
    Done,
    /// Something was refused or failed; the message says what.
    Error,
}

impl ExitStatus {
    /// The number that the shell sees in `$?`.
    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Done => 0,
            ExitStatus::Error => 1,
        }
    }
}

impl From<ExitStatus> for process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        process::ExitCode::from(status.code())
    }
}

/// The answer of one command.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Document {
    /// [`DOCUMENT_VERSION`].
    pub version: u32,
    /// `metastat`: the metadevices asked for, each followed by those that are its components.
    /// `metainit`: those that were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadevices: Option<Vec<Metadevice>>,
    /// `metainit -n`: names of the metadevices that could be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Vec<String>>,
    /// `metaclear`: names of the metadevices that are gone, also those before an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Vec<String>>,
    /// `mdctl version`: the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Release>,
    /// `mdctl version`: the loaded module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<Release>,
    /// `metainit -a`: why some metadevices could not be made, one error for each. There is an
    /// `error` as well, which says how many they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Vec<Error>>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

impl Default for Document {
    /// A document of this version that says nothing yet.
    fn default() -> Self {
        Document {
            version: DOCUMENT_VERSION,
            metadevices: None,
            checked: None,
            cleared: None,
            tool: None,
            module: None,
            failed: None,
            error: None,
        }
    }
}

/// A metadevice.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Metadevice {
    /// Its name, such as `d10`.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// Its state: the worst of its components'.
    pub state: State,
    /// Name of the metadevice that this one is a component of. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The rows of a stripe or concat, in order.
    pub rows: Vec<Row>,
}

/// Kinds of metadevices.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// No row has more than one component.
    Concat,
    /// At least one row has more than one component.
    Stripe,
}

/// States of metadevices and components, in SVM's words.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum State {
    /// In service.
    Okay,
    /// The device, or one that the metadevice needs, was removed from the machine.
    Unavailable,
}

impl State {
    /// The state as text has it, the same word as in the documents.
    pub fn word(self) -> &'static str {
        match self {
            State::Okay => "Okay",
            State::Unavailable => "Unavailable",
        }
    }
}

/// A row of a stripe or concat.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Row {
    /// Bytes on one component before it is the next one's turn; of no effect in a row of one.
    pub interlace: u64,
    /// The components, in order.
    pub components: Vec<Component>,
}

/// A component of a row.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Component {
    /// Path of the device, as it was given when the metadevice was made. It may be that of
    /// another metadevice.
    pub device: String,
    /// Where the metadevice's data begins on the device, in bytes.
    pub start: u64,
    /// Bytes of the device that hold data of the metadevice.
    pub size: u64,
    /// Its state.
    pub state: State,
    /// Reads that failed since the metadevice was made or loaded.
    pub read_errors: u64,
    /// Writes and flushes that failed, likewise.
    pub write_errors: u64,
    /// When its state last changed or an error last occurred, in UTC as RFC 3339 has it, such as
    /// `2026-03-01T12:34:56Z`. Null if never.
    pub event: Option<String>,
}

/// Release of a part of the product.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Release {
    /// The release, such as `0.1.0`.
    pub release: String,
    /// Version of the interface on `/dev/md/admin`; tool and module must have the same.
    pub abi: u32,
}

/// Why a command failed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Error {
    /// The command, such as `metainit`.
    pub command: String,
    /// What the error is about: a metadevice, or the path of a component or file. Null if it is
    /// about the command line.
    pub device: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// What to type next.
    pub next: String,
    /// The entry of md.tab that the error is about. Absent if it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
}

/// Where a metadevice stands in md.tab.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// Path of the file.
    pub file: String,
    /// Number of the line in which the entry begins, counted from 1.
    pub line: u64,
    /// Its first word, which should be the name of a metadevice.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are a contract with scripts (`svm.md` section 10, DESIGN section 7).
    #[test]
    fn exit_codes_are_those_of_the_contract() {
        assert_eq!(ExitStatus::Done.code(), 0);
        assert_eq!(ExitStatus::Error.code(), 1);
    }

    #[test]
    fn text_and_documents_have_the_same_words_for_states() {
        for state in [State::Okay, State::Unavailable] {
            let value = serde_json::to_value(state).unwrap();
            assert_eq!(value, state.word());
        }
    }
}
