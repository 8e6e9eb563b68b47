// SPDX-License-Identifier: GPL-2.0
//! The answer as a JSON document; [`md_report`] says what is in it.

use super::next_command;
use crate::{
    explain::Failure,
    multicall::Finished, //
};
use md_report::{
    Document,
    Error, //
};
use std::io::{
    self,
    Write, //
};

/// Writes one line with everything that a command has to say.
pub fn write(finished: &Finished, out: &mut dyn Write) -> io::Result<()> {
    let error = |failure| error(finished, failure);
    let failed: Vec<_> = finished.answer.failures.iter().map(error).collect();
    let document = Document {
        failed: (!failed.is_empty()).then_some(failed),
        error: finished.failure.as_ref().map(error),
        ..finished.answer.document.clone()
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// A failure as an error of the document.
fn error(finished: &Finished, failure: &Failure) -> Error {
    Error {
        command: finished.command.clone(),
        device: failure.device.clone(),
        reason: failure.reason.clone(),
        next: next_command(finished, failure),
        entry: failure.entry.as_deref().cloned(),
    }
}
