// SPDX-License-Identifier: GPL-2.0
//! Where bytes come from.

use rustix::fs::{
    fadvise,
    Advice,
    OFlags, //
};
use std::{
    fs::File,
    io::{
        self,
        ErrorKind,
        Seek,
        SeekFrom, //
    },
    os::unix::fs::{
        FileExt,
        OpenOptionsExt, //
    },
    path::Path, //
};

/// A device, or what stands for one.
pub trait Source {
    /// How many bytes it has.
    fn bytes(&self) -> u64;

    /// Reads as many bytes as the buffer has, from an offset on.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// A device or file that is open for reading. A file may have holes, which are zeros.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    bytes: u64,
}

impl OpenFile {
    /// Opens the device or file at a path, for reading only.
    pub fn open(path: &Path) -> io::Result<Self> {
        // A pipe without a writer is not waited for.
        let flags = OFlags::NONBLOCK.bits() as i32;
        let mut file = File::options().read(true).custom_flags(flags).open(path)?;
        if file.metadata()?.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        // The kernel's modules write past the page cache, so what that has may be old.
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
        let bytes = file.seek(SeekFrom::End(0))?;
        Ok(OpenFile { file, bytes })
    }
}

impl Source for OpenFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

/// Bytes in memory.
impl Source for Vec<u8> {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(buffer.len());
        let found = self.get(start..end).ok_or(ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(found);
        Ok(())
    }
}
