// SPDX-License-Identifier: GPL-2.0
//! A request of the administrator that is refused: an errno for the system call, and the reason
//! with its figures for the tool, which knows what to type next.

use kernel::{
    fmt,
    prelude::*,
    str::CString, //
};
use md_model::geometry::stripe::LayoutError;

use crate::abi::{
    Header,
    Refusal,
    NO_INDEX, //
};

/// Why a request is refused. Nothing has changed.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    errno: Error,
    refusal: Refusal,
    index: u32,
    values: [u64; 2],
}

impl Refused {
    /// A refusal that is about the metadevice as a whole.
    pub fn new(errno: Error, refusal: Refusal) -> Self {
        Self {
            errno,
            refusal,
            index: NO_INDEX,
            values: [0; 2],
        }
    }

    /// A refusal whose figure is the errno.
    pub(crate) fn with_errno(errno: Error, refusal: Refusal) -> Self {
        let number = u64::from(errno.to_errno().unsigned_abs());
        Self::new(errno, refusal).with([number, 0])
    }

    /// The same, about a row or component.
    pub fn at(self, index: u32) -> Self {
        Self { index, ..self }
    }

    /// The same, about a part that comes behind so many rows and components that nobody asked
    /// about.
    pub(crate) fn behind(self, rows: usize, components: usize) -> Self {
        let skipped = match self.refusal {
            Refusal::BadInterlace | Refusal::InterlaceUnaligned => rows,
            _ => components,
        };
        let skipped = u32::try_from(skipped).unwrap_or(0);
        match self.index {
            NO_INDEX => self,
            index => self.at(index.saturating_sub(skipped)),
        }
    }

    /// The same, with the figures that [`Refusal`] documents.
    pub fn with(self, values: [u64; 2]) -> Self {
        Self { values, ..self }
    }

    /// The errno for the system call.
    pub(crate) fn errno(&self) -> Error {
        self.errno
    }

    /// The reason.
    pub(crate) fn refusal(&self) -> Refusal {
        self.refusal
    }

    /// Puts the reason where the tool reads it.
    pub(crate) fn write_to(&self, header: &mut Header) {
        header.refusal = self.refusal as u32;
        header.refusal_index = self.index;
        header.refusal_values = self.values;
    }
}

/// Shows what the model knows how to show; the kernel's macros ask for a trait of their own.
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: core::fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}

/// A text, for the kernel's C side.
pub(crate) fn text(text: fmt::Arguments<'_>) -> Result<CString, Refused> {
    CString::try_from_fmt(text).map_err(|_| Refused::new(ENOMEM, Refusal::NoMemory))
}

impl From<kernel::alloc::AllocError> for Refused {
    fn from(_: kernel::alloc::AllocError) -> Self {
        Self::new(ENOMEM, Refusal::NoMemory)
    }
}

impl From<LayoutError> for Refused {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::BadRowCount { found, most } => {
                Self::new(EINVAL, Refusal::BadRowCount).with([found.into(), most.into()])
            }
            LayoutError::BadComponentCount { found, most } => {
                Self::new(EINVAL, Refusal::BadComponentCount).with([found.into(), most.into()])
            }
            LayoutError::BadInterlace { row, found, bound } => {
                Self::new(EINVAL, Refusal::BadInterlace)
                    .at(row)
                    .with([found, bound])
            }
            LayoutError::InterlaceUnaligned { row, found, block } => {
                Self::new(EINVAL, Refusal::InterlaceUnaligned)
                    .at(row)
                    .with([found, block])
            }
            LayoutError::ComponentTooSmall {
                component,
                needed,
                found,
            } => Self::new(ENOSPC, Refusal::ComponentTooSmall)
                .at(component)
                .with([needed, found]),
            LayoutError::ComponentUnaligned {
                component,
                found,
                block,
            } => Self::new(EINVAL, Refusal::ComponentUnaligned)
                .at(component)
                .with([found, block]),
            LayoutError::TooLarge { found, most } => {
                Self::new(EFBIG, Refusal::TooLarge).with([found, most])
            }
            LayoutError::Violation => {
                pr_err!("bug: a layout was asked for with tables that do not fit it\n");
                Self::new(EINVAL, Refusal::DiskFailed)
            }
        }
    }
}
