// SPDX-License-Identifier: GPL-2.0
//! Refusals that have to do with events, and with waiting for them.

use super::Failure;
use crate::admin::ADMIN_PATH;
use md_abi::admin::Refusal;
use std::io;

/// Why events could not be read; `None` if the refusal is about something else.
pub(super) fn refusal(refusal: Refusal, [a, b]: [u64; 2]) -> Option<Failure> {
    match refusal {
        Refusal::NoSuchEvent => Some(Failure::of(
            ADMIN_PATH,
            format!("event {a} has not happened since the module was loaded, the last one is {b}"),
            "mdctl monitor --past",
        )),
        Refusal::Interrupted => Some(Failure::of(
            ADMIN_PATH,
            "a signal has come before there was an event",
            "mdctl monitor --past",
        )),
        _ => None,
    }
}

/// Signals cannot be waited for.
pub fn no_signals(error: &io::Error) -> Failure {
    Failure::of(
        ADMIN_PATH,
        format!("cannot be waited for, since signals cannot be caught: {error}"),
        "mdctl monitor --once",
    )
}
