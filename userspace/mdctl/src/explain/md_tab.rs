// SPDX-License-Identifier: GPL-2.0
//! What goes wrong with md.tab and its entries.

use super::{
    Failure,
    Next, //
};
use crate::syntax::{
    md_tab::Entry,
    name::MetadeviceName, //
};
use std::io;

/// A file that cannot be read.
pub fn unreadable(file: &str, error: &io::Error) -> Failure {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_string(),
        _ => format!("cannot be read: {error}"),
    };
    Failure::of(file, reason, "metainit --help")
}

/// A metadevice that does not stand in the file.
pub fn no_entry(file: &str, name: MetadeviceName) -> Failure {
    let reason = format!("has no entry in {file}");
    Failure::of(name.to_string(), reason, "metainit --help")
}

/// Replicas that do not stand in the file.
pub fn no_replicas(file: &str, name: &str) -> Failure {
    let reason = format!("has no entry in {file}");
    Failure::of(name, reason, "metadb --help")
}

/// A failure of one entry. `with_force` is the command that makes this metadevice with `-f`.
pub fn in_entry(failure: Failure, file: &str, entry: &Entry, with_force: String) -> Failure {
    Failure {
        next: match failure.next {
            Next::SameWithForce => Next::Command(with_force),
            next => next,
        },
        entry: Some(Box::new(md_report::Entry {
            file: file.to_string(),
            line: entry.line as u64,
            name: entry.name().to_string(),
        })),
        ..failure
    }
}

/// Some of the metadevices that should be made could not be.
pub fn some_failed(file: &str, count: usize) -> Failure {
    let reason = format!("{count} of its metadevices could not be made");
    Failure {
        next: Next::Same,
        ..Failure::of(file, reason, "")
    }
}
