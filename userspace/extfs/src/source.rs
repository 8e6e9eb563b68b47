// SPDX-License-Identifier: GPL-2.0
//! Where bytes come from.

use rustix::io::{
    preadv,
    Errno, //
};
use std::{
    fs::File,
    io::{
        self,
        ErrorKind,
        IoSliceMut, //
    },
    os::unix::fs::FileExt,
    sync::Arc, //
};

/// A device, or what stands for one. Many threads read it at once.
pub trait Source: Sync {
    /// How many bytes it has.
    fn bytes(&self) -> u64;

    /// Reads as many bytes as the buffer has, from an offset on.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Reads into several buffers what follows each other from an offset on.
    fn read_pieces_at(&self, pieces: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<()> {
        let mut at = offset;
        for piece in pieces {
            self.read_at(piece, at)?;
            at += piece.len() as u64;
        }
        Ok(())
    }
}

/// How many buffers the kernel fills at once: `UIO_MAXIOV`.
const PIECES: usize = 1024;

/// A device or file that is open for reading.
#[derive(Debug)]
pub struct OpenFile {
    /// The file.
    pub file: File,
    /// How many bytes it has.
    pub bytes: u64,
}

impl Source for OpenFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn read_pieces_at(&self, pieces: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<()> {
        // Who asks finds the buffers as they were, also if something fails in the middle.
        let own = pieces.iter_mut().map(|piece| IoSliceMut::new(piece));
        let mut own: Vec<_> = own.collect();
        let (mut rest, mut at) = (&mut own[..], offset);
        while !rest.is_empty() {
            let most = rest.len().min(PIECES);
            let (now, _) = rest.split_at_mut(most);
            let count = match preadv(&self.file, now, at) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            IoSliceMut::advance_slices(&mut rest, count);
            at += count as u64;
        }
        Ok(())
    }
}

impl Source for [u8] {
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

impl Source for Vec<u8> {
    fn bytes(&self) -> u64 {
        self.as_slice().bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.as_slice().read_at(buffer, offset)
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn bytes(&self) -> u64 {
        (**self).bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        (**self).read_at(buffer, offset)
    }

    fn read_pieces_at(&self, pieces: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<()> {
        (**self).read_pieces_at(pieces, offset)
    }
}

impl<S: Source + Send + ?Sized> Source for Arc<S> {
    fn bytes(&self) -> u64 {
        (**self).bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        (**self).read_at(buffer, offset)
    }

    fn read_pieces_at(&self, pieces: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<()> {
        (**self).read_pieces_at(pieces, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Also more of them than the kernel fills at once, and past the end.
    #[test]
    fn pieces_have_what_one_buffer_would() {
        let bytes: Vec<u8> = (0..5000_u32).map(|n| (n % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let open = OpenFile { file, bytes: 5000 };
        for source in [&open as &dyn Source, &bytes] {
            for length in [1, 7, 700] {
                let mut read = vec![0; 4200];
                let mut pieces: Vec<_> = read.chunks_mut(length).map(IoSliceMut::new).collect();
                source.read_pieces_at(&mut pieces, 300).unwrap();
                assert_eq!(read, bytes[300..4500], "{length}");
            }
            let mut read = [[0; 600]; 2];
            let mut pieces = read.each_mut().map(|piece| IoSliceMut::new(piece));
            assert!(source.read_pieces_at(&mut pieces, 4000).is_err());
            assert!(pieces.iter().all(|piece| piece.len() == 600));
        }
    }
}
