// SPDX-License-Identifier: GPL-2.0
//! Byte streams between us and QEMU: socket pairs of which QEMU inherits one end. When QEMU is
//! gone, however it went, our end reads end-of-file, so no reader can be left waiting.

use std::os::{
    fd::{
        AsRawFd,
        OwnedFd, //
    },
    unix::net::UnixStream, //
};

use anyhow::Result;
use rustix::io::{
    fcntl_setfd,
    FdFlags, //
};

/// A stream whose other end is to be a character device of QEMU.
pub(crate) struct Port {
    /// The character device's name on QEMU's command line.
    pub(crate) id: &'static str,
    /// Our end.
    pub(crate) ours: UnixStream,
    theirs: OwnedFd,
}

impl Port {
    /// Makes the pair. QEMU's end survives the next `exec`.
    pub(crate) fn new(id: &'static str) -> Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let theirs = OwnedFd::from(theirs);
        fcntl_setfd(&theirs, FdFlags::empty())?;
        Ok(Self { id, ours, theirs })
    }

    /// The `-chardev` argument.
    pub(crate) fn chardev(&self) -> String {
        format!("socket,id={},fd={}", self.id, self.theirs.as_raw_fd())
    }

    /// Gives up QEMU's end, once QEMU has it, and keeps ours.
    pub(crate) fn connected(self) -> UnixStream {
        self.ours
    }
}
