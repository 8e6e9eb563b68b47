// SPDX-License-Identifier: GPL-2.0
//! Compressed blocks, as Linux dump has them: the first block of a volume as it is, each other one
//! behind a word that says how and how long. A block that would not become shorter stays as it is.

use bzip2::write::BzEncoder;
use flate2::write::ZlibEncoder;
use serde::{
    Deserialize,
    Serialize, //
};
use std::io::{
    self,
    Write, //
};

/// How blocks are compressed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// By zlib, with a level from 1 to 9.
    Zlib(u32),
    /// By bzip2, with a level from 1 to 9.
    Bzip2(u32),
}

/// Bytes of the word in front of a block.
pub const PREFIX: usize = 4;

/// A block that does not become shorter by so many bytes stays as it is.
const GAIN: usize = 16;

/// Bits of the word: whether it is compressed, how, and from which bit on its length is.
const IS_COMPRESSED: u32 = 1;
const METHOD_SHIFT: u32 = 1;
const LENGTH_SHIFT: u32 = 4;

impl Compression {
    /// Whether blocks have a word in front of them.
    pub fn is_some(self) -> bool {
        self != Compression::None
    }

    fn method(self) -> u32 {
        match self {
            Compression::None | Compression::Zlib(_) => 0,
            Compression::Bzip2(_) => 1,
        }
    }

    fn squeezed(self, block: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Compression::None => Ok(block.to_vec()),
            Compression::Zlib(level) => {
                let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
                encoder.write_all(block)?;
                encoder.finish()
            }
            Compression::Bzip2(level) => {
                let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::new(level));
                encoder.write_all(block)?;
                encoder.finish()
            }
        }
    }

    /// Appends a block with its word, and says how many bytes that are.
    pub fn append(self, block: &[u8], to: &mut Vec<u8>) -> usize {
        let squeezed = self.squeezed(block).ok();
        let squeezed = squeezed.filter(|bytes| bytes.len() + GAIN < block.len());
        let (bytes, bit) = match &squeezed {
            Some(bytes) => (&bytes[..], IS_COMPRESSED),
            None => (block, 0),
        };
        let word = bit | (self.method() << METHOD_SHIFT) | ((bytes.len() as u32) << LENGTH_SHIFT);
        to.extend(word.to_le_bytes());
        to.extend(bytes);
        bytes.len() + PREFIX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn round(compression: Compression, block: &[u8]) -> (u32, usize) {
        let mut bytes = vec![9];
        let length = compression.append(block, &mut bytes);
        assert_eq!(bytes.len(), length + 1);
        let word = u32::from_le_bytes(bytes[1..5].try_into().unwrap());
        let body = &bytes[5..];
        assert_eq!(body.len(), (word >> 4) as usize);
        let mut plain = Vec::new();
        match (word & 1, (word >> 1) & 7) {
            (0, _) => plain = body.to_vec(),
            (_, 0) => drop(flate2::read::ZlibDecoder::new(body).read_to_end(&mut plain)),
            _ => drop(bzip2::read::BzDecoder::new(body).read_to_end(&mut plain)),
        }
        assert_eq!(plain, block);
        (word & 0xf, length)
    }

    /// dump.md 2.2: bit 0 compressed, bits 1 to 3 the method, then the length.
    #[test]
    fn the_word_in_front_says_how_and_how_long() {
        let zeros = vec![0; 10240];
        let (bits, length) = round(Compression::Zlib(2), &zeros);
        assert_eq!(bits, 1);
        assert!(length < 200);
        let (bits, length) = round(Compression::Bzip2(9), &zeros);
        assert_eq!(bits, 3);
        assert!(length < 200);
    }

    #[test]
    fn what_does_not_get_shorter_stays_as_it_is() {
        let mut state = 1u32;
        let noise: Vec<u8> = (0..10240)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let (bits, length) = round(Compression::Zlib(9), &noise);
        assert_eq!((bits, length), (0, 10244));
    }
}
