// SPDX-License-Identifier: GPL-2.0
//! The user's terminal while a shell runs in the guest: raw, so that every key goes there.

use std::io::{
    stdin,
    IsTerminal, //
};

use anyhow::Result;
use rustix::termios::{
    tcgetattr,
    tcgetwinsize,
    tcsetattr,
    OptionalActions,
    Termios, //
};

/// Ctrl-], as in telnet: the way out when the guest does not answer.
pub(crate) const ESCAPE: u8 = 0x1d;

/// Ctrl-D at the start of a line: no more input.
pub(crate) const END: u8 = 0x04;

/// Is somebody there who sees what he types?
pub(crate) fn is_there() -> bool {
    stdin().is_terminal()
}

/// Rows and columns; a usual size if there is no terminal.
pub(crate) fn size() -> (u16, u16) {
    match tcgetwinsize(stdin()) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => (size.ws_row, size.ws_col),
        _ => (24, 80),
    }
}

/// Puts the terminal back as it was when dropped. Does nothing without a terminal.
pub(crate) struct RawMode(Option<Termios>);

impl RawMode {
    /// Makes the terminal raw.
    pub(crate) fn enter() -> Result<Self> {
        if !is_there() {
            return Ok(Self(None));
        }
        let saved = tcgetattr(stdin())?;
        let mut raw = saved.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(Some(saved)))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        if let Some(saved) = &self.0 {
            // Nothing is left to be done if even this fails.
            let _ = tcsetattr(stdin(), OptionalActions::Now, saved);
        }
    }
}
