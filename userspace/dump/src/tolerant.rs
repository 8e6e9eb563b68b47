// SPDX-License-Identifier: GPL-2.0
//! A disk with bad places: what cannot be read is told, counted and taken for zeros.

use crate::console::Console;
use md_extfs::source::Source;
use std::{
    io::{
        self,
        IoSliceMut, //
    },
    sync::{
        atomic::{
            AtomicBool,
            AtomicU64,
            AtomicUsize,
            Ordering, //
        },
        Arc, //
    },
};

/// Bytes that are lost together.
pub(crate) const SECTOR: usize = 512;

/// How many errors are bearable unless the user says otherwise.
pub const ERRORS_MAX: u64 = 32;

/// A source of which every byte can be read, in a manner of speaking.
pub struct Tolerant {
    inner: Box<dyn Source + Send + Sync>,
    name: String,
    console: Arc<dyn Console>,
    limit: u64,
    since_asked: AtomicU64,
    all: AtomicU64,
    is_given_up: AtomicBool,
    /// Reads that have not ended.
    reads: AtomicUsize,
    /// Whether nothing is to be read any more.
    stop: Arc<AtomicBool>,
}

impl std::fmt::Debug for Tolerant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tolerant")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Tolerant {
    /// Reads from a source with this name, and bears so many errors before the user is asked.
    pub fn new(
        inner: Box<dyn Source + Send + Sync>,
        name: &str,
        console: Arc<dyn Console>,
        limit: u64,
    ) -> Self {
        Tolerant {
            inner,
            name: name.to_string(),
            console,
            limit,
            since_asked: AtomicU64::new(0),
            all: AtomicU64::new(0),
            is_given_up: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
            stop: Arc::default(),
        }
    }

    /// The same until this becomes true: then every read fails, without a word.
    pub fn until(self, stop: Arc<AtomicBool>) -> Self {
        Tolerant { stop, ..self }
    }

    /// Whether the disk is being waited for.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.reads.load(Ordering::Relaxed) > 0
    }

    /// How many sectors could not be read.
    pub fn errors(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }

    /// Whether the user does not want to go on.
    pub fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed)
    }

    /// Whether there is any sense in reading.
    fn check(&self) -> io::Result<()> {
        if self.is_given_up() {
            return Err(io::Error::other("too many errors"));
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was to stop"));
        }
        Ok(())
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let done = self.inner.read_at(buffer, offset);
        self.reads.fetch_sub(1, Ordering::Relaxed);
        done
    }

    /// Sector by sector: those that cannot be read become zeros.
    fn piecewise(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut at = offset;
        for sector in buffer.chunks_mut(SECTOR) {
            self.check()?;
            if let Err(error) = self.read(sector, at) {
                sector.fill(0);
                self.bear(at, &error)?;
            }
            at += sector.len() as u64;
        }
        Ok(())
    }

    fn bear(&self, at: u64, error: &io::Error) -> io::Result<()> {
        let name = &self.name;
        let sector = at / SECTOR as u64;
        self.console.say(&format!(
            "read error from {name}: {error}: [sector {sector}]: count={SECTOR}"
        ));
        self.all.fetch_add(1, Ordering::Relaxed);
        let count = self.since_asked.fetch_add(1, Ordering::Relaxed) + 1;
        if count <= self.limit {
            return Ok(());
        }
        let limit = self.limit;
        self.console
            .say(&format!("More than {limit} block read errors from {name}"));
        self.console.broadcast("DUMP IS AILING!");
        self.console.say("This is an unrecoverable error.");
        if self.console.ask("Do you want to attempt to continue?") == Some(true) {
            self.since_asked.store(0, Ordering::Relaxed);
            return Ok(());
        }
        self.is_given_up.store(true, Ordering::Relaxed);
        Err(io::Error::other("too many errors"))
    }
}

impl Source for Tolerant {
    fn bytes(&self) -> u64 {
        self.inner.bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.check()?;
        match self.read(buffer, offset) {
            Ok(()) => Ok(()),
            Err(_) => self.piecewise(buffer, offset),
        }
    }

