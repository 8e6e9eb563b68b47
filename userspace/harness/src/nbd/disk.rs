// SPDX-License-Identifier: GPL-2.0
//! One disk: its image and its volatile cache, behind a lock, shared by its server and the machine.

use std::{
    fmt,
    io,
    ops::Range,
    sync::{
        Mutex,
        MutexGuard,
        PoisonError, //
    }, //
};

use rustix::io::Errno;

use super::{
    cache::WriteCache,
    image::Image,
    SECTOR, //
};

/// More than this many bytes of unflushed writes and the disk settles a part of them.
const CACHE_LIMIT: usize = 64 << 20;
/// Large zeroings enter the cache in pieces of this size, so that its limit holds.
const PIECE: u64 = 1 << 20;

/// What a disk lost.
pub(crate) struct PowerLoss {
    /// The disk's name.
    pub(crate) disk: String,
    writes: usize,
    sectors: usize,
    lost: usize,
}

impl fmt::Display for PowerLoss {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            disk,
            writes,
            sectors,
            lost,
        } = self;
        write!(
            out,
            "{disk}: {writes} unflushed writes to {sectors} sectors, {lost} sectors lost"
        )
    }
}

/// A disk as its users see it.
pub(crate) struct Disk {
    /// Its serial number and export name.
    pub(crate) name: String,
    inner: Mutex<Inner>,
}

struct Inner {
    image: Image,
    cache: WriteCache,
    powered: bool,
}

impl Disk {
    /// Puts a disk around an image. The seed decides what the cache settles by itself.
    pub(crate) fn new(name: String, image: Image, seed: u64) -> Self {
        let cache = WriteCache::new(CACHE_LIMIT, seed);
        Self {
            name,
            inner: Mutex::new(Inner {
                image,
                cache,
                powered: true,
            }),
        }
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.lock().image.size()
    }

    /// Reads the newest data.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let inner = self.lock();
        inner.check(offset, buffer.len() as u64)?;
        inner.image.read(offset, buffer)
    }

    /// Writes; durable at once with `fua`, else volatile.
    pub(crate) fn write(&self, offset: u64, data: &[u8], fua: bool) -> io::Result<()> {
        let mut inner = self.lock();
        inner.check(offset, data.len() as u64)?;
        inner.remember(offset, data.len() as u64, fua)?;
        inner.image.write(offset, data)
    }

    /// Makes a range read as zeroes, with the durability of a write.
    pub(crate) fn zero(&self, offset: u64, length: u64, fua: bool) -> io::Result<()> {
        let mut inner = self.lock();
        inner.check(offset, length)?;
        let mut done = 0;
        while done < length {
            let piece = PIECE.min(length - done);
            inner.remember(offset + done, piece, fua)?;
            inner.image.zero(offset + done, piece)?;
            done += piece;
        }
        Ok(())
    }

    /// Makes everything written so far durable.
    pub(crate) fn flush(&self) -> io::Result<()> {
        let mut inner = self.lock();
        inner.check(0, 0)?;
        inner.cache.flush();
        Ok(())
    }

    /// The disk takes no more requests. Stops all disks of a machine before the first one decides
    /// what it loses.
    pub(crate) fn switch_off(&self) {
        self.lock().powered = false;
    }

    /// The disk has power again.
    pub(crate) fn switch_on(&self) {
        self.lock().powered = true;
    }

    /// Loses a part of what is not durable, as the seed says.
    pub(crate) fn lose_cache(&self, seed: u64) -> io::Result<PowerLoss> {
        let mut inner = self.lock();
        let loss = inner.cache.cut(seed);
        for (sector, content) in &loss.undone {
            inner.image.write(sector * SECTOR, content)?;
        }
        Ok(PowerLoss {
            disk: self.name.clone(),
            writes: loss.writes,
            sectors: loss.sectors,
            lost: loss.undone.len(),
        })
    }

    /// A server thread that panicked left nothing half done that matters more than the panic.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Refuses what is outside of the disk or not in whole sectors, and everything without power.
    fn check(&self, offset: u64, length: u64) -> io::Result<()> {
        if !self.powered {
            return Err(Errno::NODEV.into());
        }
        let end = offset
            .checked_add(length)
            .filter(|end| *end <= self.image.size());
        let aligned = offset % SECTOR == 0 && length % SECTOR == 0;
        match end {
            Some(_) if aligned => Ok(()),
            _ => Err(Errno::INVAL.into()),
        }
    }

    /// Enters a write into the cache, before it is made.
    fn remember(&mut self, offset: u64, length: u64, fua: bool) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let start = offset / SECTOR;
        if fua {
            let range: Range<u64> = start..start + length / SECTOR;
            self.cache.settle(&range);
        } else {
            let before = self.image.before(offset, length)?;
            self.cache.written(start, before);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(folder: &tempfile::TempDir) -> Disk {
        let image = Image::create(&folder.path().join("image"), 8 << 20).unwrap();
        Disk::new("disk0".to_owned(), image, 1)
    }

    fn sector_after_cut(disk: &Disk, seed: u64, sector: u64) -> u8 {
        disk.switch_off();
        disk.lose_cache(seed).unwrap();
        disk.switch_on();
        let mut content = [0; 512];
        disk.read(sector * SECTOR, &mut content).unwrap();
        content[0]
    }

    #[test]
    fn reads_see_unflushed_writes_and_cuts_lose_them() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        let mut lost = 0;
        for seed in 0..40 {
            disk.write(0, &[0; 512], true).unwrap();
            disk.write(0, &[5; 512], false).unwrap();
            let mut seen = [0; 512];
            disk.read(0, &mut seen).unwrap();
            assert_eq!(seen, [5; 512]);
            lost += usize::from(sector_after_cut(&disk, seed, 0) == 0);
        }
        assert!((5..35).contains(&lost), "{lost} of 40 lost");
    }

    #[test]
    fn durable_data_survives_every_cut() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        for seed in 0..40 {
            disk.write(0, &[6; 1024], false).unwrap();
            disk.flush().unwrap();
            assert_eq!(sector_after_cut(&disk, seed, 1), 6);
            disk.write(0, &[7; 512], true).unwrap();
            assert_eq!(sector_after_cut(&disk, seed, 0), 7);
        }
    }

    #[test]
    fn an_unflushed_discard_can_be_undone() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        let undone = (0..40).any(|seed| {
            disk.write(4 << 20, &[8; 512], true).unwrap();
            disk.zero(0, 8 << 20, false).unwrap();
            sector_after_cut(&disk, seed, (4 << 20) / SECTOR) == 8
        });
        assert!(undone);
    }

    #[test]
    fn requests_outside_or_unaligned_or_without_power_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        assert!(disk.write(8 << 20, &[0; 512], false).is_err());
        assert!(disk.write(100, &[0; 512], false).is_err());
        assert!(disk.zero(u64::MAX - 511, 1024, false).is_err());
        disk.switch_off();
        assert!(disk.flush().is_err());
        assert!(disk.write(0, &[0; 512], false).is_err());
    }
}
