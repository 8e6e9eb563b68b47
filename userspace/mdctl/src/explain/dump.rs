// SPDX-License-Identifier: GPL-2.0
//! What is wrong with a device or image that is dumped. The exit status tells a damaged one from
//! one that could not be looked at.

use super::{
    Failure,
    Next, //
};
use crate::syntax::shell::quoted;
use md_report::ExitStatus;
use std::io;

/// A device or image that cannot be opened.
pub fn unreadable(path: &str, error: &io::Error) -> Failure {
    let failure = match error.kind() {
        io::ErrorKind::NotFound => Failure::of(path, "there is no such device or file", "lsblk"),
        io::ErrorKind::PermissionDenied => Failure {
            next: Next::SameAsRoot,
            ..Failure::of(path, "only root may read it", "")
        },
        _ => Failure::of(
            path,
            format!("cannot be opened: {error}"),
            format!("ls -l {}", quoted(path)),
        ),
    };
    unseen(failure)
}

/// A replica that is not there.
pub fn no_replica(path: &str, number: u32) -> Failure {
    let next = format!("mdctl dump {}", quoted(path));
    unseen(Failure::of(path, format!("has no replica {number}"), next))
}

/// A device or image on which something is damaged.
pub fn damaged(path: &str, count: usize) -> Failure {
    let reason = match count {
        1 => "is damaged in 1 place".to_string(),
        count => format!("is damaged in {count} places"),
    };
    Failure::of(path, reason, "mdctl scan")
}

/// The failure of who has not seen anything.
pub fn unseen(failure: Failure) -> Failure {
    Failure {
        status: ExitStatus::Unseen,
        ..failure
    }
}
