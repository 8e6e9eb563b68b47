// SPDX-License-Identifier: GPL-2.0
//! A device as pages.

use crate::source::Source;
use md_model::database::page::PAGE_BYTES;

/// A device, page by page.
pub(crate) struct Device<'a> {
    source: &'a dyn Source,
}

/// Why there are no bytes of a page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Missing {
    /// The device ends before it, or within it.
    PastEnd(String),
    /// It cannot be read.
    Unreadable(String),
}

impl Missing {
    /// The reason, which reads on from the page's name.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Missing::PastEnd(reason) | Missing::Unreadable(reason) => reason,
        }
    }
}

impl<'a> Device<'a> {
    pub(crate) fn over(source: &'a dyn Source) -> Self {
        Device { source }
    }

    /// How many whole pages it has.
    pub(crate) fn pages(&self) -> u64 {
        self.source.bytes() / PAGE_BYTES as u64
    }

    /// Reads a page.
    pub(crate) fn page(&self, number: u64) -> Result<Vec<u8>, Missing> {
        let (offset, bytes) = (offset(number), self.source.bytes());
        if offset >= bytes {
            let reason = format!("lies behind the end of the device, which has {bytes} bytes");
            return Err(Missing::PastEnd(reason));
        }
        let left = bytes - offset;
        if left < PAGE_BYTES as u64 {
            let reason = format!("is cut off: the device ends {left} bytes behind its start");
            return Err(Missing::PastEnd(reason));
        }
        let mut buffer = vec![0; PAGE_BYTES];
        match self.source.read_at(&mut buffer, offset) {
            Ok(()) => Ok(buffer),
            Err(error) => Err(Missing::Unreadable(format!("cannot be read: {error}"))),
        }
    }
}

/// First byte of a page.
pub(crate) fn offset(page: u64) -> u64 {
    page.saturating_mul(PAGE_BYTES as u64)
}