    fn read_pieces_at(&self, pieces: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<()> {
        self.check()?;
        self.reads.fetch_add(1, Ordering::Relaxed);
        let done = self.inner.read_pieces_at(pieces, offset);
        self.reads.fetch_sub(1, Ordering::Relaxed);
        if done.is_ok() {
            return Ok(());
        }
        let mut at = offset;
        for piece in pieces {
            self.read_at(piece, at)?;
            at += piece.len() as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Recorded;

    /// Zeros would not be noticed: it is full of sevens, and bad in some sectors.
    struct Bad(Vec<u64>);

    impl Source for Bad {
        fn bytes(&self) -> u64 {
            1 << 20
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
            let end = offset + buffer.len() as u64;
            let mut sectors = self.0.iter().map(|sector| sector * 512);
            if sectors.any(|at| at < end && at + 512 > offset) {
                return Err(io::Error::from_raw_os_error(5));
            }
            buffer.fill(7);
            Ok(())
        }
    }

    fn read(sectors: Vec<u64>, answers: &[bool]) -> (io::Result<Vec<u8>>, Arc<Recorded>, u64) {
        let console = Arc::new(Recorded::with_answers(answers));
        let source = Tolerant::new(Box::new(Bad(sectors)), "sdx", console.clone(), ERRORS_MAX);
        let mut bytes = vec![1; 64 * 512];
        let result = source.read_at(&mut bytes, 0).map(|()| bytes);
        (result, console, source.errors())
    }

    #[test]
    fn only_what_is_bad_becomes_zeros() {
        let (bytes, console, errors) = read(vec![3, 9], &[]);
        let bytes = bytes.unwrap();
        for (sector, bytes) in bytes.chunks(512).enumerate() {
            let should = if [3, 9].contains(&sector) { 0 } else { 7 };
            assert!(bytes.iter().all(|byte| *byte == should), "{sector}");
        }
        assert!(console.has("read error from sdx") && console.has("[sector 9]: count=512"));
        assert_eq!(errors, 2);
    }

    #[test]
    fn pieces_have_what_one_buffer_would() {
        let console = Arc::<Recorded>::default();
        let source = Tolerant::new(Box::new(Bad(vec![3, 9])), "sdx", console, ERRORS_MAX);
        let mut bytes = vec![1; 64 * 512];
        let mut pieces: Vec<_> = bytes.chunks_mut(5 * 512).map(IoSliceMut::new).collect();
        source.read_pieces_at(&mut pieces, 0).unwrap();
        assert_eq!(bytes, read(vec![3, 9], &[]).0.unwrap());
        assert_eq!(source.errors(), 2);
    }

    #[test]
    fn a_dump_that_is_to_stop_reads_nothing() {
        let (stop, console) = (Arc::<AtomicBool>::default(), Arc::<Recorded>::default());
        let source = Tolerant::new(Box::new(Bad(vec![3])), "sdx", console.clone(), ERRORS_MAX);
        let source = source.until(stop.clone());
        assert!(source.read_at(&mut [0; 512], 0).is_ok());
        stop.store(true, Ordering::Relaxed);
        assert!(source.read_at(&mut [0; 512], 0).is_err());
        assert!(!console.has("read error") && source.errors() == 0);
    }

    /// dump.md 5.4: counted to 32, then the user is asked.
    #[test]
    fn behind_32_errors_the_user_decides() {
        let (bytes, console, _) = read((0..32).collect(), &[]);
        assert!(bytes.is_ok() && !console.has("More than"));
        let (bytes, console, _) = read((0..33).collect(), &[false]);
        assert!(bytes.is_err() && console.has("Do you want to attempt to continue?"));
        assert!(console.has("DUMP IS AILING!"));
        let (bytes, _, errors) = read((0..40).collect(), &[true]);
        assert!(bytes.is_ok());
        assert_eq!(errors, 40);
    }
}
