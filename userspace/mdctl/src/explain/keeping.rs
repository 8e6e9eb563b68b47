// SPDX-License-Identifier: GPL-2.0
//! What goes wrong with the files that the tool writes, and with the name of a set.

use super::Failure;
use crate::admin::requests::database::Database;
use std::io;

/// A file in `/etc/md` that cannot be written.
pub fn unwritable(path: &str, error: &io::Error) -> Failure {
    Failure::of(
        path,
        format!("cannot be written: {error}"),
        "ls -ld /etc/md",
    )
}

/// There is no database whose replicas could be told of.
pub fn no_replicas(path: &str) -> Failure {
    let reason = "is not written: there is no state database";
    Failure::of(path, reason, "metadb -a -f DEVICE")
}

/// A word that is not the name of the set that is running, nor its uuid.
pub fn other_set(word: &str, running: Option<&Database>) -> Failure {
    let reason = match running {
        Some(database) => format!(
            "is not the set that is running, which is {} ({})",
            database.name, database.set
        ),
        None => "is not the set of this machine, which is local; none is running".to_string(),
    };
    Failure::of(word, reason, "mdctl scan")
}
