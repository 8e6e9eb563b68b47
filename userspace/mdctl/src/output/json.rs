// SPDX-License-Identifier: GPL-2.0
//! The answer as a JSON document; [`md_report`] says what is in it.

use super::next_command;
use crate::multicall::Finished;
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
    let document = Document {
        error: finished.failure.as_ref().map(|failure| Error {
            command: finished.command.clone(),
            device: failure.device.clone(),
            reason: failure.reason.clone(),
            next: next_command(finished, failure),
        }),
        ..finished.answer.document.clone()
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}
