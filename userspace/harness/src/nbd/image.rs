// SPDX-License-Identifier: GPL-2.0
//! The file with a disk's bytes. Sparse: zeroes are holes where the file system can make them.

use std::{
    fs::{
        File,
        OpenOptions, //
    },
    io,
    os::unix::fs::FileExt,
    path::Path, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};
use rustix::{
    fs::{
        fallocate,
        seek,
        FallocateFlags,
        SeekFrom, //
    },
    io::Errno, //
};

use super::{
    cache::Before,
    SECTOR, //
};

/// An open image.
pub(crate) struct Image {
    file: File,
    size: u64,
}

impl Image {
    /// Makes a fresh image that reads as zeroes.
    pub(crate) fn create(path: &Path, size: u64) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        file.set_len(size)?;
        Self::of(file, path)
    }

    /// Opens an image that stays.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Self::of(
            file.with_context(|| format!("cannot open {}", path.display()))?,
            path,
        )
    }

    fn of(file: File, path: &Path) -> Result<Self> {
        let size = file.metadata()?.len();
        ensure!(
            size > 0 && size % SECTOR == 0,
            "{0}: {size} bytes is no size for a disk; make one with 'truncate -s 256M {0}'",
            path.display()
        );
        Ok(Self { file, size })
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Reads a range, which the caller has checked to be inside.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// Writes a range, which the caller has checked to be inside.
    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, offset)
    }

    /// Makes a range read as zeroes.
    pub(crate) fn zero(&self, offset: u64, length: u64) -> io::Result<()> {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match fallocate(&self.file, flags, offset, length) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.write(
                offset,
                &vec![0; usize::try_from(length).unwrap_or(usize::MAX)],
            ),
            result => Ok(result?),
        }
    }

    /// What a range holds, for the undo log.
    pub(crate) fn before(&self, offset: u64, length: u64) -> io::Result<Before> {
        if self.is_hole(offset, length) {
            return Ok(Before::Zeroes(length / SECTOR));
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.read(offset, &mut bytes)?;
        Ok(Before::Bytes(bytes))
    }

    /// Is the range certainly a hole? "No" is a safe answer.
    fn is_hole(&self, offset: u64, length: u64) -> bool {
        match seek(&self.file, SeekFrom::Data(offset)) {
            Ok(data) => data >= offset + length,
            Err(Errno::NXIO) => true,
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_image_reads_as_zeroes_and_keeps_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        let image = Image::create(&path, 1 << 20).unwrap();
        assert_eq!(image.before(0, 4096).unwrap(), Before::Zeroes(8));
        image.write(512, &[7; 512]).unwrap();
        let Before::Bytes(bytes) = image.before(0, 1024).unwrap() else {
            panic!("no data")
        };
        assert_eq!((bytes[0], bytes[512]), (0, 7));
        image.zero(0, 1 << 20).unwrap();
        let mut sector = [1; 512];
        Image::open(&path).unwrap().read(512, &mut sector).unwrap();
        assert_eq!(sector, [0; 512]);
    }

    #[test]
    fn what_cannot_be_a_disk_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        std::fs::write(&path, [0; 100]).unwrap();
        let error = Image::open(&path).err().expect("refused").to_string();
        assert!(
            error.contains("100 bytes") && error.contains("truncate"),
            "{error}"
        );
    }
}
