// SPDX-License-Identifier: GPL-2.0
//! Memory for blocks of a dump, at an address where a device can write by itself.

use std::ops::{
    Deref,
    DerefMut, //
};

/// What its address is a multiple of: a page, which suits every device.
const ALIGNMENT: usize = 4096;

/// Bytes of which the first one is at the beginning of a page.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// Makes it as long as that. What is in there is whatever was.
    pub(crate) fn set_len(&mut self, length: usize) {
        if self.bytes.len() < length + ALIGNMENT {
            self.bytes = vec![0; length + ALIGNMENT];
        }
        self.start = self.bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        self.end = self.start + length;
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        let end = bytes.len();
        Buffer {
            bytes,
            start: 0,
            end,
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let range = self.start..self.end;
        self.bytes.get_mut(range).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_at_a_page_whatever_its_length() {
        let mut buffer = Buffer::default();
        assert!(buffer.is_empty());
        for length in [1, 10_240, 522_240, 65_536, 522_241] {
            buffer.set_len(length);
            assert_eq!(buffer.len(), length);
            assert_eq!(buffer.as_ptr().addr() % ALIGNMENT, 0);
            buffer.fill(7);
        }
        assert_eq!(*Buffer::from(vec![1, 2]), [1, 2]);
    }
}
