// SPDX-License-Identifier: GPL-2.0
//! A device that is read past the page cache where that is cheaper: the contents of large files.
//! Nobody reads them twice, and copying them through memory costs as much as all else of a dump.
//!
//! What is small, or does not lie as the device wants it, is read through the cache, which reads
//! ahead. Both see the same: before the kernel reads a device past its cache, it writes out what is
//! newer in there. A single sector is what is left to try where something is bad, and in the cache
//! a page is bad as a whole.

use crate::tolerant::SECTOR;
use md_extfs::source::{
    OpenFile,
    Source, //
};
use rustix::{
    fs::{
        open,
        statx,
        AtFlags,
        Mode,
        OFlags,
        StatxFlags, //
    },
    io::Errno, //
};
use std::{
    fs::File,
    io::{
        self,
        IoSliceMut, //
    },
    os::fd::AsRawFd, //
};

/// Bytes from which on the way past the cache is cheaper: below, a wait for the device costs
/// more than a copy of what was read ahead.
const LARGE: usize = 128 << 10;

/// A device, or an image.
#[derive(Debug)]
pub(crate) struct Device {
    cached: OpenFile,
    direct: Option<Direct>,
}

/// The way past the page cache.
#[derive(Debug)]
struct Direct {
    device: OpenFile,
    /// What addresses in memory are multiples of.
    memory: u64,
    /// What offsets and lengths are multiples of.
    sectors: u64,
}

impl Device {
    /// An open file that has no other way.
    pub(crate) fn cached(file: OpenFile) -> Self {
        Device {
            cached: file,
            direct: None,
        }
    }

    /// An open block device. Without the other way, if it has none.
    pub(crate) fn with_both_ways(cached: OpenFile) -> Self {
        let direct = Direct::open(&cached).ok().flatten();
        Device { cached, direct }
    }

    /// The file that it was made from.
    pub(crate) fn file(&self) -> &File {
        &self.cached.file
    }

    /// The way past the cache, if buffers at these addresses can be filled in that way.
    fn direct_for(&self, pieces: &[IoSliceMut<'_>], offset: u64) -> Option<&OpenFile> {
        let direct = self.direct.as_ref()?;
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let is_cheaper = length >= LARGE || length == SECTOR;
        (is_cheaper && direct.suits(pieces, offset)).then_some(&direct.device)
    }
}

impl Direct {
    fn open(device: &OpenFile) -> io::Result<Option<Self>> {
        // The same device, whatever has its name by now.
        let path = format!("/proc/self/fd/{}", device.file.as_raw_fd());
        let flags = OFlags::RDONLY | OFlags::DIRECT | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = File::from(open(path, flags, Mode::empty())?);
        let told = statx(&file, "", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN)?;
        let (memory, sectors) = (told.stx_dio_mem_align, told.stx_dio_offset_align);
        Ok((memory > 0 && sectors > 0).then(|| Direct {
            device: OpenFile {
                file,
                bytes: device.bytes,
            },
            memory: memory.into(),
            sectors: sectors.into(),
        }))
    }

    /// Whether the kernel reads into buffers at these addresses.
    fn suits(&self, pieces: &[IoSliceMut<'_>], offset: u64) -> bool {
        offset % self.sectors == 0
            && pieces.iter().all(|piece| {
                piece.as_ptr().addr() as u64 % self.memory == 0
                    && piece.len() as u64 % self.sectors == 0
            })
    }
}

impl Source for Device {
    fn bytes(&self) -> u64 {
        self.cached.bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_pieces_at(&mut [IoSliceMut::new(buffer)], offset)
    }

    fn read_pieces_at(&self, pieces: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<()> {
        match self.direct_for(pieces, offset) {
            Some(direct) => match direct.read_pieces_at(pieces, offset) {
                // Some devices want more than they say.
                Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
                    self.cached.read_pieces_at(pieces, offset)
                }
                done => done,
            },
            None => self.cached.read_pieces_at(pieces, offset),
        }
    }
}
